"""What operators and macros do to data that is known at run time only, and the causes they refuse it with."""

from __future__ import annotations

from typing import Any

import pytest
from expression_state import FakeState

from kload_spec.expressions import ANY, EvaluationError, ExpressionError, Scope, compile_expression

SCOPE = Scope(response=True, vars=ANY, req=ANY, row=ANY, constants={"n": 0, "x": None})
DATA: dict[str, Any] = {
    "t": True,
    "f": False,
    "nil": None,
    "zero": 0,
    "one": 1,
    "neg": -7,
    "half": 0.5,
    "huge": 2**63 - 1,
    "unsigned": 2**64 - 1,
    "max": 1.7e308,
    "s": "abc",
    "e": "",
    "l": [1, "a", None, True],
    "empty": [],
    "m": {"a": 1, "b": {"c": [1]}},
    "twin": {"b": {"c": [1.0]}, "a": 1},
    "deep": [[[[1]]]],
}


def evaluate(text: str) -> Any:
    return compile_expression(text, SCOPE).evaluate(FakeState(parsed=DATA, body="abc"))


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("json.one == 1.0", id="int-and-float"),
        pytest.param("json.one != json.t", id="one-is-not-true"),
        pytest.param("json.zero != json.f", id="zero-is-not-false"),
        pytest.param("!(json.t == 1) && !(1 == json.t)", id="true-is-not-the-constant-1"),
        pytest.param("!(json.f == 0.0) && json.zero == 0", id="false-is-not-the-constant-0"),
        pytest.param("json.t == true && json.f != true", id="bools"),
        pytest.param("json.nil == null && json.f != null && null == json.nil", id="null"),
        pytest.param("checks.ok == json.t && json.t == checks.ok", id="known-bool"),
        pytest.param("vu != json.s && json.s != vu && vu != json.t", id="known-int"),
        pytest.param("body == json.s && json.s == 'abc' && body == scenario || true", id="texts"),
        pytest.param("json.s != json.one && 'abc' == json.s", id="text-and-number"),
        pytest.param("json.m == json.twin", id="maps-in-any-order"),
        pytest.param("json.m != json.l && json.l != json.empty", id="maps-and-lists"),
        pytest.param("json.l == [1, 'a', null, true] && json.l != [1, 'a', null, 1]", id="lists"),
        pytest.param("json.m != {'a': 1} && json.m != {'a': 1, 'c': 2}", id="other-keys"),
        pytest.param("[json.one] != [json.t]", id="bools-in-lists"),
        pytest.param("json.one in json.l && !(json.half in json.l)", id="in-list"),
        pytest.param("json.t in json.l && null in json.l && 'a' in json.l", id="in-list-any-kind"),
        pytest.param("!(json.t in [1, 2]) && json.one in [1, 2]", id="true-is-not-in-numbers"),
        pytest.param("!(json.f in [0, 'a']) && status in [200, 'x']", id="false-is-not-in-numbers"),
        pytest.param("'a' in json.m && !('q' in json.m) && !(json.one in json.m)", id="in-map"),
        pytest.param(
            "json.one < 2 && 2 > json.one && json.half <= 0.5 && 0 <= json.zero", id="order"
        ),
        pytest.param(
            "json.s < 'abd' && json.s >= json.e && body > scenario || true", id="order-of-texts"
        ),
        pytest.param("json.s > json.e && json.s <= json.s && json.s >= json.s", id="unknown-order"),
        pytest.param("json.one < json.half || json.huge < json.unsigned", id="order-of-kinds"),
        pytest.param("json.t || json.nope", id="or-stops"),
        pytest.param("!(json.f && json.nope)", id="and-stops"),
        pytest.param("json.t ? json.t : json.nope", id="choice-takes-one"),
        pytest.param("!json.f && !(!json.t)", id="not"),
        pytest.param("has(json.m.b.c) && !has(json.m.x.c) && !has(json.s.x)", id="has"),
        pytest.param("has(json.l[3]) && !has(json.l[4]) && !has(json.l['a'])", id="has-element"),
        pytest.param("has(json.m['a']) && !has(json.m[json.one])", id="has-index"),
        pytest.param("has(json.l[json.one]) && !has(json.l[json.half])", id="has-at"),
        pytest.param("!has(json.l[json.s]) && !has(json.one[json.one])", id="has-at-nothing"),
        pytest.param(
            "!has(json.nil.x) && has(checks.ok) && has(req.headers.x) == false", id="has-else"
        ),
        pytest.param("[1].all(x, has(json.m))", id="has-in-a-macro"),
        pytest.param(
            "json.neg / 2 == -3 && 7 / json.neg == -1 && json.neg / json.neg == 1", id="quotient"
        ),
        pytest.param(
            "json.neg % 3 == -1 && 7 % json.neg == 0 && 8 % json.neg == 1", id="remainder"
        ),
        pytest.param("json.half / 2.0 == 0.25 && json.one / 2.0 == 0.5", id="float-quotient"),
        pytest.param("json.one + json.half == 1.5 && json.s + 'd' == 'abcd'", id="sum"),
        pytest.param("json.empty + [json.one] == [1] && json.one * 2.5 - 1 == 1.5", id="joined"),
        pytest.param("-json.neg == 7 && -(-vu) == vu && vu * 2 - 1 == 5", id="negation"),
        pytest.param(
            "duration * 2 + 1 > 1.5 && body + scenario == 'abcpurchase'", id="known-kinds"
        ),
        pytest.param("params.n == 0 ? true : 10 / params.n > 1", id="branch-of-the-plan"),
        pytest.param(
            "params.x == null && params.x != 1 && !(1 == 'a')", id="constants-of-any-kind"
        ),
        pytest.param("false && 1 / 0 == 1 ? false : true", id="faulty-but-never-reached"),
        pytest.param("json.l[0] == 1 && json.l[1.0] == 'a' && json.l[json.one] == 'a'", id="index"),
        pytest.param(
            "json['m']['b'].c[0] == 1 && json[json.s.substring(0, 0) + 'one'] == 1", id="keys"
        ),
        pytest.param(
            "{'k': json.one, json.s: 2} == {'abc': 2, 'k': 1}", id="map-with-a-computed-key"
        ),
        pytest.param(
            "json.m.map(k, k) == ['a', 'b'] && json.m.exists(k, k == 'b')", id="keys-of-a-map"
        ),
        pytest.param("json.empty.all(x, x) && !json.empty.exists(x, x)", id="empty-lists"),
        pytest.param("!json.empty.exists_one(x, x) && json.empty.filter(x, x) == []", id="none"),
        pytest.param("[1, 2, 3].exists_one(x, x == vu)", id="exactly-one"),
        pytest.param("![3, 2, 3].exists_one(x, x == vu)", id="more-than-one"),
        pytest.param("[[1, 2], [3]].map(x, x.map(y, y * vu)) == [[3, 6], [9]]", id="nested-macros"),
        pytest.param(
            "[1, 2].map(x, x > vu - 2, string(x) + body) == ['2abc']", id="map-with-condition"
        ),
        pytest.param("['a', 'b'].map(x, x + body).exists(x, x in ['aabc'])", id="texts-in-macros"),
        pytest.param(
            "[body].all(x, x == body && body == scenario || x < 'b')", id="comparing-in-macros"
        ),
        pytest.param(
            "[json.s].all(x, x.contains('b') && size(x) == 3 && x.matches('b'))", id="methods"
        ),
        pytest.param("[json.s].map(x, x.split('b')) == [['a', 'c']]", id="lists-in-macros"),
        pytest.param("[1, 2].all(x, x < json.huge && json.one <= x)", id="numbers-in-macros"),
        pytest.param("'abc'.matches('b') && !'abc'.matches('q')", id="constant-pattern"),
        pytest.param("!has({'a': 1}.b) && !has([1][vu]) && !has([1][5])", id="constant-presence"),
        pytest.param("!has(json.s[vu]) && !has(json.nil['a'])", id="presence-in-a-scalar"),
        pytest.param("json.s.matches('^a') && json.s.find('b.') == 'bc'", id="patterns"),
        pytest.param(
            "size(json.s) == 3 && size(json.l) == 4 && size(json.m) == 2 && size(body) == 3",
            id="size",
        ),
    ],
)
def test_it_holds_that(text: str) -> None:
    assert evaluate(text) is True


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("json.nope", "no such key: nope", id="missing-key"),
        pytest.param("json.m.b.x", "no such key: x", id="missing-key-inside"),
        pytest.param("json.s.x", "a string has no member x", id="member-of-a-string"),
        pytest.param("json.nil.x", "a null has no member x", id="member-of-null"),
        pytest.param(
            "json.l.x", "a list has no member x; an element is list[0]", id="member-of-a-list"
        ),
        pytest.param("json.l[4]", "index out of range", id="beyond-the-end"),
        pytest.param("json.l[json.neg]", "index out of range", id="negative-index"),
        pytest.param("json.l[json.half]", "index of a list is a whole number", id="half-index"),
        pytest.param(
            "json.l[json.s]", "index of a list is a whole number, not a string", id="text-index"
        ),
        pytest.param("json.m[0]", "the key of a map is a string, not a number", id="number-as-key"),
        pytest.param("json.m[json.s]", "no such key", id="missing-computed-key"),
        pytest.param("json.s[0]", "a string cannot be indexed", id="index-of-a-string"),
        pytest.param("json.s < 1", "cannot compare string with number by <", id="order-of-kinds"),
        pytest.param("1 <= json.t", "cannot compare number with bool by <=", id="order-of-a-bool"),
        pytest.param("json.t > json.f", "cannot compare bool with bool by >", id="order-of-bools"),
        pytest.param("json.nil >= json.one", "cannot compare null with number", id="order-of-null"),
        pytest.param("1 in json.s", "not a string; a piece of text is text.contains", id="in-text"),
        pytest.param("1 in json.nil", "in needs a list or a map, not a null", id="in-null"),
        pytest.param("json.s + 1", "cannot add string and number; string(x) converts", id="sum"),
        pytest.param("json.m + json.m", "cannot add map and map", id="sum-of-maps"),
        pytest.param("json.t + 1", "cannot add bool and number", id="sum-of-a-bool"),
        pytest.param("json.s - 1", "cannot subtract string and number", id="difference"),
        pytest.param("json.s * 3", "cannot multiply string and number", id="repetition"),
        pytest.param("json.s % vu", "cannot take the remainder of string and number", id="format"),
        pytest.param("json.half % 2", "% needs whole numbers", id="remainder-of-a-float"),
        pytest.param("json.one / json.zero", "division by zero", id="division-by-zero"),
        pytest.param("json.half / 0.0", "division by zero", id="float-division-by-zero"),
        pytest.param("json.one % json.zero", "division by zero", id="remainder-of-zero"),
        pytest.param("json.huge + 1", "integer overflow", id="overflow"),
        pytest.param("json.unsigned - 1", "integer overflow", id="unsigned"),
        pytest.param("vu * 9223372036854775807", "integer overflow", id="known-overflow"),
        pytest.param("json.max * 10", "number overflow", id="infinite"),
        pytest.param("duration * 1e308", "number overflow", id="known-infinite"),
        pytest.param("-json.s", "- needs a number, not a string", id="negative-text"),
        pytest.param("!json.one", "a condition needs a bool, not a number", id="not-a-number"),
        pytest.param("json.one && true", "a condition needs a bool, not a number", id="and-left"),
        pytest.param(
            "checks.ok && json.s", "a condition needs a bool, not a string", id="and-right"
        ),
        pytest.param("json.nil || true", "a condition needs a bool, not a null", id="or-left"),
        pytest.param("json.s ? 1 : 2", "a condition needs a bool, not a string", id="choice"),
        pytest.param("json.l.all(x, x)", "a condition needs a bool, not a number", id="macro"),
        pytest.param(
            "json.s.all(x, x)", "all needs a list or a map, not a string", id="macro-operand"
        ),
        pytest.param(
            "{json.one: 1}", "the key of a map is a string, not a number", id="computed-key"
        ),
        pytest.param("vars.x.y", "vars.x is not set", id="variable"),
        pytest.param(
            "[vu].all(x, x.matches('a'))", "matches needs a string", id="pattern-in-a-macro"
        ),
        pytest.param(
            "json.one.matches('a')",
            "matches needs a string, not a number; string(x) converts",
            id="pattern-in-a-number",
        ),
    ],
)
def test_data_that_does_not_fit_is_a_cause(text: str, cause: str) -> None:
    with pytest.raises(EvaluationError) as wrong:
        evaluate(text)
    assert cause in wrong.value.cause
    assert "abc" not in wrong.value.cause


