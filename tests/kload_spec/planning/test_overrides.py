"""What the command line says over a manifest."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import manifest, with_steps

from kload_spec.control import PlanSource
from kload_spec.errors import InvalidSpec
from kload_spec.planning import Overrides, plan, plan_of


def test_a_source_gives_the_same_plan_as_its_parts() -> None:
    source = PlanSource(document=manifest(params={"n": 1}), params={"n": "2"}, vus=3, duration="5s")
    assert (
        plan_of(source).plan_hash
        == plan(source.document, Overrides({"n": "2"}, vus=3, duration_s=5.0)).plan_hash
    )


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"duration": "5"},
            "--duration: '5' has no unit; write 5s or 5ms; give a duration, e.g. 30s",
        ),
        ({"duration": "0s"}, "--duration: '0s' is not above 0; give e.g. 30s"),
        ({"vus": 0}, "--vus: 0 is below 1; give a number, e.g. 10"),
        ({"iterations": -1}, "--iterations: -1 is below 1; give a number, e.g. 10"),
    ],
    ids=str,
)
def test_options_of_a_quick_run_are_checked(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        plan_of(PlanSource(document=manifest(), **fields))
    assert str(error.value) == said


def test_params_given_on_the_command_line_reach_expressions_and_load() -> None:
    document = with_steps({"sleep": "$(params.pause)"}, params={"pause": "1s", "n": 1})
    document["spec"]["scenarios"]["buy"]["vus"] = "$(params.n)"
    planned = plan(document, Overrides({"pause": "2s", "n": "4"}))
    assert planned.params == {"pause": "2s", "n": 4}
    assert planned.scenarios[0].load.shape.vu_limit == 4
