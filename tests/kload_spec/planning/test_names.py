"""Which names exist where: found at load time, with path and suggestion."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import faults, manifest, scenario, with_steps

STEP = "spec.scenarios.buy.steps"


@pytest.mark.parametrize(
    "steps",
    [
        pytest.param(
            [{"get": "/", "save": {"id": "json.id"}}, {"get": "/$(vars.id)"}], id="saved before"
        ),
        pytest.param([{"set": {"id": 1}}, {"get": "/$(vars.id)"}], id="set before"),
        pytest.param(
            [{"if": "vu > 1", "then": [{"set": {"id": 1}}]}, {"get": "/$(vars.id)"}],
            id="set in a branch",
        ),
        pytest.param(
            [{"pick": [{"weight": 1, "steps": [{"set": {"id": 1}}]}]}, {"get": "/$(vars.id)"}],
            id="set in a pick",
        ),
        pytest.param(
            [
                {
                    "repeat": {
                        "times": 2,
                        "steps": [
                            {"if": "iter > 0", "then": [{"log": "$(vars.id)"}]},
                            {"set": {"id": 1}},
                        ],
                    }
                }
            ],
            id="set in the round before",
        ),
        pytest.param(
            [{"repeat": {"until": "vars.id > 3", "max": 9, "steps": [{"set": {"id": 1}}]}}],
            id="until sees the round",
        ),
        pytest.param(
            [{"repeat": {"times": 2, "index": "n", "steps": [{"get": "/$(vars.n)"}]}}],
            id="index of a loop",
        ),
        pytest.param(
            [{"foreach": {"in": [1], "as": "x", "steps": [{"get": "/$(vars.x)"}]}}],
            id="item of a list",
        ),
        pytest.param([{"call": "create"}, {"get": "/$(vars.created)"}], id="saved by a block"),
        pytest.param([{"call": "show", "with": {"id": 1}}], id="argument of a block"),
        pytest.param([{"get": "/$(vars.token)"}], id="saved by setup"),
        pytest.param([{"get": "/$(row.user)"}], id="column of the data"),
        pytest.param(
            [{"get": "/"}, {"if": "status == 200", "then": [{"log": "$(req.url) $(duration)"}]}],
            id="latest response",
        ),
        pytest.param(
            [{"repeat": {"times": 2, "while": "status != 500", "steps": [{"get": "/"}]}}],
            id="answer of a round before",
        ),
        pytest.param(
            [{"post": "/", "body": "x", "headers": {"X-Sign": "$(sha256(req.body))"}}],
            id="a header signs the body",
        ),
        pytest.param(
            [
                {
                    "get": "/",
                    "checks": {"a": "req.headers['x'] == ''"},
                    "record": {"m": "checks.ok"},
                }
            ],
            id="checks.ok in record",
        ),
    ],
)
def test_what_may_have_been_set_before_exists(steps: list[dict[str, Any]]) -> None:
    document = manifest(
        scenarios={"buy": scenario(*steps, data="users")},
        blocks={
            "create": [{"post": "/", "save": {"created": "json.id"}}],
            "show": [{"get": "/$(vars.id)"}],
        },
        setup=[{"post": "/login", "save": {"token": "json.token"}}],
        data={"users": {"rows": [{"user": "ann"}]}},
        metrics={"m": {"type": "counter"}},
    )
    assert faults(document) == []


@pytest.mark.parametrize(
    ("steps", "path", "said"),
    [
        pytest.param(
            [{"get": "/$(vars.id)"}, {"set": {"id": 1}}],
            f"{STEP}[0].get",
            "unknown name vars.id",
            id="set only later",
        ),
        pytest.param(
            [{"get": "/", "save": {"order": "json.id"}}, {"get": "/$(vars.oder)"}],
            f"{STEP}[1].get",
            "did you mean vars.order?",
            id="misspelt",
        ),
        pytest.param(
            [{"log": "$(status)"}],
            f"{STEP}[0].log",
            "status is known only after a request",
            id="no answer yet",
        ),
        pytest.param(
            [{"get": "/", "checks": {"a": "checks.ok"}}],
            f"{STEP}[0].checks.a",
            "checks is known only after the checks",
            id="checks in checks",
        ),
        pytest.param(
            [{"post": "/", "body": "$(req.body)"}],
            f"{STEP}[0].body",
            "req.body",
            id="a body of itself",
        ),
        pytest.param(
            [{"get": "/$(env.KEY)"}],
            f"{STEP}[0].get",
            "unknown name env.KEY; env has HOST",
            id="undeclared variable",
        ),
        pytest.param(
            [{"get": "/$(params.x)"}],
            f"{STEP}[0].get",
            "params does not exist here",
            id="undeclared param",
        ),
        pytest.param(
            [{"get": "/$(row.x)"}],
            f"{STEP}[0].get",
            "row does not exist here: the scenario has no `data`",
            id="no data",
        ),
        pytest.param(
            [{"get": "/$(totals.checks.rate)"}],
            f"{STEP}[0].get",
            "totals is known only in teardown",
            id="totals",
        ),
        pytest.param(
            [{"foreach": {"in": [1], "as": "x", "steps": [{"get": "/"}]}}, {"log": "$(vars.x)"}],
            f"{STEP}[1].log",
            "unknown name vars.x",
            id="an item ends with its loop",
        ),
        pytest.param(
            [{"repeat": {"times": 1, "index": "n", "steps": [{"get": "/"}]}}, {"log": "$(vars.n)"}],
            f"{STEP}[1].log",
            "unknown name vars.n",
            id="an index ends with its loop",
        ),
        pytest.param(
            [{"call": "show", "with": {"id": 1}}, {"log": "$(vars.id)"}],
            f"{STEP}[1].log",
            "unknown name vars.id",
            id="an argument ends with its call",
        ),
        pytest.param(
            [{"call": "show"}],
            "spec.blocks.show[0].get",
            "unknown name vars.id; none is declared (called from spec.scenarios.buy.steps[0])",
            id="a block without its argument",
        ),
        pytest.param(
            [{"call": "shw"}],
            f"{STEP}[0].call",
            "there is no block 'shw'; did you mean 'show'?",
            id="block misspelt",
        ),
        pytest.param(
            [{"get": "/", "record": {"m": 1}}],
            f"{STEP}[0].record.m",
            "there is no metric 'm'; none is declared",
            id="undeclared metric",
        ),
        pytest.param(
            [{"get": "/", "record": {"checks": 1}}],
            f"{STEP}[0].record.checks",
            "'checks' is built in and records itself",
            id="built-in metric",
        ),
        pytest.param(
            [{"get": "/", "checks": {"a": "statsu == 200"}}],
            f"{STEP}[0].checks.a",
            "did you mean status?",
            id="name misspelt",
        ),
        pytest.param(
            [{"post": "/", "json": {"a": [{"b": "$(x)"}]}}],
            f"{STEP}[0].json.a[0].b",
            "unknown name x",
            id="deep in a body",
        ),
    ],
)
def test_what_nothing_can_have_set_is_a_mistake(
    steps: list[dict[str, Any]], path: str, said: str
) -> None:
    document = with_steps(
        *steps, blocks={"show": [{"get": "/$(vars.id)"}]}, env=[{"name": "HOST", "optional": True}]
    )
    (fault,) = faults(document)
    assert fault.startswith(f"{path}: ")
    assert said in fault


def test_setup_sees_nothing_and_teardown_sees_what_setup_saved_and_totals() -> None:
    document = manifest(
        setup=[{"post": "/", "save": {"before": "json.n"}}],
        teardown=[
            {"get": "/n", "assert": {"stored": "json.n - vars.before == totals.iterations.count"}}
        ],
    )
    assert faults(document) == []
    assert "vars" in faults(manifest(setup=[{"get": "/$(vars.x)"}]))[0]


def test_variables_of_a_scenario_live_as_long_as_the_vu() -> None:
    living = scenario({"get": "/$(vars.n)"}, vars={"n": 0}, start=[{"set": {"n": "$(vars.n + 1)"}}])
    assert faults(manifest(scenarios={"buy": living})) == []


def test_what_start_saves_ends_with_it_and_the_fault_says_so() -> None:
    lost = scenario(
        {"get": "/$(vars.token)"}, start=[{"post": "/login", "save": {"token": "json.t"}}]
    )
    (fault,) = faults(manifest(scenarios={"buy": lost}))
    assert fault.endswith(
        "; what `start` saves ends with it, unless the scenario declares vars: {token: ...}"
    )


def test_a_fault_of_a_target_header_is_told_once() -> None:
    target = {"baseURL": "http://x.test", "headers": {"A": "$(env.NO)"}}
    (fault,) = faults(with_steps({"get": "/"}, {"get": "/b"}, target=target))
    assert fault.startswith("spec.target.headers.A: ")


def test_a_fault_of_a_block_is_told_once_however_often_it_is_called() -> None:
    (fault,) = faults(
        with_steps({"call": "b"}, {"call": "b"}, blocks={"b": [{"get": "/$(nothing)"}]})
    )
    assert fault.startswith("spec.blocks.b[0].get: ")
    assert "called from" not in fault


@pytest.mark.parametrize(
    ("blocks", "circle"),
    [
        (
            {"a": [{"call": "a"}]},
            "spec.blocks.a: a calls a: blocks cannot call themselves; use `repeat`",
        ),
        (
            {"a": [{"if": "vu > 1", "then": [{"call": "b"}]}], "b": [{"call": "a"}]},
            "spec.blocks.a: a calls b calls a: blocks",
        ),
    ],
    ids=["itself", "over another"],
)
def test_blocks_cannot_call_themselves(blocks: dict[str, Any], circle: str) -> None:
    assert faults(manifest(blocks=blocks))[0].startswith(circle)


def test_blocks_that_multiply_are_bounded() -> None:
    blocks: dict[str, Any] = {"b0": [{"get": "/"}]}
    for level in range(1, 6):
        blocks[f"b{level}"] = [{"call": f"b{level - 1}"}] * 10
    (fault,) = faults(with_steps({"call": "b5"}, blocks=blocks))
    assert "has more than 5000 steps, called blocks counted each time" in fault


def test_nesting_is_bounded() -> None:
    step: dict[str, Any] = {"get": "/"}
    for _ in range(70):
        step = {"if": "vu > 0", "then": [step]}
    assert "levels deep" in faults(with_steps(step))[0]
