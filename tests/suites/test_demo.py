"""`make demo` loads the ticket shop and leaves a report."""

from __future__ import annotations

from pathlib import Path

import pytest

from examples import demo

SHORT = ("peak=2", "rampUp=50ms", "hold=100ms", "rampDown=50ms", "pause=10ms")


def test_the_demo_loads_the_ticket_shop_and_says_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(demo.ROOT / "examples")
    assert demo.demo(SHORT) == 0
    out = capsys.readouterr().out
    assert "Passed  ticket-purchase" in out
    assert "What next?" in out
    assert demo.REPORT.exists()


def test_the_demo_takes_about_twenty_seconds() -> None:
    given = dict(param.split("=") for param in demo.SHORTENED)
    assert sum(int(given[name].rstrip("s")) for name in ("rampUp", "hold", "rampDown")) == 19
