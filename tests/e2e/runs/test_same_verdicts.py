"""The same answers and the same thresholds give the same verdict on this machine and over 1, 3 and 10 runners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.api import Object
from cluster.bed import Bed
from trials.counting_target import PORT, CountingTarget
from trials.load_tests import get, iterations, load_test
from trials.observing import finished
from trials.operators import Operator

import kload_runner
from kload_spec.result import Result

NUMBER = 40
SIZES = (1, 3, 10)


@dataclass(frozen=True)
class Case:
    """What is asked, what must hold, and the verdict it must come to.

    Attributes:
        sure: metrics of thresholds whose observed value is the same whatever the machine does.
    """

    steps: Sequence[Mapping[str, Any]]
    verdict: tuple[str, str]
    thresholds: Mapping[str, Sequence[str]] = field(default_factory=dict)
    sure: Sequence[str] = ()


FLAKY = [get("/flaky/4")]
CASES = {
    "all-hold": Case(
        [get()],
        ("Passed", "ThresholdsHeld"),
        {
            "checks": ["rate==1"],
            "http_reqs": [f"count=={NUMBER}"],
            "http_req_duration": ["p(99)<30s"],
        },
        ["checks", "http_reqs"],
    ),
    "a-rate-at-its-bound-is-broken": Case(
        FLAKY, ("Failed", "ThresholdBroken"), {"http_req_failed": ["rate<25%"]}, ["http_req_failed"]
    ),
    "a-rate-at-its-bound-holds": Case(
        FLAKY,
        ("Passed", "ThresholdsHeld"),
        {"http_req_failed": ["rate<=25%"], "checks": ["rate>=75%"]},
        ["http_req_failed", "checks"],
    ),
    "too-slow": Case(
        [get("/slow/1000")], ("Failed", "ThresholdBroken"), {"http_req_duration": ["min<1s"]}
    ),
    "nothing-succeeded": Case([get("/status/500")], ("Failed", "NothingSucceeded")),
    "no-samples": Case(
        [get(), {"if": "vu < 0", "then": [get("/never", "never")]}],
        ("Inconclusive", "NoSamples"),
        {"http_req_duration{step:never}": ["p(95)<1s"]},
    ),
    "an-assert-does-not-hold": Case(
        [{**get(), "assert": {"few": f"json.id < {NUMBER}"}}], ("Failed", "ThresholdBroken")
    ),
    "iterations-fail": Case(
        [get(), {"if": "json.id % 2 == 0", "then": [{"fail": "even"}]}],
        ("Failed", "ThresholdBroken"),
        {"iterations_failed": ["rate<50%"]},
        ["iterations_failed"],
    ),
}


def manifest_of(case: Case, runners: int) -> Object:
    """Return the LoadTest of a case."""
    load = iterations(NUMBER, vus=10)
    thresholds = {key: list(rules) for key, rules in case.thresholds.items()}
    name = f"fleet-{runners}"
    return load_test(name, runners=runners, load=load, steps=case.steps, thresholds=thresholds)


def shown(result: Result) -> dict[str, tuple[str, int]]:
    """Return observed value and number of samples of each threshold."""
    return {
        f"{one.key} {one.definition.text}": (one.shown or "", one.samples)
        for one in result.thresholds
    }


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_verdict_does_not_depend_on_where_and_how_widely_it_ran(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget, tmp_path: Path, case: Case
) -> None:
    file = tmp_path / "test.yaml"
    file.write_text(yaml.safe_dump(manifest_of(case, 1)))
    address = bed.api.get("v1/Pod", "target", namespace)["status"]["podIP"]
    local = kload_runner.run(file, target=f"http://{address}:{PORT}")
    assert local.verdict is not None
    assert (local.verdict.verdict, local.verdict.reason) == case.verdict
    expected = shown(local)

    for runners in SIZES:
        before = target.counts().total
        target.forget()
        manifest = manifest_of(case, runners)
        bed.api.apply(manifest, namespace)
        status = finished(bed.api, namespace, manifest["metadata"]["name"])
        assert (status["verdict"], status["reason"]) == case.verdict, status["message"]
        found = {
            f"{one['metric']} {one['expression']}": (one.get("observed", ""), one.get("samples", 0))
            for one in status.get("thresholds", ())
        }
        assert found.keys() == expected.keys()
        for key, (observed, samples) in found.items():
            assert samples == expected[key][1], key
            if key.split()[0] in case.sure:
                assert observed == expected[key][0], key
        assert before >= NUMBER == target.counts().total
