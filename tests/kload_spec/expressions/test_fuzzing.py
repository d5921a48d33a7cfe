"""Properties of the language as a whole: nothing crashes, hangs or escapes, and code means what the tree says."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from expression_interpreter import Interpreter, Wrong
from expression_state import FakeState
from expression_strategies import EXPRESSIONS, JSON
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kload_spec.expressions import (
    ANY,
    MISSING,
    BudgetExceeded,
    EvaluationError,
    Expression,
    ExpressionError,
    Scope,
    Template,
    compile_expression,
    compile_template,
    compile_value,
)
from kload_spec.expressions.parser import parse

SCOPE = Scope(response=True, req=ANY, env=ANY, vars=ANY, row=ANY, totals=ANY)
NO_STATE = Scope()
QUICK = settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
LONGER = settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])


def state(parsed: Any, value: Any) -> FakeState:
    variables = {"x": value, "y": 1, "s": "ab", "l": ["a", "b", 1], "b": True, "f": 0.5}
    return FakeState(
        parsed=parsed,
        vars=variables,
        row={"a": "1"},
        headers={"location": "/a", "x-a": "a"},
    )


def is_json_like(value: Any) -> bool:
    if type(value) is list:
        return all(map(is_json_like, value))
    if type(value) is dict:
        return all(type(key) is str and is_json_like(item) for key, item in value.items())
    return value is None or type(value) in (bool, int, float, str)


@LONGER
@given(EXPRESSIONS, JSON, JSON)
@example("vars.x == 1", None, True)
@example("1 in [vars.x]", None, True)
@example("vars.x in [0, 1]", None, True)
@example("distinct([vars.x, 1, 1.0])", None, True)
@example("[json.a, 1] == [1, true]", {"a": 1}, None)
def test_compiled_code_means_what_the_tree_says(text: str, parsed: Any, value: Any) -> None:
    try:
        compiled = compile_expression(text, SCOPE)
    except ExpressionError:
        return  # refused when loaded: what is refused has tests of its own
    given_state = state(parsed, value)
    before = copy.deepcopy(given_state.vars), copy.deepcopy(parsed)
    try:
        expected = Interpreter(given_state).run(parse(text))
    except Wrong:
        with pytest.raises(EvaluationError):
            compiled.evaluate(given_state)
        return
    result = compiled.evaluate(given_state)
    assert repr(result) == repr(expected)
    assert is_json_like(result)
    assert compiled.constant in (MISSING, result)
    assert (given_state.vars, parsed) == before


@QUICK
@given(EXPRESSIONS, JSON)
def test_a_constant_expression_is_settled_when_it_is_compiled(text: str, value: Any) -> None:
    try:
        compiled = compile_expression(text.replace("json", "params"), Scope(constants={"a": value}))
    except ExpressionError:
        return
    assert (compiled.constant is MISSING) == bool(compiled.names)


ALPHABET = st.text(
    st.sampled_from("abjsonvr xsize.()[]{}'\"\\?:!=<>&|+-*/%,019emsh$_\n\t`;#é\ud800\U0001f600"),
    max_size=40,
)
PIECES = st.lists(
    st.sampled_from(
        [
            *("json", ".", "a", "(", ")", "[", "]", "{", "}", "'", '"', ",", ":", "?", "!", "&&"),
            *(
                "||",
                "==",
                "<",
                "in",
                "+",
                "-",
                "*",
                "/",
                "%",
                "1",
                "0.5",
                "2s",
                "true",
                "null",
                " ",
            ),
            *(
                "size",
                "has",
                "map",
                "all",
                "x",
                "__class__",
                "matches",
                "r'",
                "\\",
                "$(",
                "$$(",
                "}",
            ),
            *("vars.x", "uuid()", "range(9)", "lambda", "import", "f'{0}'", "{{", "${"),
        ]
    ),
    max_size=25,
).map("".join)


def assert_settled(text: str, compiled: Callable[[], Expression | Template]) -> None:
    """Hold that a text is either refused with a sentence and a place, or evaluates to a value or a cause."""
    refused: ExpressionError | None = None
    try:
        with suppress(EvaluationError):
            assert is_json_like(compiled().evaluate(state({}, None)))
    except ExpressionError as exc:
        refused = exc
    if refused is not None:
        assert refused.message
        assert refused.column is None or 1 <= refused.column <= len(text) + 1


@QUICK
@given(st.text(max_size=60) | ALPHABET | PIECES)
def test_any_text_compiles_or_is_refused_with_a_sentence(text: str) -> None:
    for scope in (SCOPE, NO_STATE):
        assert_settled(text, lambda scope=scope: compile_expression(text, scope))


@QUICK
@given(st.text(max_size=60) | ALPHABET | PIECES)
def test_any_text_field_compiles_or_is_refused_with_a_sentence(text: str) -> None:
    for field in (text, f"$({text})", f"a $({text}) b"):
        assert_settled(field, lambda field=field: compile_template(field, SCOPE))


@QUICK
@given(st.lists(EXPRESSIONS, max_size=3), JSON, JSON)
def test_a_value_renders_as_its_leaves_do(texts: list[str], parsed: Any, value: Any) -> None:
    given_state = state(parsed, value)
    leaves = []
    for text in texts:
        try:
            leaves.append(
                (f"$({text})", compile_template(f"$({text})", SCOPE).evaluate(given_state))
            )
        except (ExpressionError, EvaluationError):
            continue
    written = {"k": [source for source, _ in leaves], "n": 1, "deep": {"x$(vu)": "a"}}
    compiled = compile_value(written, SCOPE)
    expected = {"k": [result for _, result in leaves], "n": 1, "deep": {"x3": "a"}}
    assert repr(compiled.evaluate(given_state)) == repr(expected)


ESCAPES = [
    pytest.param("json.__class__.__mro__", id="dunder-member"),
    pytest.param("vars.x.__init__.__globals__", id="dunder-of-a-string"),
    pytest.param("json['__class__']", id="dunder-key"),
    pytest.param("vars['__dict__']", id="dunder-of-the-state"),
    pytest.param("row.__getattribute__('x')", id="dunder-call"),
    pytest.param("__import__('os').system('true')", id="import"),
    pytest.param("s.vars", id="name-of-generated-code"),
    pytest.param("t1", id="temporary-of-generated-code"),
    pytest.param("[1].map(v0, v0.real)", id="attribute-of-an-int"),
    pytest.param("'{0.__class__}'.format(1)", id="format-string"),
    pytest.param("'%s' % vars.x", id="percent-format"),
    pytest.param("f'{vars.x}'", id="f-string"),
    pytest.param("(lambda x: x)(1)", id="lambda"),
    pytest.param("[x for x in json]", id="comprehension"),
    pytest.param("exec('1')", id="exec"),
    pytest.param("body.join.__self__", id="bound-method"),
    pytest.param("env.constructor.constructor('return 1')()", id="javascript"),
    pytest.param("json\n.a); import os; (1", id="statement"),
]


@pytest.mark.parametrize("text", ESCAPES)
def test_an_attempt_to_leave_the_data_finds_nothing(text: str) -> None:
    with pytest.raises((ExpressionError, EvaluationError)):
        compile_expression(text, SCOPE).evaluate(state({}, "a"))


@pytest.mark.parametrize("quote", ["'", '"'])
def test_a_string_cannot_break_out_of_the_generated_source(quote: str) -> None:
    nasty = "'\"\\\n{x}%s\r\u2028\x00'''\"\"\"#"
    written = (
        quote
        + nasty.replace("\\", "\\\\").replace(quote, f"\\{quote}").replace("\n", "\\n")
        + quote
    )
    assert compile_expression(written, NO_STATE).constant == nasty
    dynamic = compile_expression(f"{{{written}: vu}}", NO_STATE)
    assert dynamic.evaluate(FakeState()) == {nasty: 3}
    assert compile_template(nasty + "$(vu)", NO_STATE).evaluate(FakeState()) == f"{nasty}3"
    assert compile_value({nasty: ["$(vu)"]}, NO_STATE).evaluate(FakeState()) == {nasty: [3]}


TWICE = ".map(x, [x, x])" * 40
NESTED = "range(9000).all(a, range(9000).all(b, range(9000).all(c, vars.x == 'q')))"
EXPENSIVE = [
    pytest.param("[vars.l]" + TWICE, id="shared-lists"),
    pytest.param("[vars.x]" + ".map(x, x + x)" * 60, id="strings"),
    pytest.param("[vars.l]" + ".map(x, x + x)" * 60, id="lists"),
    pytest.param("[vars.l]" + ".map(x, {'a': x, 'b': x})" * 60, id="maps"),
    pytest.param(f"jsonEncode([vars.l]{TWICE})", id="encoding"),
    pytest.param(f"string([vars.l]{TWICE}) == ''", id="writing"),
    pytest.param(f"[vars.l]{TWICE} == json", id="comparison"),
    pytest.param(f"[[vars.l]{TWICE}].exists(y, y == json)", id="comparison-in-a-loop"),
    pytest.param(f"distinct([vars.l]{TWICE})", id="distinct"),
    pytest.param(NESTED, id="nested-loops"),
    pytest.param("range(9000).all(y, size(vars.x.replace('a', vars.x)) > 0)", id="replacing"),
    pytest.param("range(9000).all(y, vars.x + vars.x != vars.x)", id="joining"),
    pytest.param("range(9000).all(y, vars.x.split('').size() > 0)", id="splitting"),
    pytest.param("range(9000).all(y, vars.n == vars.m)", id="comparing"),
    pytest.param("range(9000).all(y, !(vars.x < vars.x))", id="ordering"),
    pytest.param("range(9000).all(y, body == body)", id="comparing-texts"),
    pytest.param("range(9000).all(y, !('q' in vars.n))", id="searching"),
    pytest.param("range(9000).all(y, vars.x.contains('q') || true)", id="scanning"),
    pytest.param("range(9000).all(y, vars.x.matches('(a+)+b') || true)", id="matching"),
    pytest.param("range(9000).map(y, vars.l)", id="large-result"),
    pytest.param("vars.x.split('')" + " + vars.x.split('')" * 3, id="long-list"),
]


@pytest.mark.parametrize("text", EXPENSIVE)
def test_an_expensive_evaluation_is_stopped(text: str) -> None:
    twin: Any = [[1] * 50]
    for _ in range(40):
        twin = [[twin[0], twin[0]]]
    given_state = state(twin, "a" * 50_000)
    given_state.body = "b" * 50_000
    given_state.vars |= {"l": [1] * 50, "n": [0] * 50_000, "m": [0] * 50_000}
    started = time.perf_counter()
    with pytest.raises(BudgetExceeded):
        compile_expression(text, SCOPE).evaluate(given_state)
    assert time.perf_counter() - started < 5.0  # without a bound: for ever


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("(" * 3000, id="parentheses"),
        pytest.param("[" * 3000 + "]" * 3000, id="lists"),
        pytest.param("!" * 4000 + "true", id="nots"),
        pytest.param("-" * 4000 + "1", id="minuses"),
        pytest.param("json" + ".a" * 2000, id="members"),
        pytest.param("json" + "[0]" * 1300, id="indices"),
        pytest.param("+".join(["vu"] * 1300), id="sum"),
        pytest.param("true ? " * 600, id="choices"),
        pytest.param(" && ".join(["checks.ok"] * 300), id="conditions"),
        pytest.param("a" * 5000, id="name"),
        pytest.param("9" * 4000, id="number"),
        pytest.param("9" * 4000 + "h", id="time"),
        pytest.param("1" + "e9" * 100, id="exponent"),
        pytest.param("json" + ".map(x, x)" * 30, id="macros-in-a-row"),
        pytest.param("has(" * 500 + "json.a" + ")" * 500, id="has"),
        pytest.param("'x'.matches('" + "(" * 900 + "x" + ")" * 900 + "')", id="pattern"),
        pytest.param("'x'.matches('((((x{100}){100}){100}){100})')", id="pattern-repetition"),
    ],
)
def test_a_deep_or_long_text_is_settled_quickly(text: str) -> None:
    started = time.perf_counter()
    with suppress(ExpressionError, EvaluationError):
        compile_expression(text, SCOPE).evaluate(state({}, None))
    assert time.perf_counter() - started < 2.0


def test_results_can_be_sent_as_json() -> None:
    compiled = compile_expression("{'n': status, 'x': json.items.map(i, i.id)}", SCOPE)
    result = compiled.evaluate(state({"items": [{"id": 1}]}, None))
    assert json.dumps(result) == '{"n": 200, "x": [1]}'
