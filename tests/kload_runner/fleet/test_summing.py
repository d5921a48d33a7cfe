"""Live numbers of several runners, as one."""

from __future__ import annotations

import pytest
from plays import planned

from kload_runner.fleet.summing import snapshot_of
from kload_runner.snapshots import ThresholdSnapshot
from kload_spec.control import RunnerPhase, StatusReply, ThresholdTotals

RULES = ["p(95)<1s", "med<1s", "max<1s", "min<1s"]


def shown(*estimates: float) -> dict[str, ThresholdSnapshot]:
    """What a fleet shows whose runners have these estimates, the k-th of k + 1 samples."""
    plan = planned("http://127.0.0.1:1", {"get": "/"}, thresholds={"http_req_duration": RULES})
    statuses = [
        StatusReply(
            phase=RunnerPhase.RUNNING,
            runner=k,
            thresholds={
                item.id: ThresholdTotals(good=k + 1, samples=k + 1, sum=1.0, estimate=value)
                for item in plan.thresholds
            },
        )
        for k, value in enumerate(estimates)
    ]
    return {item.expression: item for item in snapshot_of(plan, statuses, None).thresholds}


def test_a_percentile_of_several_runners_is_marked_as_near() -> None:
    assert shown(0.1)["p(95)<1s"].shown == "100 ms"
    fleet = shown(0.1, 0.4)
    assert (fleet["p(95)<1s"].shown, fleet["med<1s"].shown) == ("≈ 300 ms", "≈ 300 ms")
    assert fleet["p(95)<1s"].holds is True


def test_the_ends_of_several_runners_are_those_of_the_fleet() -> None:
    fleet = shown(0.1, 0.4, 0.2)
    assert (fleet["min<1s"].shown, fleet["max<1s"].shown) == ("100 ms", "400 ms")


def test_a_near_percentile_never_contradicts_what_is_exact() -> None:
    assert shown(0.9, 3.0)["p(95)<1s"].observed == pytest.approx(1.0, rel=0.01)
