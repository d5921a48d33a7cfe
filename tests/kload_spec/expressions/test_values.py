"""Nested values: bodies, maps of headers, arguments."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest
from expression_state import FakeState

from kload_spec.expressions import (
    ANY,
    MISSING,
    EvaluationError,
    ExpressionError,
    Kind,
    Scope,
    compile_value,
    encode_json,
)

SCOPE = Scope(response=True, vars=ANY, constants={"n": 5, "m": {"a": 1}})
STATE = FakeState(parsed={"id": "i", "l": [1]}, vars={"k": "key", "x": 7})


@pytest.mark.parametrize(
    ("value", "result"),
    [
        pytest.param(
            {"a": "$(vu)", "b": ["x$(iter)", 1, None]}, {"a": 3, "b": ["x7", 1, None]}, id="nested"
        ),
        pytest.param({"$(vars.k)": 1, "a$(vu)": "b"}, {"key": 1, "a3": "b"}, id="keys"),
        pytest.param({"$(vars.x)": 1}, {"7": 1}, id="keys-are-texts"),
        pytest.param(
            {"a": {"deep": [{"er": "$(json.l)"}]}}, {"a": {"deep": [{"er": [1]}]}}, id="deep"
        ),
        pytest.param("$(json)", {"id": "i", "l": [1]}, id="a-whole-map"),
        pytest.param("id-$(json.id)", "id-i", id="a-text"),
        pytest.param(["$(vu)", "$(params.n)"], [3, 5], id="list"),
        pytest.param(
            {"a": "$(vu)", "c": {"long": "x" * 300}}, {"a": 3, "c": {"long": "x" * 300}}, id="long"
        ),
        pytest.param(
            {"a": "$(range(2).map(x, x + vu))", "b": "$([vu].all(x, x == 3))"},
            {"a": [3, 4], "b": True},
            id="macros",
        ),
        pytest.param({"a": ["$(vu)"] * 60}, {"a": [3] * 60}, id="many"),
        pytest.param(MappingProxyType({"a": ("$(vu)", 1)}), {"a": [3, 1]}, id="frozen"),
    ],
)
def test_a_value_renders_as(value: object, result: Any) -> None:
    compiled = compile_value(value, SCOPE)
    assert compiled.constant is MISSING
    assert compiled.evaluate(STATE) == result


@pytest.mark.parametrize(
    ("value", "constant"),
    [
        pytest.param(None, None, id="null"),
        pytest.param(5, 5, id="number"),
        pytest.param(True, True, id="bool"),
        pytest.param("a$$(b)", "a$(b)", id="text"),
        pytest.param("$(params.m)", {"a": 1}, id="param"),
        pytest.param(
            {"a": ["$(params.n)", {"b": "x$(params.n)"}]}, {"a": [5, {"b": "x5"}]}, id="nested"
        ),
        pytest.param({"$(params.n)": 1, 2: "a"}, {"5": 1, "2": "a"}, id="keys"),
        pytest.param((), [], id="empty-list"),
        pytest.param({}, {}, id="empty-map"),
    ],
)
def test_a_value_without_anything_dynamic_is_constant(value: object, constant: Any) -> None:
    compiled = compile_value(value, SCOPE)
    assert compiled.constant == constant
    assert compiled.evaluate(STATE) == constant
    assert compiled.names == frozenset()


def test_every_rendering_is_a_value_of_its_own() -> None:
    compiled = compile_value({"a": ["$(vu)"]}, SCOPE)
    first, second = compiled.evaluate(STATE), compiled.evaluate(STATE)
    assert first == second
    assert first is not second
    assert first["a"] is not second["a"]  # type: ignore[index, call-overload] # a map


def test_names_and_kind_of_a_value_are_known() -> None:
    compiled = compile_value({"a": "$(vars.x)", "$(vars.k)": ["$(json.id)"]}, SCOPE)
    assert compiled.names == {"vars.x", "vars.k", "json"}
    assert compiled.kind is Kind.MAP
    assert compile_value(["$(vu)"], SCOPE).kind is Kind.LIST
    assert compile_value("$(vu)", SCOPE).kind is Kind.INT
    assert compile_value(1.5, SCOPE).kind is Kind.FLOAT


@pytest.mark.parametrize(
    ("value", "entry", "message"),
    [
        pytest.param({"a": {"b": ["x", "$(jsn)"]}}, ".a.b[1]", "did you mean json?", id="leaf"),
        pytest.param({"$(jsn)": 1}, ".$(jsn)", "did you mean json?", id="key"),
        pytest.param({"a": {1, 2}}, ".a", "the value is a set, which is no JSON value", id="set"),
        pytest.param(
            [float("inf")], "[0]", "the value is inf, which is no JSON value", id="infinite"
        ),
        pytest.param({"id": 2**80}, ".id", "Quote it to send it as text", id="huge"),
        pytest.param("$(jsn)", "", "did you mean json?", id="itself"),
    ],
)
def test_a_fault_says_where_in_the_value_it_is(value: object, entry: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_value(value, SCOPE)
    assert refused.value.entry == entry
    assert message in refused.value.message
    assert str(refused.value).startswith(f"{entry}: " if entry else "column 3: ")


def test_a_value_that_nests_too_deep_is_refused() -> None:
    value: Any = "$(vu)"
    for _ in range(70):
        value = [value]
    with pytest.raises(ExpressionError, match="deeper than 64 levels"):
        compile_value(value, SCOPE)


def test_a_value_of_many_large_parts_is_a_cause() -> None:
    state = FakeState(body="b" * 1_000_000)
    with pytest.raises(EvaluationError, match="too large"):
        compile_value(["$(body)"] * 100, SCOPE).evaluate(state)


def test_a_rendered_value_is_encoded_as_compact_json() -> None:
    rendered = compile_value({"b": "$(vu)", "a": ["ä", 1.0, None]}, SCOPE).evaluate(STATE)
    assert encode_json(rendered) == '{"b":3,"a":["ä",1.0,null]}'.encode()


def test_what_json_cannot_hold_is_a_cause() -> None:
    deep: Any = 1
    for _ in range(300):
        deep = [deep]
    with pytest.raises(EvaluationError, match="not encodable as JSON: Recursion limit reached"):
        encode_json(deep)
