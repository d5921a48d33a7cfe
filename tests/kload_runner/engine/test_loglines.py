"""The run's log: masked, and bounded per second."""

from __future__ import annotations

from kload_runner.engine.loglines import LINES_PER_S, LogLines


def test_lines_are_masked() -> None:
    lines: list[str] = []
    LogLines(lines.append, lambda text: text.replace("secret", "***"), lambda: 0.0)("a secret")
    assert lines == ["a ***"]


def test_what_is_too_much_for_a_second_is_counted_and_told() -> None:
    lines: list[str] = []
    now = 5.0
    log = LogLines(lines.append, lambda text: text, lambda: now)
    for n in range(LINES_PER_S + 7):
        log(str(n))
    assert len(lines) == LINES_PER_S
    now = 6.0
    log("next")
    assert lines[-2:] == ["... 7 more lines (at most 1000 a second are shown)", "next"]
    log.flush()
    assert lines[-1] == "next"
