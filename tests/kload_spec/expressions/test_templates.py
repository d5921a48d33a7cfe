"""Text fields: what is interpolated, what keeps its type, how values are written, which parts there are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from expression_state import FakeState

from kload_spec.expressions import (
    ANY,
    MISSING,
    EvaluationError,
    Expression,
    ExpressionError,
    Kind,
    Scope,
    compile_template,
)

SCOPE = Scope(response=True, vars=ANY, constants={"peak": 100, "name": "a"})
STATE = FakeState(
    parsed={"n": 2.0, "t": True, "nil": None, "l": [1, "a"], "s": "x"},
    vars={"big": "b" * 2_000_000},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("plain $ text ( with ) signs", "plain $ text ( with ) signs", id="plain"),
        pytest.param("$(vu)", 3, id="an-int-stays-one"),
        pytest.param("$( json.l )", [1, "a"], id="a-list-stays-one"),
        pytest.param(" $(vu)", " 3", id="space-makes-it-text"),
        pytest.param("$(vu)$(iter)", "37", id="two-make-text"),
        pytest.param("a$(vu)b$(body)c", "a3b{}c", id="mixed"),
        pytest.param(
            "$(json.n)|$(json.t)|$(json.nil)|$(json.l)|$(json.s)",
            '2|true|null|[1,"a"]|x',
            id="kinds",
        ),
        pytest.param("$(checks.ok)|$(duration)", "true|42.25", id="known-kinds"),
        pytest.param("$$(vu) $(vu)", "$(vu) 3", id="escaped"),
        pytest.param("$$$(vu)", "$$(vu)", id="dollar-before-escaped"),
        pytest.param("$(')')$(vu)", ")3", id="parenthesis-in-a-string"),
        pytest.param("$((1 + 2) * vu)", 9, id="parentheses"),
        pytest.param("$(vu))", "3)", id="parenthesis-behind"),
        pytest.param("$(params.peak)", 100, id="param"),
        pytest.param("$(params.name)-$(params.peak)", "a-100", id="params"),
        pytest.param(
            "${other} {{ .Values.x }} ${json", "${other} {{ .Values.x }} ${json", id="others-text"
        ),
        pytest.param("$('${')vu}", "${vu}", id="others-sign-on-purpose"),
        pytest.param("x" * 300 + "$(vu)", "x" * 300 + "3", id="long-piece"),
        pytest.param(
            "$([1, 2].map(x, x * vu)) and $(range(2).all(x, x < vu))", "[3,6] and true", id="macros"
        ),
    ],
)
def test_a_text_field_gives(text: str, value: Any) -> None:
    template = compile_template(text, SCOPE)
    result = template.evaluate(STATE)
    assert (result, type(result)) == (value, type(value))
    assert template.constant in (MISSING, value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("abc", ("abc",), id="text"),
        pytest.param("a$(vu)b", ("a", "vu", "b"), id="mixed"),
        pytest.param(
            "a $$(b) $(params.peak) c$( vu )", ("a $(b) 100 c", "vu"), id="constants-are-joined"
        ),
        pytest.param("$(params.peak)", ("params.peak",), id="one-constant-keeps-its-type"),
        pytest.param("$(vu)$(iter)", ("vu", "iter"), id="only-expressions"),
    ],
)
def test_parts_are_texts_and_expressions_in_order(text: str, parts: tuple[str, ...]) -> None:
    template = compile_template(text, SCOPE)
    assert tuple(part if isinstance(part, str) else part.text for part in template.parts) == parts
    assert (template.constant is MISSING) == ("vu" in parts)


def test_the_only_part_of_a_field_that_is_one_interpolation_is_its_expression() -> None:
    (part,) = compile_template("$(params.peak)", SCOPE).parts
    assert isinstance(part, Expression)
    assert part.constant == 100


@pytest.mark.parametrize(
    ("text", "kind"),
    [("a", Kind.STRING), ("$(vu)", Kind.INT), ("a$(vu)", Kind.STRING), ("$(json)", Kind.ANY)],
)
def test_the_kind_of_a_text_field_is_known(text: str, kind: Kind) -> None:
    assert compile_template(text, SCOPE).kind is kind


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        pytest.param("a $(vu", 3, "$( has no closing ); write $$( for a literal $(", id="open"),
        pytest.param("a $()", 5, "the expression is empty", id="empty"),
        pytest.param(
            "a $(vu iter)", 8, "stands where an operator or ) should follow", id="two-values"
        ),
        pytest.param("a $(jsn.x)", 5, "did you mean json?", id="unknown-name"),
        pytest.param("a $(1 / 0)", 7, "division by zero", id="no-value"),
        pytest.param("a $([1].map(x, x / 0))", None, "division by zero", id="no-value-in-a-macro"),
        pytest.param("a ${vars.x}", 3, "write $(vars.x), or $('${') for a literal ${", id="shell"),
        pytest.param("{{ env.KEY }}", 1, "write $(env.KEY), or $('{{')", id="helm"),
        pytest.param("$(vu) {{- .vu -}}", 7, "write $(vu)", id="helm-trimmed"),
        pytest.param("${__VU}", 1, "write $(vu)", id="k6-vu"),
        pytest.param("${__ENV.HOST}/x", 1, "write $(env.HOST)", id="k6-env"),
        pytest.param("x" * 1_048_577, None, "1048577 characters; 1048576 is the limit", id="long"),
        pytest.param("$(vu)" * 1001, None, "more than 1000 interpolations", id="many"),
    ],
)
def test_a_faulty_text_field_is_refused(text: str, column: int | None, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_template(text, SCOPE)
    assert message in refused.value.message
    assert refused.value.column == column


@pytest.mark.parametrize("text", ["$(vars.big)$(vars.big)", "a" * 200_000 + "$(vars.big)"])
def test_a_text_that_grows_too_long_is_a_cause(text: str) -> None:
    with pytest.raises(EvaluationError, match="longer than 2097152"):
        compile_template(text, SCOPE).evaluate(STATE)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("/orders/${id}", "${id} is not interpolated; write $(vars.id)", id="variable"),
        pytest.param("/orders/{{ id }}", "write $(vars.id)", id="variable-in-braces"),
        pytest.param("/$vars.id/x", "$vars.id is not interpolated; write $(vars.id)", id="shell"),
        pytest.param("{{email}}", "write $(row.email)", id="column"),
        pytest.param("${peak}", "write $(params.peak)", id="param"),
        pytest.param("Bearer ${TOKEN}", "write $(env.TOKEN)", id="environment"),
    ],
)
def test_a_known_name_in_the_brackets_of_other_tools_is_told_ours(text: str, said: str) -> None:
    known = Scope(
        vars=frozenset({"id"}),
        row=frozenset({"email"}),
        env=frozenset({"TOKEN"}),
        constants={"peak": 1},
    )
    with pytest.raises(ExpressionError, match=re.escape(said)):
        compile_template(text, known)


def test_a_name_nobody_knows_in_such_brackets_is_text() -> None:
    assert (
        compile_template("Hello {{ name }} ${id}", Scope(vars=frozenset())).constant is not MISSING
    )
