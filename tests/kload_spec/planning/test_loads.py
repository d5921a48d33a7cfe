"""Load profiles: k6's defaults, VUs of arrival rates, quick runs."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import faults, manifest

from kload_spec.planning import Overrides, plan
from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Shape,
    SharedIterations,
    Stage,
)

STEPS = [{"get": "/"}]


@pytest.mark.parametrize(
    ("written", "shape"),
    [
        ({"executor": "constant-vus", "duration": "10s"}, ConstantVUs(1, 10.0)),
        (
            {"executor": "ramping-vus", "stages": [{"duration": "5s", "target": 3}]},
            RampingVUs(1, (Stage(5.0, 3),), 30.0),
        ),
        (
            {
                "executor": "ramping-vus",
                "startVUs": 0,
                "stages": [{"duration": "5s", "target": 3}],
                "gracefulRampDown": "0s",
            },
            RampingVUs(0, (Stage(5.0, 3),), 0.0),
        ),
        ({"executor": "per-vu-iterations"}, PerVUIterations(1, 1, 600.0)),
        (
            {"executor": "shared-iterations", "vus": 2, "iterations": 9, "maxDuration": "1m"},
            SharedIterations(2, 9, 60.0),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5, "duration": "4s"},
            ConstantArrivalRate(5, 1.0, 4.0, 5, 150),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 3, "timeUnit": "1m", "duration": "4s"},
            ConstantArrivalRate(3, 60.0, 4.0, 1, 2),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5000, "duration": "4s"},
            ConstantArrivalRate(5000, 1.0, 4.0, 5000, 10_000),
        ),
        (
            {
                "executor": "constant-arrival-rate",
                "rate": 5,
                "duration": "4s",
                "preAllocatedVUs": 300,
            },
            ConstantArrivalRate(5, 1.0, 4.0, 300, 300),
        ),
        (
            {"executor": "constant-arrival-rate", "rate": 5, "duration": "4s", "maxVUs": 2},
            ConstantArrivalRate(5, 1.0, 4.0, 2, 2),
        ),
        (
            {
                "executor": "ramping-arrival-rate",
                "stages": [{"duration": "2s", "target": 4}, {"duration": "1s", "target": 0}],
            },
            RampingArrivalRate(0, 1.0, (Stage(2.0, 4), Stage(1.0, 0)), 4, 120),
        ),
    ],
    ids=str,
)
def test_executors_have_k6s_defaults(written: dict[str, Any], shape: Shape) -> None:
    planned = plan(manifest(scenarios={"buy": {**written, "steps": STEPS}}))
    assert planned.scenarios[0].load.shape == shape


def test_arrivals_get_vus_for_their_slowest_request() -> None:
    written = {
        "executor": "constant-arrival-rate",
        "rate": 2,
        "duration": "4s",
        "steps": [{"get": "/", "timeout": "3s"}],
    }
    shape = plan(manifest(scenarios={"buy": written})).scenarios[0].load.shape
    assert shape.vu_limit == 6


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            {"executor": "ramping-vus", "startVUs": 0, "stages": [{"duration": "5s", "target": 0}]},
            "spec.scenarios.buy: has no VU at any time; give a target above 0",
        ),
        (
            {"executor": "ramping-vus", "stages": [{"duration": "0s", "target": 5}]},
            "spec.scenarios.buy: starts no iteration at any time; give it time and a target above 0",
        ),
        (
            {"executor": "ramping-arrival-rate", "stages": [{"duration": "5s", "target": 0}]},
            "spec.scenarios.buy: starts no iteration at any time; give it time and a target above 0",
        ),
    ],
    ids=str,
)
def test_a_load_of_nothing_is_refused(written: dict[str, Any], said: str) -> None:
    assert faults(manifest(scenarios={"buy": {**written, "steps": STEPS}})) == [said]


@pytest.mark.parametrize(
    ("overrides", "shape"),
    [
        (Overrides(vus=5, duration_s=30.0), ConstantVUs(5, 30.0)),
        (Overrides(vus=5), ConstantVUs(5, 20.0)),
        (Overrides(duration_s=3.0), ConstantVUs(1, 3.0)),
        (Overrides(iterations=9), SharedIterations(1, 9, 600.0)),
        (Overrides(iterations=3, vus=5, duration_s=7.0), SharedIterations(3, 3, 7.0)),
    ],
    ids=str,
)
def test_a_quick_run_replaces_the_shape_and_keeps_the_rest(
    overrides: Overrides, shape: Shape
) -> None:
    written = {
        "executor": "ramping-vus", "stages": [{"duration": "20s", "target": 9}], "startTime": "1m",
        "tags": {"kind": "x"}, "steps": STEPS,
    }  # fmt: skip
    planned = plan(manifest(scenarios={"buy": written}, measure={"after": "15s"}), overrides)
    (found,) = planned.scenarios
    assert planned.quick
    assert (found.load.shape, found.load.start_time_s, found.tags) == (shape, 0.0, (("kind", "x"),))
