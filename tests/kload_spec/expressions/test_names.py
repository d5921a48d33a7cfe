"""Which names exist where, what reads are reported, and what a misspelt name is answered with."""

from __future__ import annotations

from types import MappingProxyType

import pytest
from expression_state import FakeState

from kload_spec.expressions import (
    ANY,
    MISSING,
    EvaluationError,
    ExpressionError,
    Kind,
    Scope,
    compile_expression,
    compile_template,
    compile_value,
)

PLANNING = Scope(running=False, constants={"peak": 5})
BODY = Scope(env=frozenset({"API_KEY"}), vars=frozenset({"session", "cursor"}))
HEADER = Scope(req=frozenset({"method", "url", "body"}))
AFTER = Scope(response=True, req=ANY, vars=ANY, row=frozenset({"email"}), constants={"peak": 5})
CHECK = Scope(response=True, checks=False)
TEARDOWN = Scope(totals=frozenset({"http_reqs", "iterations"}))


@pytest.mark.parametrize(
    ("text", "scope", "message"),
    [
        pytest.param("vu", PLANNING, "vu: no VU runs when this is settled; use params", id="vu"),
        pytest.param("run.id", PLANNING, "run: no VU runs", id="run"),
        pytest.param("env.X", PLANNING, "env exists at run time only", id="env"),
        pytest.param("uuid()", PLANNING, "uuid() differs at every call; use params", id="chance"),
        pytest.param("nowMs()", PLANNING, "nowMs() differs at every call", id="clock"),
        pytest.param("json.id", BODY, "json is known only after a request", id="response"),
        pytest.param("timings.total", BODY, "timings is known only after", id="timings"),
        pytest.param("checks.ok", CHECK, "only after the checks of a step", id="checks"),
        pytest.param("checks.ok", BODY, "only after the checks of a step", id="checks-early"),
        pytest.param("req.body", BODY, "req is known only where", id="request-in-its-body"),
        pytest.param("req.headers", HEADER, "the body is rendered before", id="headers-early"),
        pytest.param("req.bdy", HEADER, "did you mean req.body?", id="request-field"),
        pytest.param("row.email", BODY, "the scenario has no `data`", id="row"),
        pytest.param("row.mail", AFTER, "did you mean row.email?", id="column"),
        pytest.param(
            "row.n", Scope(row=frozenset({"false"})), "YAML reads a key n as false", id="truth-key"
        ),
        pytest.param(
            "row.price", Scope(row=frozenset({"false"})), "; row has false", id="no-truth-key"
        ),
        pytest.param("params.x", BODY, "params does not exist here", id="params"),
        pytest.param("params.pek", AFTER, "did you mean params.peak?", id="param"),
        pytest.param("totals.http_reqs", AFTER, "known only in teardown", id="totals"),
        pytest.param("totals.checks", TEARDOWN, "totals has http_reqs, iterations", id="total"),
        pytest.param("vars.sesion", BODY, "unknown name vars.sesion; did you mean", id="variable"),
        pytest.param("vars.x", BODY, "vars has cursor, session", id="other-variable"),
        pytest.param("vars.x", Scope(vars=frozenset()), "none is declared", id="no-variable"),
        pytest.param("vars.x", Scope(), "nothing is saved or set before", id="no-variables"),
        pytest.param("session == ''", BODY, "did you mean vars.session?", id="bare-variable"),
        pytest.param("peak", AFTER, "did you mean params.peak?", id="bare-param"),
        pytest.param("jsn.id", AFTER, "did you mean json?", id="root"),
        pytest.param("wibble", AFTER, "a text needs quotes: 'wibble'", id="bare-text"),
        pytest.param("res.status", AFTER, "the latest response is read directly", id="k6-res"),
        pytest.param("http.get('/')", AFTER, "a request is a step of its own", id="k6-http"),
        pytest.param(
            "env.TOKEN", Scope(env=frozenset()), "declare it under spec.env", id="env-undeclared"
        ),
        pytest.param("__VU", AFTER, "write vu", id="k6-vu"),
        pytest.param("__ENV.X", AFTER, "write env.NAME", id="k6-env"),
        pytest.param("undefined", AFTER, "write null", id="undefined"),
        pytest.param("uuid", AFTER, "uuid is a function; write uuid()", id="function"),
        pytest.param("truncate", AFTER, "write truncate(text, length)", id="function-usage"),
        pytest.param("timings", AFTER, "name one: timings.blocked", id="whole-record"),
        pytest.param("vars", BODY, "name one: vars.cursor", id="whole-variables"),
        pytest.param("vars", AFTER, "name one: vars.name", id="whole-unknown-variables"),
        pytest.param(
            "env['A' + vars.session]", Scope(env=ANY, vars=ANY), "env are named", id="env-dynamic"
        ),
        pytest.param("vars[1]", AFTER, "the members of vars are named", id="variable-by-number"),
        pytest.param("timings.fast", AFTER, "unknown name timings.fast", id="timing"),
    ],
)
def test_a_name_that_does_not_exist_here_is_refused(text: str, scope: Scope, message: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, scope)
    assert message in refused.value.message
    assert refused.value.column is not None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("status == 200", {"status"}, id="root"),
        pytest.param("json.a.b == json.c", {"json"}, id="json"),
        pytest.param("vars.x + vars['y']", {"vars.x", "vars.y"}, id="variables"),
        pytest.param("vars[scenario]", {"vars", "scenario"}, id="variable-unknown-until-the-run"),
        pytest.param("has(vars.x)", {"vars.x"}, id="presence"),
        pytest.param("row", {"row"}, id="whole-row"),
        pytest.param("row[body]", {"row", "body"}, id="column-unknown-until-the-run"),
        pytest.param("headers.location", {"headers", "headers.location"}, id="header"),
        pytest.param("headers['X-A']", {"headers", "headers.x-a"}, id="header-in-lower-case"),
        pytest.param("headers[scenario]", {"headers", "scenario"}, id="header-by-name"),
        pytest.param("'x' in headers", {"headers"}, id="names-of-headers"),
        pytest.param("timings.waiting", {"timings.waiting"}, id="timing"),
        pytest.param("req.headers['A']", {"req.headers"}, id="header-of-the-request"),
        pytest.param("checks.ok", {"checks.ok"}, id="checks"),
        pytest.param("unixSeconds()", {"clock"}, id="clock"),
        pytest.param("pick([1, 2])", {"random"}, id="chance"),
        pytest.param("params.peak + 1", set(), id="constant"),
        pytest.param("false && json.a", set(), id="never-reached"),
        pytest.param("params.peak > 3 ? 1 : json.a", set(), id="branch-of-the-plan"),
        pytest.param("[1].map(x, x + vu)", {"vu"}, id="inside-a-macro"),
    ],
)
def test_an_expression_tells_what_it_reads(text: str, names: set[str]) -> None:
    assert compile_expression(text, AFTER).names == names
    assert compile_template(f"$({text})", AFTER).names == names
    assert compile_value([f"a $({text}) b", "$(vu)"], AFTER).names == names | {"vu"}


