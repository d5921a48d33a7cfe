"""A runner's last words fit where the kubelet keeps them, and lose nothing that a verdict depends on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import manifest

from kload_spec.control import RunnerPhase
from kload_spec.farewell import MAX_BYTES, Farewell, condensed, packed
from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.planning import plan
from kload_spec.result import Result, RunIdentity, RunnerInfo, ThresholdResult, conclude
from kload_spec.result.document import CheckResult, ScenarioResult, StepResult


def document(thresholds: int = 3, **more: Any) -> Result:
    metrics = ("http_req_duration", "http_req_waiting", "iteration_duration")
    rules = {metric: [f"p({90 + n / 2:g})<{n + 1}s" for n in range(16)] for metric in metrics}
    definitions = plan(manifest(thresholds=rules)).thresholds[:thresholds]
    durations = Histogram()
    for number in range(1, 2000):
        durations.record(number / 977)
    steps = [
        StepResult(scenario="buy", name=f"s{n}", requests=10 * n, failed=n, duration=durations)
        for n in range(1, 30)
    ]
    fields = {
        "run": RunIdentity(name="shop", uid="u-1", plan_hash="h" * 64),
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        "duration_s": 60.0,
        "runners": [RunnerInfo(index=2, pod="shop-1-2")],
        "scenarios": [ScenarioResult(name="buy", iterations=900, duration=durations, vus_max=3)],
        "steps": [*steps, StepResult(scenario="setup", name="login", requests=1)],
        "checks": [CheckResult(name="ok", scenario="buy", step="s1", passes=9, fails=1)],
        "thresholds": [
            ThresholdResult(definition=item, good=4000, samples=4350, sum=float("inf"))
            for item in definitions
        ],
        **more,
    }
    return Result(**fields)


def well(result: Result, **more: Any) -> Farewell:
    words = Farewell(exit_code=0, phase=RunnerPhase.FINISHED, totals=packed(result))
    return words.model_copy(update=more)


@pytest.mark.parametrize(
    "health",
    [
        pytest.param(Health(), id="healthy"),
        pytest.param(Health(arrivals=100, late_starts=50), id="late"),
        pytest.param(Health(local_errors=3), id="out of ports"),
        pytest.param(Health(loop_lag_p99_s=5.0), id="lagging"),
    ],
)
def test_what_is_left_gets_the_verdict_of_the_whole(health: Health) -> None:
    whole = document(health=health)
    words = Farewell.read(well(whole).to_text())
    assert words is not None
    left = words.result()
    assert left is not None
    mine, theirs = conclude(whole), conclude(left)
    assert theirs.verdict == mine.verdict
    counts = ("requests", "failed", "checks_passed", "checks_failed", "iterations", "dropped")
    assert [getattr(theirs.summary, name) for name in counts] == [
        getattr(mine.summary, name) for name in counts
    ]


def test_thirty_thresholds_fit() -> None:
    text = well(document(30)).to_text()
    assert "totals" in text
    assert len(text.encode()) <= MAX_BYTES


def test_what_does_not_fit_is_left_out_whole_never_cut() -> None:
    words = Farewell.read(well(document(), message="x" * 3500).to_text())
    assert words is not None
    assert (words.totals, words.message) == ("", "x" * 3500)


@given(
    message=st.text(max_size=6000),
    faults=st.lists(st.text(max_size=3000), max_size=5),
    scenarios=st.integers(0, 200),
)
@settings(max_examples=60, deadline=None)
def test_it_always_fits_and_stays_json(message: str, faults: list[str], scenarios: int) -> None:
    requests = {f"scenario-{n}": n for n in range(scenarios)}
    words = Farewell(exit_code=1, message=message, faults=tuple(faults), requests=requests)
    text = words.to_text()
    assert len(text.encode()) <= MAX_BYTES
    found = Farewell.read(text)
    assert found is not None
    assert found.exit_code == 1


def test_condensing_twice_changes_nothing() -> None:
    once = condensed(document())
    assert condensed(once) == once
