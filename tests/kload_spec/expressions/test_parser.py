"""Precedence, associativity, and what is answered to texts outside of the grammar."""

from __future__ import annotations

import pytest

from kload_spec.expressions import ExpressionError, Scope, compile_expression, compile_template

SCOPE = Scope()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("1 + 2 * 3", 7, id="product-before-sum"),
        pytest.param("10 - 3 - 2", 5, id="sums-from-the-left"),
        pytest.param("20 / 2 / 5", 2, id="products-from-the-left"),
        pytest.param("1 + 1 == 2", True, id="sum-before-comparison"),
        pytest.param("true || false && false", True, id="and-before-or"),
        pytest.param("false && false || true", True, id="and-before-or-from-the-left"),
        pytest.param("!true == false", True, id="not-binds-tighter-than-comparison"),
        pytest.param("!!true", True, id="not-not"),
        pytest.param("- -3", 3, id="minus-minus"),
        pytest.param("-3 - -3", 0, id="minus-before-a-sum"),
        pytest.param("-(1 + 2)", -3, id="minus-before-parentheses"),
        pytest.param("false ? 1 : true ? 2 : 3", 2, id="choices-from-the-right"),
        pytest.param("true || false ? 1 : 2", 1, id="or-before-choice"),
        pytest.param("[1, [2, 3,],][1][0]", 2, id="indices-and-trailing-commas"),
        pytest.param("{'a': {'in': 1},}.a.in", 1, id="members-may-be-keywords"),
        pytest.param("{'true': 1}.true", 1, id="members-may-be-constants"),
        pytest.param("2 in [1, 1 + 1]", True, id="membership"),
        pytest.param("'a'.size() + 'bc'.size()", 3, id="methods"),
    ],
)
def test_an_expression_is_read_as(text: str, value: object) -> None:
    assert compile_expression(text, SCOPE).constant == value


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        pytest.param("", 1, "is empty", id="empty"),
        pytest.param("  ", 3, "is empty", id="blank"),
        pytest.param("body.match(/abc/)", 12, "body.matches('abc')", id="a-pattern-of-javascript"),
        pytest.param("1 +", 4, "ends where a value should follow", id="ends-early"),
        pytest.param("(1", 3, "ends where ')' should follow", id="open-parenthesis"),
        pytest.param("[1 2]", 4, "2 stands where ',' should follow", id="missing-comma"),
        pytest.param("1 2", 3, "2 stands where an operator should follow", id="two-values"),
        pytest.param("1 < 2 < 3", 7, "write a < b && b < c", id="chained-comparison"),
        pytest.param("1 == 1 == 1", 8, "write a < b && b < c", id="chained-equality"),
        pytest.param("vu == 1 and iter == 2", 9, "'and' is written &&", id="and"),
        pytest.param("vu == 1 or iter == 2", 9, "'or' is written ||", id="or"),
        pytest.param("vu is 1", 4, "equality is written ==", id="is"),
        pytest.param("not vu", 1, "'not' is written !", id="not"),
        pytest.param("new Date()", 1, "nothing can be created", id="new"),
        pytest.param("return 1", 1, "without return", id="return"),
        pytest.param("vu.1", 3, "stands where an operator should follow", id="number-as-member"),
        pytest.param("vu. ", 5, "the name of a member", id="nothing-as-member"),
        pytest.param("json.'a'", 6, "the name of a member", id="string-as-member"),
        pytest.param("{'a' 1}", 6, "1 stands where ':' should follow", id="map-without-colon"),
        pytest.param("{'a': 1 'b': 2}", 9, "where ',' should follow", id="map-without-comma"),
        pytest.param("true ? 1", 9, "ends where ':' should follow", id="choice-without-else"),
        pytest.param("in", 1, "in cannot follow a comparison", id="in-alone"),
        pytest.param("1, 2", 2, ", stands where an operator", id="comma"),
        pytest.param("1)", 2, ") stands where an operator", id="closing-parenthesis"),
        pytest.param("(" * 50, 41, "nests deeper than 40 levels", id="nesting"),
        pytest.param("1" + " + 1" * 70, None, "nests deeper than 64 levels", id="depth"),
        pytest.param("'" + "a" * 5000 + "'", None, "5002 characters; 4096 is", id="length"),
    ],
)
def test_a_text_outside_of_the_grammar_is_refused(
    text: str, column: int | None, message: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, SCOPE)
    assert message in refused.value.message
    assert refused.value.column == column


def test_many_conditions_nest_too_deep_for_one_expression() -> None:
    with pytest.raises(ExpressionError, match="split it into several checks"):
        compile_expression(" && ".join(f"vu != {n}" for n in range(100)), SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a $('" + "b" * 4050 + "' + '" + "c" * 100_000 + "')", id="in-a-string"),
        pytest.param("a $(vu" + " " * 100_000 + ")", id="in-space"),
    ],
)
def test_a_long_interpolation_is_refused_before_all_of_it_is_read(text: str) -> None:
    with pytest.raises(ExpressionError, match="the expression has more than 4096 characters"):
        compile_template(text, SCOPE)
