"""`kload wait` reads the verdict of the newest generation and ends with its code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kload_runner.cli.wait import EXIT_TIMEOUT, follow, progress_of


def load_test(
    verdict: str = "", reason: str = "", *, observed: int = 2, finished: bool = True
) -> dict[str, Any]:
    return {
        "metadata": {"generation": 2},
        "status": {
            "observedGeneration": observed,
            "phase": "Running",
            "verdict": verdict,
            "reason": reason,
            "conditions": [{"type": "Finished", "status": str(finished)}],
        },
    }


@pytest.mark.parametrize(
    ("verdict", "reason", "code"),
    [
        ("Passed", "ThresholdsHeld", 0),
        ("Failed", "ThresholdBroken", 99),
        ("Inconclusive", "NoSamples", 98),
        ("Error", "InvalidSpec", 104),
        ("Error", "SetupFailed", 107),
        ("Error", "RunnerLost", 1),
        ("Cancelled", "Aborted", 105),
        ("Cancelled", "AbortStep", 108),
        ("SomethingNew", "", 1),
    ],
)
def test_each_verdict_has_its_exit_code(verdict: str, reason: str, code: int) -> None:
    assert progress_of(load_test(verdict, reason)).exit_code == code


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(load_test("Passed", observed=1), id="verdict-of-an-older-generation"),
        pytest.param(load_test(finished=False), id="still-running"),
        pytest.param({"metadata": {"generation": 1}}, id="no-status-yet"),
    ],
)
def test_a_run_that_has_not_ended_has_no_code(seen: dict[str, Any]) -> None:
    assert progress_of(seen).exit_code is None


def test_following_says_each_change_once_and_ends_with_the_verdict() -> None:
    states: Iterator[dict[str, Any]] = iter(
        [
            load_test(finished=False),
            load_test(finished=False),
            load_test("Failed", "ThresholdBroken"),
        ]
    )
    said: list[str] = []
    assert (
        follow(
            lambda: next(states),
            say=said.append,
            timeout_s=60,
            now=lambda: 0.0,
            sleep=lambda _: None,
        )
        == 99
    )
    assert said == ["Running", "Failed (ThresholdBroken)"]


def test_giving_up_has_a_code_of_its_own() -> None:
    clock = iter(range(100))
    said: list[str] = []
    code = follow(
        lambda: load_test(finished=False),
        say=said.append,
        timeout_s=5,
        now=lambda: float(next(clock)),
        sleep=lambda _: None,
    )
    assert code == EXIT_TIMEOUT
    assert "gave up waiting" in said[-1]
