"""How many processes a run gets."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import manifest

from kload_runner.cli.output import Refused
from kload_runner.cli.workers import read_workers, useful_workers, workers_for
from kload_spec.plan import Plan
from kload_spec.planning import plan


def planned(scenario: dict[str, Any]) -> Plan:
    return plan(
        manifest(
            scenarios={"go": {**scenario, "steps": [{"get": "/"}]}},
            target={"baseURL": "http://127.0.0.1:1"},
        )
    )


@pytest.mark.parametrize(
    ("scenario", "cores", "workers"),
    [
        pytest.param(
            {"executor": "constant-vus", "vus": 100, "duration": "1s"}, 8, 1, id="few-vus"
        ),
        pytest.param(
            {"executor": "constant-vus", "vus": 1800, "duration": "1s"}, 8, 4, id="many-vus"
        ),
        pytest.param(
            {"executor": "constant-vus", "vus": 1800, "duration": "1s"}, 2, 2, id="few-cores"
        ),
        pytest.param(
            {"executor": "constant-arrival-rate", "rate": 12000, "duration": "1s", "maxVUs": 100},
            8,
            3,
            id="rate",
        ),
        pytest.param(
            {
                "executor": "ramping-arrival-rate",
                "startRate": 10,
                "maxVUs": 100,
                "stages": [{"target": 9000, "duration": "1s"}],
            },
            8,
            2,
            id="peak-of-a-ramp",
        ),
    ],
)
def test_auto_takes_what_the_plan_needs_and_the_cores_allow(
    scenario: dict[str, Any], cores: int, workers: int
) -> None:
    assert workers_for(planned(scenario), cores) == workers


def test_nobody_starts_processes_without_a_vu() -> None:
    small = planned({"executor": "constant-vus", "vus": 2, "duration": "1s"})
    assert useful_workers(small, 100) == 2
    assert useful_workers(small, 1) == 1


@pytest.mark.parametrize("text", ["0", "257", "-1", "many", ""])
def test_a_number_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="from 1 to 256"):
        read_workers(text)
