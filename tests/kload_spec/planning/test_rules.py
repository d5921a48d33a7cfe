"""Thresholds of a file: what the run can judge, what it leaves out, what nobody writes."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import faults, manifest, scenario, with_steps

from kload_spec.planning import Overrides, plan


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        ({"http_req_duratio": ["p(95)<5"]}, "did you mean 'http_req_duration'?"),
        ({"http_req_duration": ["p95<5"]}, "p(95)"),
        (
            {"http_req_failed{scenario:by}": ["rate<1%"]},
            "no scenario is called 'by'; did you mean 'buy'?",
        ),
        ({"http_req_failed{step:x}": ["rate<1%"]}, "no step is called 'x'"),
        ({"checks{check:y}": ["rate==1"]}, "no check is called 'y'"),
        ({"http_req_failed{kin:read}": ["rate<1%"]}, "has no tag 'kin'; did you mean 'kind'?"),
        (
            {"http_req_duration": ["p(95)<5", "p(95)<5ms"]},
            "'p(95)<5ms' is the same rule as 'p(95)<5'; keep one",
        ),
        ({"http_req_duration": ["p(95)<$(env.MAX)"]}, "env exists at run time only"),
    ],
    ids=str,
)
def test_a_threshold_that_cannot_be_judged_is_refused(
    thresholds: dict[str, Any], said: str
) -> None:
    document = with_steps({"get": "/", "tags": {"kind": "read"}}, thresholds=thresholds)
    (fault,) = faults(document)
    assert fault.startswith("spec.thresholds")
    assert said in fault


def test_thresholds_may_select_whatever_the_run_measures() -> None:
    thresholds = {
        "http_req_duration{scenario:buy,step:GET /,kind:read}": ["p(95)<$(params.budget)"],
        "checks{check:up}": ["rate>99%"],
        "http_req_failed{scenario:setup}": ["rate<1%"],
    }
    step = {"get": "/", "tags": {"kind": "read"}, "checks": {"up": "status == 200"}}
    planned = plan(
        with_steps(step, thresholds=thresholds, params={"budget": "500ms"}, setup=[{"get": "/x"}])
    )
    bounds = {rule.metric: rule.bound for rule in planned.thresholds}
    assert bounds["http_req_duration"] == 0.5


def test_what_is_implicit_comes_last() -> None:
    step = {"get": "/", "assert": {"b": "status == 200", "a": "status == 200"}}
    planned = plan(
        with_steps(
            step, thresholds={"http_req_failed": ["rate<1%"]}, teardown=[{"assert": {"c": "true"}}]
        )
    )
    assert [(rule.key, rule.implicit) for rule in planned.thresholds] == [
        ("http_req_failed", False),
        ("checks{check:a}", True),
        ("checks{check:b}", True),
        ("checks{check:c}", True),
        ("iterations_failed", True),
    ]


def test_the_rule_on_failed_iterations_can_be_ones_own() -> None:
    planned = plan(manifest(thresholds={"iterations_failed": ["rate<50%"]}))
    assert [(rule.key, rule.text, rule.implicit) for rule in planned.thresholds] == [
        ("iterations_failed", "rate<50%", False)
    ]


def test_a_rule_that_an_assert_implies_is_there_once_and_counts_like_the_assert() -> None:
    spec = with_steps({"get": "/", "assert": {"up": "true"}})
    spec["spec"]["thresholds"] = {"checks{check:up}": ["rate==1"]}
    rules = [rule for rule in plan(spec).thresholds if rule.metric == "checks"]
    assert [(rule.key, rule.implicit, rule.always) for rule in rules] == [
        ("checks{check:up}", False, True)
    ]


def test_an_assert_does_not_share_its_name_with_a_check() -> None:
    (fault,) = faults(
        with_steps({"get": "/", "checks": {"up": "true"}}, {"get": "/b", "assert": {"up": "true"}})
    )
    assert fault.startswith(
        "spec.scenarios.buy.steps[0].checks.up: 'up' is also an assert at spec.scenarios.buy.steps[1]"
    )


def test_rules_about_a_scenario_that_does_not_run_are_left_out_and_noted() -> None:
    other = scenario(
        {"get": "/b", "name": "b", "assert": {"only here": "true"}, "record": {"m": 1}},
        enabled=False,
    )
    thresholds = {
        "http_req_failed{scenario:other}": ["rate<1%"], "http_req_failed{step:b}": ["rate<1%"], "m": ["count>5"],
        "http_req_failed": ["rate<1%"],
    }  # fmt: skip
    document = manifest(
        scenarios={"buy": scenario(), "other": other},
        thresholds=thresholds,
        metrics={"m": {"type": "counter"}},
    )
    planned = plan(document)
    assert [rule.key for rule in planned.thresholds] == ["http_req_failed", "iterations_failed"]
    assert "m count>5 is not judged: metric m is not part of this run" in planned.notes
    assert len(plan(document, Overrides(scenarios=("buy", "other"))).thresholds) == 6


def test_scripts_measure_what_nobody_knows_yet() -> None:
    document = manifest(
        script={"entry": "x.py"},
        scenarios={
            "a": {"executor": "constant-vus", "duration": "1s", "exec": "buy"},
            "b": scenario(enabled=False),
        },
        thresholds={
            "http_req_failed{step:anything}": ["rate<1%"],
            "checks{scenario:b}": ["rate>1%"],
        },
        metrics={"m": {"type": "trend"}},
    )
    planned = plan(document)
    assert [rule.key for rule in planned.thresholds] == [
        "http_req_failed{step:anything}",
        "iterations_failed",
    ]
    assert (
        "checks{scenario:b} rate>1% is not judged: scenario b is not part of this run"
        in planned.notes
    )
