"""Steps become a program: names, headers, bodies, pauses, loops, blocks."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import faults, manifest, scenario, with_steps

from kload_spec.expressions import MISSING
from kload_spec.plan import Plan
from kload_spec.planning import Overrides, plan
from kload_spec.program import (
    CallStep,
    CheckStep,
    ForeachStep,
    FormBody,
    JsonBody,
    MultipartBody,
    RecordStep,
    RepeatStep,
    RequestStep,
    ScriptProgram,
    SleepStep,
    Step,
    StepProgram,
    TextBody,
)


def steps_of(plan_: Plan) -> tuple[Step, ...]:
    program = plan_.scenarios[0].program
    assert isinstance(program, StepProgram)
    return program.steps


def only_request(**fields: Any) -> RequestStep:
    target = fields.pop("target", {"baseURL": "http://shop.test"})
    (step,) = steps_of(plan(with_steps({"get": "/", **fields}, target=target)))
    assert isinstance(step, RequestStep)
    return step


def test_a_request_takes_over_what_the_target_says() -> None:
    target = {
        "baseURL": "http://shop.test",
        "timeout": "7s",
        "redirects": 2,
        "expect": [200, "300..302"],
    }
    step = only_request(target=target)
    assert (step.timeout_s, step.redirects, step.expect.ranges) == (
        7.0,
        2,
        ((200, 200), (300, 302)),
    )


def test_a_request_has_defaults() -> None:
    step = only_request()
    assert (step.timeout_s, step.redirects, step.expect.ranges, step.method) == (
        30.0,
        10,
        ((200, 399),),
        "GET",
    )


def test_headers_of_a_step_win_over_the_target_whatever_their_case() -> None:
    target = {"baseURL": "http://x.test", "headers": {"Accept": "a", "X-Key": "k", "X-Gone": "g"}}
    step = only_request(target=target, headers={"accept": "b", "x-gone": ""})
    assert [(name, value.constant) for name, value in step.headers] == [
        ("X-Key", "k"),
        ("accept", "b"),
    ]


def test_headers_may_be_one_map_known_at_run_time() -> None:
    step = only_request(headers='$(jsonDecode(\'{"a": "b"}\'))')
    assert step.headers_map is not None
    assert step.headers == ()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"json": {"a": "$(vu)"}}, JsonBody),
        ({"json": False}, JsonBody),
        ({"form": {"a": "b"}}, FormBody),
        ({"form": "$(vars.all)"}, FormBody),
        ({"body": ""}, TextBody),
        ({"multipart": {"fields": {"a": "b"}, "files": {"f": "x.png"}}}, MultipartBody),
    ],
    ids=str,
)
def test_a_request_has_one_kind_of_body(body: dict[str, Any], kind: type) -> None:
    steps = steps_of(plan(with_steps({"set": {"all": {"a": 1}}}, {"post": "/", **body})))
    assert isinstance(steps[1], RequestStep)
    assert isinstance(steps[1].body, kind)


def test_names_default_to_method_and_path_and_are_unique() -> None:
    steps = steps_of(
        plan(
            with_steps(
                {"get": "/a/$(vu)"},
                {"get": "/a/$(vu)"},
                {"post": "/a"},
                {"get": "/b", "name": "mine"},
            )
        )
    )
    names = [step.name for step in steps if isinstance(step, RequestStep)]
    assert names == ["GET /a/$(vu)", "GET /a/$(vu) (2)", "POST /a", "mine"]


def test_a_block_called_twice_is_one_step_to_measure() -> None:
    steps = steps_of(plan(with_steps({"call": "b"}, {"call": "b"}, blocks={"b": [{"get": "/"}]})))
    names = {
        inner.name
        for step in steps
        if isinstance(step, CallStep)
        for inner in step.steps
        if isinstance(inner, RequestStep)
    }
    assert names == {"GET /"}


def test_two_steps_cannot_share_a_name() -> None:
    (fault,) = faults(with_steps({"get": "/", "name": "x"}, {"get": "/b", "name": "x"}))
    assert fault == (
        "spec.scenarios.buy.steps[1].name: 'x' is also the name of spec.scenarios.buy.steps[0]; give each its own"
    )


def test_a_scenario_has_at_most_50_step_names() -> None:
    (fault,) = faults(with_steps(*({"get": f"/{n}"} for n in range(51))))
    assert fault.startswith("spec.scenarios.buy: has 51 step names, more than 50")


def test_checks_and_asserts_come_sorted_by_name() -> None:
    step = only_request(
        checks={"b": "status == 200", "a": "true"}, **{"assert": {"aa": "status == 200"}}
    )
    assert [(check.name, check.is_assert) for check in step.checks] == [
        ("a", False),
        ("aa", True),
        ("b", False),
    ]


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1s", 1000.0, 1000.0),
        ("0.5s..2.5s", 500.0, 2500.0),
        ("$(params.pause)", 250.0, 250.0),
        ("$(params.word)", 3000.0, 3000.0),
        ("$(params.pause)..$(params.word)", 250.0, 3000.0),
    ],
)
def test_a_pause_is_settled_in_milliseconds(text: str, low: float, high: float) -> None:
    (step,) = steps_of(plan(with_steps({"sleep": text}, params={"pause": 250, "word": "3s"})))
    assert isinstance(step, SleepStep)
    assert (step.low_ms, step.high_ms) == (low, high)


def test_a_pause_may_be_known_only_at_run_time() -> None:
    (step,) = steps_of(plan(with_steps({"sleep": "$(uniform(1s, 2s)).. 3s"})))
    assert isinstance(step, SleepStep)
    assert not isinstance(step.low_ms, float)
    assert step.low_ms.constant is MISSING
    assert step.high_ms == 3000.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "'5' has no unit; write 5s or 5ms; give a duration or a range, e.g. 0.5s..2.5s"),
        ("2s..1s", "'2s..1s': the first bound is above the second; write 1s..2s"),
        ("1s..2s..3s", "'1s..2s..3s' has more than two bounds; write e.g. 0.5s..2.5s"),
        ("$(params.off)", "'$(params.off)' is -1, which is no pause; write e.g. 500ms"),
        ("$([1])", "'$([1])' is a list where a time, e.g. 500ms, belongs"),
    ],
)
def test_what_is_no_pause_is_told_why(text: str, said: str) -> None:
    (fault,) = faults(with_steps({"sleep": text}, params={"off": -1}))
    assert fault == f"spec.scenarios.buy.steps[0].sleep: {said}"


def test_loops_have_limits() -> None:
    times, until, each = steps_of(
        plan(
            with_steps(
                {"repeat": {"times": 3, "steps": [{"get": "/a"}]}},
                {"repeat": {"until": "status == 200", "max": 7, "steps": [{"get": "/b"}]}},
                {"foreach": {"in": "$([1, 2])", "as": "x", "steps": [{"get": "/c"}]}},
            )
        )
    )
    assert isinstance(times, RepeatStep)
    assert (times.times, times.limit) == (3, 3)
    assert isinstance(until, RepeatStep)
    assert (until.times, until.limit) == (None, 7)
    assert isinstance(each, ForeachStep)
    assert each.limit == 1000


def test_times_may_be_a_param() -> None:
    (step,) = steps_of(
        plan(
            with_steps(
                {"repeat": {"times": "$(params.n)", "max": 9, "steps": [{"get": "/"}]}},
                params={"n": 4},
            )
        )
    )
    assert isinstance(step, RepeatStep)
    assert (step.times, step.limit) == (4, 9)


def test_checks_and_records_may_stand_alone() -> None:
    check, record = steps_of(
        plan(
            with_steps(
                {"checks": {"a": "vu > 0"}},
                {"record": {"m": 1}, "name": "count"},
                metrics={"m": {"type": "counter"}},
            )
        )
    )
    assert isinstance(check, CheckStep)
    assert check.name == "checks"
    assert isinstance(record, RecordStep)
    assert record.name == "count"


@pytest.mark.parametrize(
    ("step", "path", "said"),
    [
        ({"get": "orders"}, "get", "'orders' is no path; write /orders"),
        (
            {"get": "ws://x.test/"},
            "get",
            "'ws://x.test/' is no http URL; write http://..., https://... or a path",
        ),
        (
            {"get": "/", "headers": {"Content-Length": "5"}},
            "headers.Content-Length",
            "Content-Length is set by kload itself; leave it out",
        ),
        (
            {"get": "/", "headers": {"A b": "5"}},
            'headers["A b"]',
            "'A b' is no header name; use letters, digits and -",
        ),
        (
            {"get": "/", "headers": {"A": "1", "a": "2"}},
            "headers.a",
            "a is there twice; case does not matter in header names",
        ),
        (
            {"get": "/", "headers": {"A": "1\n2"}},
            "headers.A",
            "holds a line break; a header is one line (a block `>-` has none at its end)",
        ),
        (
            {"get": "/", "tags": {"status": "x"}},
            "tags.status",
            "'status' is a tag that kload sets; use another name",
        ),
        (
            {"get": "/", "checks": {"a": "status"}},
            "checks.a",
            "'status' is a number where true or false, e.g. status == 200, belongs",
        ),
        (
            {"get": "/", "checks": {"a": "true"}, "assert": {"a": "true"}},
            "assert.a",
            "'a' is also among the checks of this step; keep one",
        ),
        (
            {"get": "/", "record": {"count": "body"}},
            "record.count",
            "'body' is a string where a number, or true or false, for the counter count belongs",
        ),
        (
            {"get": "/", "record": {"time": "status == 200"}},
            "record.time",
            "'status == 200' is true or false where a number for the trend time belongs",
        ),
        (
            {"get": "/", "record": {"share": "body"}},
            "record.share",
            "'body' is a string where true or false belongs",
        ),
        ({"get": "/", "query": [1]}, "query", "is a list where a map of parameters belongs"),
        (
            {"pick": [{"weight": 0, "steps": [{"get": "/"}]}]},
            "pick",
            "has only weights of 0; give at least one above 0, e.g. weight: 1",
        ),
        (
            {"foreach": {"in": 5, "as": "x", "steps": [{"get": "/"}]}},
            "foreach.in",
            "is a number where a list belongs",
        ),
        (
            {"repeat": {"times": "$(true)", "max": 1, "steps": [{"get": "/"}]}},
            "repeat.times",
            "'$(true)' is true or false where a number of rounds belongs",
        ),
    ],
    ids=str,
)
def test_a_step_that_cannot_work_is_told_why(step: dict[str, Any], path: str, said: str) -> None:
    metrics = {"count": {"type": "counter"}, "share": {"type": "rate"}, "time": {"type": "trend"}}
    found = faults(with_steps(step, metrics=metrics))
    assert f"spec.scenarios.buy.steps[0].{path}: {said}" in found


def test_paths_need_a_base() -> None:
    said = (
        "spec.target.baseURL: is missing, and steps have paths that follow it; write it, or use --target"
        " (or the --patch that has it)"
    )
    document = manifest(
        target=None,
        scenarios={"buy": scenario({"get": "/a"}, {"get": "/b"}, {"get": "http://x.test/"})},
    )
    assert faults(document) == [said]
    assert faults(document, Overrides(target="http://127.0.0.1:8080")) == []


def test_a_script_brings_functions() -> None:
    document = manifest(
        script={
            "entry": "scenarios/buy.py",
            "files": [{"path": "scenarios/buy.py"}, {"path": "lib.py"}],
        },
        scenarios={"buy": {"executor": "constant-vus", "duration": "1s", "exec": "purchase"}},
    )
    planned = plan(document)
    assert planned.scenarios[0].program == ScriptProgram("purchase")
    assert planned.script is not None
    assert planned.script.files == ("scenarios/buy.py", "lib.py")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({}, "spec.scenarios.buy.exec: 'buy' is in spec.script, which is missing"),
        (
            {"script": {"entry": "x.js"}},
            "spec.script.entry: 'x.js' is no Python file; scripts are .py files for now",
        ),
        (
            {"script": {"entry": "x.py", "files": [{"path": "y.py"}]}},
            "spec.script: entry 'x.py' is not among `files`; list it there",
        ),
    ],
    ids=str,
)
def test_a_script_must_be_there(spec: dict[str, Any], said: str) -> None:
    document = manifest(
        scenarios={"buy": {"executor": "constant-vus", "duration": "1s", "exec": "buy"}}, **spec
    )
    (fault,) = faults(document)
    assert fault.startswith(said)
