"""Pauses: fixed, ranges, and params that hold either."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from kload_spec.errors import InvalidSpec
from kload_spec.planning import Overrides, plan
from kload_spec.program import SleepStep, StepProgram


def pause_of(text: str, given: Mapping[str, str] | None = None, **params: object) -> SleepStep:
    scenario: dict[str, Any] = {"executor": "constant-vus", "duration": "1s"}
    document = {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "pauses"},
        "spec": {
            "params": params,
            "target": {"baseURL": "http://127.0.0.1"},
            "scenarios": {"s": {**scenario, "steps": [{"get": "/"}, {"sleep": text}]}},
        },
    }
    overrides = Overrides(params=given or {})
    program = plan(document, overrides).scenarios[0].program
    assert isinstance(program, StepProgram)
    step = program.steps[1]
    assert isinstance(step, SleepStep)
    return step


@pytest.mark.parametrize(
    ("text", "params", "low", "high"),
    [
        pytest.param("1s", {}, 1000, 1000, id="fixed"),
        pytest.param("0.5s..2.5s", {}, 500, 2500, id="a range"),
        pytest.param("$(params.p)", {"p": "100ms"}, 100, 100, id="a param"),
        pytest.param("$(params.p)", {"p": "0.5s..2.5s"}, 500, 2500, id="a param with a range"),
        pytest.param(
            "$(params.a)..$(params.b)", {"a": "1s", "b": "2s"}, 1000, 2000, id="two params"
        ),
    ],
)
def test_a_pause_has_two_bounds(text: str, params: dict[str, str], low: float, high: float) -> None:
    step = pause_of(text, **params)
    assert (step.low_ms, step.high_ms) == (low, high)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("2s..1s", "the first bound is above the second", id="upside down"),
        pytest.param("1s..2s..3s", "more than two bounds", id="three bounds"),
        pytest.param("soon", "is no duration", id="no duration"),
    ],
)
@pytest.mark.parametrize("through_a_param", [False, True], ids=["written", "param"])
def test_a_pause_that_cannot_be_is_refused(text: str, message: str, through_a_param: bool) -> None:
    with pytest.raises(InvalidSpec, match=message):
        pause_of("$(params.p)" if through_a_param else text, p=text)


def test_a_param_given_from_outside_is_the_one_that_expressions_see() -> None:
    step = pause_of("$(params.p)", given={"p": "20ms"}, p="1s")
    assert step.low_ms == 20