def test_a_body_that_is_no_json_is_a_cause_and_absent_to_has() -> None:
    state = FakeState(is_json=False)
    with pytest.raises(EvaluationError, match="not JSON"):
        compile_expression("json.id == 1", SCOPE).evaluate(state)
    assert compile_expression("has(json.id)", SCOPE).evaluate(state) is False


def test_values_that_nest_too_deep_cannot_be_compared() -> None:
    deep: Any = 1
    for _ in range(100):
        deep = [deep]
    state = FakeState(parsed={"a": deep, "b": [deep]})
    with pytest.raises(EvaluationError, match="too large"):
        compile_expression("json.a == json.b", SCOPE).evaluate(state)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "status == '200'", "a number never equals a string; write a number", id="quoted"
        ),
        pytest.param("body == null", "a string never equals a null", id="never-null"),
        pytest.param("body != [1]", "a string never equals a list", id="never-a-list"),
        pytest.param(
            "duration < '500ms'", "write times and numbers without quotes", id="quoted-time"
        ),
        pytest.param(
            "status < true", "compares numbers or strings, not a bool", id="order-of-a-bool"
        ),
        pytest.param(
            "null < json.a", "compares numbers or strings, not a null", id="order-of-null"
        ),
        pytest.param("'a' in body", "a piece of text is text.contains(piece)", id="in-text"),
        pytest.param(
            "1 in status", "in looks into lists and maps, not into a number", id="in-number"
        ),
        pytest.param("body + 1", "cannot be added; string(x) converts", id="sum"),
        pytest.param("[1] + 1", "a list and a number cannot be added", id="list-and-number"),
        pytest.param("headers + 1", "+ does not work on a map", id="sum-of-a-map"),
        pytest.param("body * 3", "* does not work on a string", id="repetition"),
        pytest.param("duration % 2", "% does not work on a fraction; int(x)", id="fraction"),
        pytest.param("'%s' % vu", "% does not work on a string", id="format"),
        pytest.param("-body", "- needs a number, not a string", id="negative-text"),
        pytest.param("!status", "! needs a bool, not a number; compare it", id="not-a-number"),
        pytest.param("status && true", "&& needs a bool, not a number", id="truthiness"),
        pytest.param("checks.ok || body", "|| needs a bool, not a string", id="truthiness-right"),
        pytest.param("body ? 1 : 2", "? needs a bool, not a string", id="truthiness-choice"),
        pytest.param("[1].all(x, 1)", "all needs a bool, not a number", id="truthiness-macro"),
        pytest.param("vars.a / vars.b < 0.01", "write double(a) / b", id="lost-fraction"),
        pytest.param("0.99 <= vars.a / vars.b", "write double(a) / b", id="lost-fraction-right"),
        pytest.param("1 / 0", "division by zero", id="constant-without-a-value"),
        pytest.param("[1][1]", "index out of range", id="constant-index"),
        pytest.param("{'a': 1}.b", "no such key: b", id="constant-key"),
        pytest.param("[1].map(x, x / 0)", "division by zero", id="constant-macro"),
        pytest.param("params.x ? 1 : 2", "? needs a bool, not a null", id="constant-condition"),
        pytest.param(
            "json.length", 'write size(x); a key that is called length is x["length"]', id="length"
        ),
        pytest.param(
            "json.items.length()", "unknown function length; write size(x)", id="length-call"
        ),
        pytest.param("body.x", "a string has no members", id="member-of-a-string"),
        pytest.param("status[0]", "a number has no members", id="index-of-a-number"),
        pytest.param("[1].x", "for all of them list.map(x, x.name)", id="member-of-a-list"),
        pytest.param("headers[0]", "map.name or map['name']", id="index-of-a-map"),
        pytest.param(
            "json[true]", "an index is a whole number or a string, not a bool", id="bool-index"
        ),
        pytest.param("json[-1]", "list[size(list) - 1]", id="negative-index"),
        pytest.param("{1: 2}", "a key is a string, not a number", id="number-as-key"),
        pytest.param("{'a': 1, 'a': 2}", "the key 'a' is there twice", id="key-twice"),
        pytest.param("has(json)", "has() takes one member", id="has-of-a-root"),
        pytest.param("has(json.a, json.b)", "has() takes one member", id="has-of-two"),
        pytest.param("json.has('a')", "has is no method; write has(json.x)", id="has-as-method"),
        pytest.param(
            "all(json, x, x)", "all is a macro; write list.all(x, ...)", id="macro-as-function"
        ),
        pytest.param("json.all(x.a > 1)", "list.all(x, x.price > 10)", id="macro-without-variable"),
        pytest.param("json.map(x.a)", "list.map(x, x.id)", id="map-without-variable"),
        pytest.param("json.map(1, 2)", "map names its variable first", id="variable-that-is-none"),
        pytest.param(
            "body.map(x, x)", "map needs a list or a map, not a string", id="macro-on-a-string"
        ),
        pytest.param(
            "json.all(status, true)", "status has a meaning already", id="variable-is-a-root"
        ),
        pytest.param("json.all(x, x.all(x, true))", "x has a meaning already", id="variable-twice"),
        pytest.param("json.all(x, y)", "unknown name y", id="variable-unknown"),
        pytest.param("json.all(x, true) && x", "unknown name x", id="variable-outside"),
        pytest.param("status()", "status is a value, not a function", id="value-called"),
        pytest.param("json.foo()", "unknown function foo", id="unknown-method"),
        pytest.param("json.filtr(x, x)", "did you mean filter?", id="misspelt-macro"),
        pytest.param("trunc(body, 1)", "did you mean truncate?", id="misspelt-function"),
        pytest.param("json.uuid()", "uuid is no method; write uuid()", id="no-method"),
        pytest.param("Math.floor(1.5)", "functions stand alone: abs(x), floor(x)", id="math"),
        pytest.param(
            "truncate(body)", "truncate(text, length) is called with 1 argument", id="too-few"
        ),
        pytest.param("uuid(1, 2)", "uuid() is called with 2 arguments", id="too-many"),
        pytest.param("min()", "min(first, [other], ...) is called with 0 arguments", id="none"),
        pytest.param("body.truncate('a')", "length is a whole number, not a string", id="kind"),
        pytest.param(
            "body.truncate(1.5)", "length is a whole number, not a fraction; int(x)", id="half"
        ),
        pytest.param("range(9000", "ends where ',' should follow", id="open-call"),
        pytest.param(
            "1 '=='", "'==' stands where an operator should follow", id="string-like-a-sign"
        ),
        pytest.param("size(status)", "size(value): not of a number", id="size-of-a-number"),
        pytest.param("body.matches(json.p)", "a pattern is constant", id="pattern-from-data"),
        pytest.param("body.matches('(')", "not a regular expression: missing )", id="pattern"),
        pytest.param("body.matches('(?=a)')", "RE2 has no look-around", id="look-around"),
        pytest.param(r"body.matches(r'(a)\1')", "RE2 has no back-references", id="back-reference"),
        pytest.param("body.matches('" + "a" * 1001 + "')", "longer than 1000", id="long-pattern"),
        pytest.param("body.matches('\ud800')", "UTF-8 cannot hold it", id="surrogate-pattern"),
        pytest.param("body.capture('a')", "capture needs a pattern with a (group)", id="no-group"),
    ],
)
def test_what_can_never_work_is_refused_when_loaded(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, SCOPE)
    assert message in refused.value.message