class Watched:
    """A state that knows nothing but what it is told, and fails on anything else."""

    def __init__(self, **known: object) -> None:
        self.__dict__.update(known)


def test_only_what_is_read_is_touched() -> None:
    expression = compile_expression("status == 200 && json.ok", AFTER)
    assert expression.evaluate(Watched(status=500)) is False  # type: ignore[arg-type] # on purpose
    assert expression.evaluate(Watched(status=200, json={"ok": True})) is True  # type: ignore[arg-type] # on purpose


@pytest.mark.parametrize(
    "text",
    [
        "vars.x + vars[vars.k] + row.x == 3",
        "has(vars.x) && has(vars[vars.k]) && !has(row['q'])",
        "'X' in headers && headers[vars.k] != 'q' && has(headers.X)",
        "row.exists(k, k == 'x')",
    ],
)
def test_a_root_may_be_any_mapping(text: str) -> None:
    some = MappingProxyType({"x": 1, "k": "x"})
    state = FakeState(vars=some, row=some, headers=some)  # type: ignore[arg-type] # on purpose
    scope = Scope(response=True, vars=ANY, row=ANY)
    assert compile_expression(text, scope).evaluate(state) is True


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        pytest.param("vars.x", "vars.x is not set", id="variable"),
        pytest.param("vars[scenario]", "no such key", id="variable-by-name"),
        pytest.param("vars[json.n]", "the key of a map is a string, not a number", id="by-number"),
        pytest.param("headers.location", "no such key: location", id="header"),
        pytest.param("headers[json.n]", "name of a header is a string, not a number", id="number"),
        pytest.param("row.email", "row.email is not set", id="column"),
    ],
)
def test_a_name_without_a_value_is_a_cause(text: str, cause: str) -> None:
    with pytest.raises(EvaluationError) as wrong:
        compile_expression(text, AFTER).evaluate(FakeState(parsed={"n": 1}))
    assert cause in wrong.value.cause


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("status", Kind.INT),
        ("duration", Kind.FLOAT),
        ("body", Kind.STRING),
        ("headers", Kind.MAP),
        ("headers.location", Kind.STRING),
        ("json.a", Kind.ANY),
        ("status == 200", Kind.BOOL),
        ("json.a == 1 && json.b", Kind.BOOL),
        ("json.a + 1", Kind.NUMBER),
        ("vu + 1", Kind.INT),
        ("vu * 0.5", Kind.FLOAT),
        ("json.a + 'x'", Kind.STRING),
        ("json.a + json.b", Kind.ANY),
        ("json.map(x, x)", Kind.LIST),
        ("-json.a", Kind.NUMBER),
        ("-vu", Kind.INT),
        ("vu % 2", Kind.INT),
        ("checks.ok ? 1 : 2.0", Kind.NUMBER),
        ("checks.ok ? 1 : 'a'", Kind.ANY),
        ("checks.ok ? body : scenario", Kind.STRING),
        ("abs(vu)", Kind.INT),
        ("max(duration, 1.5)", Kind.FLOAT),
        ("min(json.a, 1)", Kind.ANY),
        ("max([1, vu])", Kind.ANY),
        ("[1, 2].map(x, x * 2)", Kind.LIST),
        ("null", Kind.NULL),
    ],
)
def test_a_kind_is_known_before_the_run(text: str, kind: Kind) -> None:
    assert compile_expression(text, AFTER).kind is kind


def test_params_that_are_known_at_run_time_only_are_read_from_the_state() -> None:
    scope = Scope(params=frozenset({"later"}), constants={"now": 1})
    expression = compile_expression("params.now + params.later", scope)
    assert expression.names == {"params.later"}
    assert expression.evaluate(FakeState(params={"later": 2})) == 3
    assert compile_expression("params.x", Scope(params=ANY)).constant is MISSING


@pytest.mark.parametrize(
    ("value", "constant"),
    [
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({"a": (None, True)}, {"a": [None, True]}, id="nested"),
        pytest.param(2**64 - 1, 2**64 - 1, id="unsigned"),
    ],
)
def test_a_param_is_taken_as_a_value_of_json(value: object, constant: object) -> None:
    assert compile_expression("params.p", Scope(constants={"p": value})).constant == constant


@pytest.mark.parametrize(
    ("value", "message"),
    [
        pytest.param({1, 2}, "params.p is a set, which is no JSON value", id="set"),
        pytest.param(float("nan"), "params.p is nan, which is no JSON value", id="nan"),
        pytest.param(2**70, "params.p is too large", id="huge"),
    ],
)
def test_a_param_that_is_no_json_is_refused(value: object, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        compile_expression("params.p", Scope(constants={"p": value}))
