"""Functions at their edges; what they are for is in docs/expressions.md, where every example is run."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest
from expression_state import FakeState
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.expressions import (
    ANY,
    BudgetExceeded,
    EvaluationError,
    Scope,
    compile_expression,
)
from kload_spec.expressions.functions.library import FUNCTIONS
from kload_spec.expressions.functions.writing import as_string

SCOPE = Scope(response=True, vars=ANY)


def evaluate(text: str, **variables: Any) -> Any:
    return compile_expression(text, SCOPE).evaluate(FakeState(vars=variables))


@pytest.mark.parametrize(
    ("text", "value", "result"),
    [
        pytest.param("string(vars.x)", None, "null", id="string-of-null"),
        pytest.param("string(vars.x)", True, "true", id="string-of-true"),
        pytest.param("string(vars.x)", False, "false", id="string-of-false"),
        pytest.param("string(vars.x)", -0.0, "0", id="string-of-minus-zero"),
        pytest.param("string(vars.x)", 1e20, "100000000000000000000", id="string-of-a-whole-float"),
        pytest.param("string(vars.x)", 1e21, "1e+21", id="string-of-a-large-float"),
        pytest.param("string(vars.x)", 0.1, "0.1", id="string-of-a-fraction"),
        pytest.param("string(vars.x)", {"a": [1.0, "ä"]}, '{"a":[1.0,"ä"]}', id="string-of-a-map"),
        pytest.param("int(vars.x)", "-12", -12, id="int-of-a-text"),
        pytest.param("int(vars.x)", "+12", 12, id="int-with-a-plus"),
        pytest.param("int(vars.x)", -1.9, -1, id="int-cuts-off"),
        pytest.param("double(vars.x)", "1e3", 1000.0, id="double-of-a-text"),
        pytest.param("double(vars.x)", 2, 2.0, id="double-of-an-int"),
        pytest.param("round(vars.x)", -2.5, -3, id="round-away-from-zero"),
        pytest.param("round(vars.x)", 0.49999999999999994, 0, id="round-just-below-a-half"),
        pytest.param("round(vars.x)", 7, 7, id="round-of-an-int"),
        pytest.param("floor(vars.x)", 7, 7, id="floor-of-an-int"),
        pytest.param("abs(vars.x)", -1.5, 1.5, id="abs-of-a-float"),
        pytest.param("kind(vars.x)", None, "null", id="kind-of-null"),
        pytest.param("kind(vars.x)", 1.0, "double", id="kind-of-a-float"),
        pytest.param("kind(vars.x)", True, "bool", id="kind-of-a-bool"),
        pytest.param("kind(vars.x)", {}, "map", id="kind-of-a-map"),
        pytest.param("vars.x.split('')", "añ", ["a", "ñ"], id="split-into-characters"),
        pytest.param("vars.x.split(',')", "", [""], id="split-of-nothing"),
        pytest.param("vars.x.join()", ["a", "b"], "ab", id="join-without-separator"),
        pytest.param("vars.x.join(',')", [], "", id="join-of-nothing"),
        pytest.param(
            "vars.x.join('-')", ["a", 7, 2.0, 0.5, True], "a-7-2-0.5-true", id="join-of-any"
        ),
        pytest.param("'abc'.truncate(vars.x)", 2.0, "ab", id="integral-float-is-whole"),
        pytest.param("vars.x.truncate(9)", "abc", "abc", id="truncate-of-a-short-text"),
        pytest.param("vars.x.substring(1, 2)", "abc", "b", id="substring"),
        pytest.param("vars.x.substring(3)", "abc", "", id="substring-at-the-end"),
        pytest.param("vars.x.replace('', '-')", "ab", "-a-b-", id="replace-of-nothing"),
        pytest.param("vars.x.lowerAscii()", "ABÉ", "abÉ", id="lower-leaves-other-letters"),
        pytest.param("vars.x.upperAscii()", "abc", "ABC", id="upper"),
        pytest.param("vars.x.find('q')", "abc", "", id="find-nothing"),
        pytest.param("vars.x.capture('(b)|c')", "abc", "b", id="capture"),
        pytest.param("range(vars.x)", -1, [], id="negative-range"),
        pytest.param(
            "distinct(vars.x)", [1, True, 1.0, "1", None], [1, True, "1", None], id="distinct"
        ),
        pytest.param(
            "distinct(vars.x)",
            [[1], [True], {"a": 1}, {"a": 1.0}],
            [[1], [True], {"a": 1}],
            id="trees",
        ),
        pytest.param(
            "missing(vars.x, [1, {'a': [1]}])", [1.0, True, {"a": [1]}], [True], id="missing"
        ),
        pytest.param("isSorted(vars.x)", [], True, id="nothing-is-sorted"),
        pytest.param("isSorted(vars.x)", ["b", "a"], False, id="unsorted"),
        pytest.param("isSorted(vars.x, 'desc')", [3, 2, 2], True, id="descending"),
        pytest.param("isSorted(vars.x, 'asc')", [3, 2], False, id="not-ascending"),
        pytest.param("sum(vars.x)", [], 0, id="sum-of-nothing"),
        pytest.param("min(vars.x)", ["b", "a"], "a", id="min-of-texts"),
        pytest.param("max(vars.x, 2, 7.5)", 3, 7.5, id="max-of-several"),
        pytest.param("size(vars.x)", "😀", 1, id="size-counts-characters"),
        pytest.param("base64(vars.x)", "ÿ", "w78=", id="base64-of-utf-8"),
        pytest.param("base64Decode(vars.x)", "_-8-", None, id="base64-url-alphabet-of-no-text"),
        pytest.param("base64Decode(vars.x)", "Pz8_", "???", id="base64-url-alphabet"),
        pytest.param("urlencode(vars.x)", "/ä~ +", "%2F%C3%A4~%20%2B", id="urlencode"),
        pytest.param(
            "urlencode(vars.x)", {"a b": True, "n": 2.0}, "a%20b=true&n=2", id="urlencode-map"
        ),
        pytest.param("urlencode(vars.x)", 1.5, "1.5", id="urlencode-number"),
        pytest.param(
            "jsonDecode(vars.x)", ' {"a":[1,2.5,null]} ', {"a": [1, 2.5, None]}, id="json"
        ),
        pytest.param(
            "jsonEncode(vars.x)", {"b": 1, "a": "ä"}, '{"b":1,"a":"ä"}', id="json-keeps-order"
        ),
        pytest.param("isoTime(vars.x)", 0, "1970-01-01T00:00:00.000Z", id="iso-epoch"),
        pytest.param(
            "isoTime(vars.x)", 1e12 + 0.7, "2001-09-09T01:46:40.000Z", id="iso-of-a-float"
        ),
    ],
)
def test_a_function_gives(text: str, value: Any, result: Any) -> None:
    if result is None:
        with pytest.raises(EvaluationError):
            evaluate(text, x=value)
        return
    given_result = evaluate(text, x=value)
    assert repr(given_result) == repr(result)


@pytest.mark.parametrize(
    ("text", "value", "cause"),
    [
        pytest.param("size(vars.x)", 1, "size needs a string, a list or a map", id="size"),
        pytest.param("int(vars.x)", "1.5", "the text is no whole number", id="int-of-a-fraction"),
        pytest.param("int(vars.x)", " 1", "the text is no whole number", id="int-with-space"),
        pytest.param("int(vars.x)", "9" * 19, "integer overflow", id="int-overflow"),
        pytest.param("int(vars.x)", 1e30, "integer overflow", id="int-of-a-large-float"),
        pytest.param("int(vars.x)", True, "int needs a number, not a bool", id="int-of-a-bool"),
        pytest.param("double(vars.x)", "nan", "the text is no number", id="double-of-nan"),
        pytest.param("double(vars.x)", "1e999", "number overflow", id="double-overflow"),
        pytest.param("double(vars.x)", None, "double needs a number, not a null", id="double-null"),
        pytest.param("abs(vars.x)", -(2**63), "integer overflow", id="abs-overflow"),
        pytest.param("floor(vars.x)", 1e300, "integer overflow", id="floor-overflow"),
        pytest.param("round(vars.x)", -1e300, "integer overflow", id="round-overflow"),
        pytest.param("ceil(vars.x)", "1", "ceil needs a number, not a string", id="ceil-of-a-text"),
        pytest.param(
            "vars.x.contains('a')", ["a"], "an element of a list is x in list", id="contains"
        ),
        pytest.param(
            "vars.x.contains('a')", None, "contains needs a string, not a null", id="null"
        ),
        pytest.param("body.startsWith(vars.x)", 1, "startsWith needs a string", id="starts-with"),
        pytest.param("vars.x.endsWith('a')", 1, "endsWith needs a string", id="ends-with"),
        pytest.param("body.truncate(vars.x)", -1, "a length of 0 or more", id="truncate"),
        pytest.param("body.truncate(vars.x)", 1.5, "int(x) cuts off the fraction", id="fraction"),
        pytest.param("body.substring(vars.x)", 3, "substring: index out of range", id="substring"),
        pytest.param(
            "body.substring(2, vars.x)", 1, "substring: index out of range", id="backwards"
        ),
        pytest.param("vars.x.join(',')", ["a", None], "list.map(x, string(x)) converts", id="join"),
        pytest.param("vars.x.join(',')", "a", "join needs a list, not a string", id="join-text"),
        pytest.param("vars.x.capture('(q)|a')", "a", "nothing matches the pattern", id="capture"),
        pytest.param("vars.x.capture('(q)')", "a", "nothing matches the pattern", id="no-match"),
        pytest.param("vars.x.find('q')", "\ud800", "text that UTF-8 can hold", id="surrogate"),
        pytest.param("sha256(vars.x)", "\ud800", "text that UTF-8 can hold", id="surrogate-hash"),
        pytest.param("jsonEncode(vars.x)", "\ud800", "not encodable as JSON", id="surrogate-json"),
        pytest.param("jsonDecode(vars.x)", "{", "the text is not JSON", id="json"),
        pytest.param("jsonDecode(vars.x)", "1e999", "the text is not JSON", id="infinite-json"),
        pytest.param("base64Decode(vars.x)", "a", "not base64 of UTF-8", id="base64"),
        pytest.param("base64Decode(vars.x)", "ä===", "not base64 of UTF-8", id="base64-not-ascii"),
        pytest.param("urlencode(vars.x)", None, "urlencode needs a string, not a null", id="url"),
        pytest.param("urlencode(vars.x)", {"a": [1]}, "not a list", id="url-of-a-nested-map"),
        pytest.param("isoTime(vars.x)", -1, "milliseconds since 1970", id="iso-before-1970"),
        pytest.param("isoTime(vars.x)", 1e18, "milliseconds since 1970", id="iso-nanoseconds"),
        pytest.param("isSorted(vars.x)", [1, "a"], "cannot compare", id="unsortable"),
        pytest.param("isSorted([1], vars.x)", "up", "the orders 'asc' and 'desc'", id="order"),
        pytest.param("sum(vars.x)", [1, "a"], "sum needs a number, not a string", id="sum"),
        pytest.param("sum(vars.x)", [2**63 - 1, 1], "integer overflow", id="sum-overflow"),
        pytest.param("min(vars.x)", [], "min of an empty list", id="min-of-nothing"),
        pytest.param("min(vars.x)", [True], "cannot compare bool with bool", id="min-of-a-bool"),
        pytest.param("max(vars.x)", 1, "max needs a list, not a number", id="max-of-one"),
        pytest.param("range(vars.x)", 10_001, "range makes up to 10000 items", id="range"),
        pytest.param("pick(vars.x)", [], "pick of an empty list", id="pick"),
        pytest.param("randInt(vars.x, 1)", 2, "a lower and an upper bound", id="rand-int"),
        pytest.param("randInt(0, vars.x)", 1e30, "integer overflow", id="rand-int-overflow"),
        pytest.param("uniform(vars.x, 1)", 2, "a lower and an upper bound", id="uniform"),
        pytest.param("vars.x + body", "a" * 2_097_152, "longer than 2097152", id="long-text"),
        pytest.param("body + scenario + vars.x", "a" * 2_097_152, "longer than", id="longer-text"),
        pytest.param("vars.x.replace('a', 'bcd')", "a" * 1_000_000, "longer than", id="replace"),
        pytest.param(
            "[vars.x, vars.x, vars.x].join('')", "a" * 1_000_000, "longer than", id="joined"
        ),
        pytest.param("base64(vars.x)", "a" * 2_000_000, "longer than", id="long-base64"),
        pytest.param("jsonDecode(vars.x)", "1" * 2_097_153, "longer than", id="long-json"),
        pytest.param("vars.x.split('')", "a" * 100_001, "longer than 100000 items", id="split"),
        pytest.param("vars.x + [1]", [1] * 100_000, "longer than 100000 items", id="long-list"),
        pytest.param("distinct(vars.x)", [[1] * 250_001], "too large", id="distinct"),
        pytest.param(
            "vars.x.matches('[0-9a-f]{60}q')", "a" * 2_000_000, "too long for this", id="match"
        ),
    ],
)
def test_an_argument_that_does_not_fit_is_a_cause(text: str, value: Any, cause: str) -> None:
    with pytest.raises(EvaluationError) as wrong:
        evaluate(text, x=value)
    assert cause in wrong.value.cause


def test_values_nested_too_deep_are_causes() -> None:
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    for text in ("distinct([vars.x])", "missing([vars.x], [])", "jsonEncode(vars.x)"):
        with pytest.raises(EvaluationError):
            evaluate(text, x=deep)


def test_two_texts_known_as_texts_are_bounded_when_joined() -> None:
    state = FakeState(body="a" * 2_097_152)
    with pytest.raises(BudgetExceeded, match="longer than"):
        compile_expression("body + scenario", SCOPE).evaluate(state)


@settings(max_examples=100)
@given(st.text(), st.text())
def test_hashes_are_those_of_the_standard_library(key: str, message: str) -> None:
    state = FakeState(vars={"k": key, "m": message})
    signed = compile_expression("hmacSha256(vars.k, vars.m)", SCOPE).evaluate(state)
    assert signed == hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
    assert evaluate("sha256(vars.m)", m=message) == hashlib.sha256(message.encode()).hexdigest()
    assert evaluate("base64Decode(base64(vars.m))", m=message) == message


@settings(max_examples=50)
@given(st.integers(0, 2**32))
def test_chance_comes_from_the_state_alone(seed: int) -> None:
    text = "[uuid(), randInt(-5, 5), uniform(1.5, 2), pick(['a', 'b', 'c'])]"
    drawn = []
    for _ in range(2):
        state = FakeState()
        state.rng.seed(seed)
        drawn.append(compile_expression(text, SCOPE).evaluate(state))
    assert drawn[0] == drawn[1]
    identifier, whole, share, letter = drawn[0]  # type: ignore[misc] # a list of four
    parsed = uuid.UUID(identifier)  # type: ignore[arg-type] # a string
    assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
    assert -5 <= whole <= 5  # type: ignore[operator] # an int
    assert 1.5 <= share <= 2  # type: ignore[operator] # a float
    assert letter in ("a", "b", "c")


def test_every_number_of_a_range_is_drawn_about_as_often() -> None:
    state = FakeState()
    die = compile_expression("randInt(1, 6)", SCOPE)
    counts = [0] * 7
    for _ in range(6000):
        counts[die.evaluate(state)] += 1  # type: ignore[index] # an int
    assert counts[0] == 0
    assert all(800 < count < 1200 for count in counts[1:])


def test_a_range_of_one_number_gives_it() -> None:
    assert evaluate("randInt(7, 7)") == 7
    assert evaluate("uniform(7, 7)") == 7.0


@given(st.integers(0, 253_402_300_799_999))
def test_iso_times_are_those_of_the_standard_library(moment_ms: int) -> None:
    written = evaluate("isoTime(vars.x)", x=moment_ms)
    assert datetime.fromisoformat(written) == datetime.fromtimestamp(
        moment_ms // 1000, UTC
    ).replace(microsecond=moment_ms % 1000 * 1000)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_survives_being_written(value: float) -> None:
    assert json.loads(as_string(value)) == value
    assert evaluate("double(string(vars.x)) == vars.x", x=value) is True


TAKE_NULL = {"string", "kind", "jsonEncode"}


@pytest.mark.parametrize(
    "name",
    sorted(name for name, it in FUNCTIONS.items() if it.source is None and it.prepare is None),
)
def test_null_is_refused_by_all_but_those_that_write_any_value(name: str) -> None:
    function = FUNCTIONS[name]
    nulls = [None] * (len(function.parameters) - function.optional)
    with nullcontext() if name in TAKE_NULL else pytest.raises(EvaluationError):
        function.apply(*nulls)
