"""Literals, and what is answered to signs of other languages."""

from __future__ import annotations

import pytest

from kload_spec.expressions import ExpressionError, Scope, compile_expression

SCOPE = Scope()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("007", 7, id="leading-zeros-are-decimal"),
        pytest.param("0x1F", 31, id="hexadecimal"),
        pytest.param("9223372036854775807", 2**63 - 1, id="largest-int"),
        pytest.param("-9223372036854775808", -(2**63), id="smallest-int"),
        pytest.param(".5", 0.5, id="no-digit-before-the-point"),
        pytest.param("2e-3", 0.002, id="exponent"),
        pytest.param("500ms", 500, id="milliseconds"),
        pytest.param("2.3s", 2300, id="binary-fractions-do-not-leak"),
        pytest.param("0.5ms", 0.5, id="half-a-millisecond"),
        pytest.param("1h30m", 5_400_000, id="hours-and-minutes"),
        pytest.param("''", "", id="empty-string"),
        pytest.param(r"'\a\b\f\n\r\t\v\\\?\"\'\`'", "\a\b\f\n\r\t\v\\?\"'`", id="escapes"),
        pytest.param(r"'\x41\u0042\U00000043\104'", "ABCD", id="numeric-escapes"),
        pytest.param(r"r'\d'", "\\d", id="raw-string"),
        pytest.param('R"a\'b"', "a'b", id="raw-string-in-double-quotes"),
        pytest.param("\n  'a'\n  + 'b'\n", "ab", id="several-lines"),
    ],
)
def test_a_literal_means(text: str, value: object) -> None:
    constant = compile_expression(text, SCOPE).constant
    assert (constant, type(constant)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        pytest.param("status = 200", 8, "equality is written ==", id="assignment"),
        pytest.param("status === 200", 8, "equality is written ==", id="strict-equality"),
        pytest.param("status !== 200", 8, "inequality is written !=", id="strict-inequality"),
        pytest.param("status <> 200", 8, "inequality is written !=", id="sql"),
        pytest.param("a & b", 3, "'and' is written &&", id="single-and"),
        pytest.param("a | b", 3, "'or' is written ||", id="single-or"),
        pytest.param("x => x", 3, "macros name their variable", id="arrow-function"),
        pytest.param("2 ** 3", 3, "no power operator", id="power"),
        pytest.param("a ?? b", 3, "has(json.x) ? json.x : other", id="nullish"),
        pytest.param("a?.b", 2, "has(json.x)", id="optional-chaining"),
        pytest.param("a // b", 3, "no comments", id="comment"),
        pytest.param("a # b", 3, "no comments", id="hash-comment"),
        pytest.param("$(vars.x)", 1, "without $( )", id="interpolation-in-a-logic-field"),
        pytest.param("${vars.x}", 1, "takes $(...)", id="shell-interpolation"),
        pytest.param("{{ vars.x }}", 1, "takes $(...)", id="helm-interpolation"),
        pytest.param("`a`", 1, "quoted with ' or \"", id="backtick"),
        pytest.param("a;", 2, "one expression", id="semicolon"),
        pytest.param("'abc", 1, "has no closing '", id="open-string"),
        pytest.param("'a\nb'", 1, "has no closing '", id="newline-in-a-string"),
        pytest.param(r"'a\d'", 3, r"write \\d, or a raw string", id="unknown-escape"),
        pytest.param(r"'\ud800'", 2, "no Unicode character", id="surrogate"),
        pytest.param(r"'\U00110000'", 2, "no Unicode character", id="beyond-unicode"),
        pytest.param("5min", 1, "times are written 500ms, 2s", id="unknown-unit"),
        pytest.param("1 + 12abc", 5, "12abc is no number", id="digits-and-letters"),
        pytest.param("1_000", 1, "1_000 is no number", id="underscore"),
        pytest.param("9223372036854775808", 1, "64 bits", id="int-too-large"),
        pytest.param("99999999999999999999", 1, "64 bits", id="int-far-too-large"),
        pytest.param("-9223372036854775809", 2, "64 bits", id="int-too-small"),
        pytest.param("1e999", 1, "64 bits", id="float-too-large"),
        pytest.param("9999999999999h", 1, "64 bits", id="time-too-large"),
        pytest.param("äb == 1", 1, "a text needs quotes", id="not-ascii"),
        pytest.param("1 + \t ä", 7, "a text needs quotes", id="not-ascii-after-space"),
    ],
)
def test_a_foreign_sign_is_answered_with_what_to_write(
    text: str, column: int, message: str
) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, SCOPE)
    assert message in refused.value.message
    assert refused.value.column == column
    assert str(refused.value).startswith("line " if "\n" in text[: column - 1] else "column ")


def test_a_place_in_a_text_of_several_lines_is_a_line_and_a_column() -> None:
    with pytest.raises(
        ExpressionError, match=r"^line 2, column 3: unknown name stauts; did you mean status"
    ):
        compile_expression("1 ==\n  stauts", SCOPE)
