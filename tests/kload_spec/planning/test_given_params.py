"""Params from the command line, where they meet the rest of the plan."""

from __future__ import annotations

import pytest

from kload_spec.errors import InvalidSpec
from kload_spec.planning import Overrides, plan

DOCUMENT = {
    "apiVersion": "kload.dev/v1alpha1",
    "kind": "LoadTest",
    "metadata": {"name": "given"},
    "spec": {
        "params": {"vus": 1},
        "target": {"baseURL": "http://127.0.0.1"},
        "scenarios": {
            "s": {
                "executor": "constant-vus",
                "vus": "$(params.vus)",
                "duration": "1s",
                "steps": [{"get": "/"}],
            }
        },
    },
}


def test_a_given_param_is_the_plans() -> None:
    made = plan(DOCUMENT, Overrides(params={"vus": "7"}))
    assert made.params == {"vus": 7}
    assert made.scenarios[0].load.shape.vu_limit == 7


def test_a_given_param_that_does_not_fit_is_one_problem() -> None:
    with pytest.raises(InvalidSpec) as refused:
        plan(DOCUMENT, Overrides(params={"vus": "many"}))
    assert [problem.path for problem in refused.value.problems] == ["spec.params.vus"]
