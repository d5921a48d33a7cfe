"""Steps: one verb, and what may stand beside it; the same in CEL."""

from __future__ import annotations

from typing import Any

import pytest
from cel_rules import broken_rules
from manifests import faults, manifest, scenario, with_steps

from kload_spec.crd.rules import rules_of
from kload_spec.model.steps import Step
from kload_spec.model.verbs import Verb

BLOCKS = {"login": [{"get": "/login"}]}


@pytest.mark.parametrize(
    ("step", "verb"),
    [
        ({"get": "/"}, Verb.REQUEST),
        ({"post": "/", "json": {"a": 1}, "checks": {"ok": "status == 200"}}, Verb.REQUEST),
        ({"options": "/"}, Verb.REQUEST),
        ({"sleep": "1s"}, Verb.SLEEP),
        ({"if": "vu > 1", "then": [{"get": "/"}]}, Verb.IF),
        ({"if": "vu > 1", "else": [{"get": "/"}]}, Verb.IF),
        ({"pick": [{"weight": 1, "steps": [{"get": "/"}]}]}, Verb.PICK),
        ({"repeat": {"times": 3, "steps": [{"get": "/"}]}}, Verb.REPEAT),
        (
            {"repeat": {"until": "vu > 0", "max": 3, "index": "round", "steps": [{"get": "/"}]}},
            Verb.REPEAT,
        ),
        ({"foreach": {"in": [1, 2], "as": "x", "steps": [{"get": "/"}]}}, Verb.FOREACH),
        ({"set": {"a": 1}}, Verb.SET),
        ({"call": "login", "with": {"id": 1}}, Verb.CALL),
        ({"log": "hello"}, Verb.LOG),
        ({"log": ""}, Verb.LOG),
        ({"fail": "no"}, Verb.FAIL),
        ({"abort": "no"}, Verb.ABORT),
        ({"checks": {"a": "vu > 0"}}, Verb.CHECK),
        ({"assert": {"a": "vu > 0"}}, Verb.CHECK),
        ({"assert": {"a": "vu > 0"}, "checks": {"b": "vu > 0"}, "record": {"m": "vu"}}, Verb.CHECK),
        ({"record": {"m": 1}, "name": "count"}, Verb.RECORD),
    ],
    ids=str,
)
def test_a_step_has_one_verb(step: dict[str, Any], verb: Verb) -> None:
    assert Step.model_validate(step).verb is verb
    assert faults(with_steps(step, blocks=BLOCKS, metrics={"m": {"type": "counter"}})) == []
    assert broken_rules(rules_of("Step"), step) == []


@pytest.mark.parametrize(
    ("step", "said", "rule"),
    [
        ({}, "does nothing: it is empty; write one, e.g. get: /", "the step does nothing"),
        (
            {"name": "x"},
            "does nothing: it has `name` but no verb; write one, e.g. get: /",
            "the step does nothing",
        ),
        (
            {"get": "/", "sleep": "1s"},
            "has `get`, `sleep`; a step does one thing, so make 2 steps",
            "a step does one thing",
        ),
        (
            {"get": "/", "post": "/"},
            "has `get`, `post`; a step does one thing, so make 2 steps",
            "a step does one thing",
        ),
        (
            {"sleep": "1s", "checks": {"a": "vu > 0"}},
            "has `checks`, which cannot stand beside `sleep`",
            "checks cannot stand",
        ),
        (
            {"set": {"a": 1}, "save": {"b": "vu"}},
            "has `save`, which cannot stand beside `set`",
            "save belongs",
        ),
        (
            {"checks": {"a": "vu > 0"}, "timeout": "1s"},
            "has `timeout`, which cannot stand beside `checks`",
            "timeout belongs",
        ),
        (
            {"sleep": "1s", "then": [{"get": "/"}]},
            "has `then`, which cannot stand beside `sleep`",
            "then belongs",
        ),
        (
            {"log": "x", "with": {"a": 1}},
            "has `with`, which cannot stand beside `log`",
            "with belongs",
        ),
        ({"if": "vu > 0"}, "has `if` but neither `then` nor `else`", "if needs"),
        ({"post": "/", "json": 1, "body": "x"}, "has `body`, `json`; a request has one body", None),
    ],
    ids=str,
)
def test_what_cannot_stand_together_is_refused_by_kload_and_by_cel(
    step: dict[str, Any], said: str, rule: str | None
) -> None:
    assert faults(with_steps(step)) == [f"spec.scenarios.buy.steps[0]: {said}"]
    if rule is not None:  # CEL cannot see fields without a type
        assert any(message.startswith(rule) for message in broken_rules(rules_of("Step"), step))


@pytest.mark.parametrize(
    ("loop", "said", "rule"),
    [
        (
            {"steps": [{"get": "/"}]},
            "says neither `times` nor `while` nor `until`",
            "say how often",
        ),
        (
            {"while": "vu > 0", "steps": [{"get": "/"}]},
            "has no `max`: a loop whose end is not a constant needs one",
            "a loop whose end",
        ),
        (
            {"times": "$(vu)", "steps": [{"get": "/"}]},
            "has no `max`: a loop whose end is not a constant needs one",
            "a loop whose end",
        ),
        ({"times": -1, "steps": [{"get": "/"}]}, "times: -1 is not between 0 and 100000", None),
    ],
    ids=str,
)
def test_a_loop_is_bounded(loop: dict[str, Any], said: str, rule: str | None) -> None:
    (fault,) = faults(with_steps({"repeat": loop}))
    assert fault.startswith(f"spec.scenarios.buy.steps[0].repeat: {said}")
    if rule is not None:
        assert any(message.startswith(rule) for message in broken_rules(rules_of("Repeat"), loop))


ARRIVALS = {
    "executor": "constant-arrival-rate",
    "rate": 5,
    "duration": "5s",
    "steps": [{"get": "/"}],
}


@pytest.mark.parametrize(
    ("written", "said", "rule"),
    [
        (scenario(duration=None), "constant-vus needs `duration`", "constant-vus needs duration"),
        (
            scenario(rate=5),
            "constant-vus has no `rate`; its options: duration, vus, pace",
            "rate is an option of",
        ),
        (
            scenario(stages=[{"duration": "1s", "target": 1}]),
            "constant-vus has no `stages`",
            "stages is an option of",
        ),
        ({**ARRIVALS, "pace": "1s"}, "constant-arrival-rate has no `pace`", "pace is an option of"),
        (
            {**ARRIVALS, "rate": None},
            "constant-arrival-rate needs `rate`",
            "constant-arrival-rate needs rate",
        ),
        (
            {**ARRIVALS, "preAllocatedVUs": 9, "maxVUs": 3},
            "preAllocatedVUs 9 is above maxVUs 3",
            "preAllocatedVUs is above",
        ),
        (
            scenario(exec="buy"),
            "has both `steps` and `exec`; keep one",
            "give either steps or exec",
        ),
        (
            scenario() | {"steps": None},
            "has neither `steps` nor `exec`",
            "give either steps or exec",
        ),
        (
            {"executor": "shared-iterations", "vus": 5, "iterations": 3, "steps": [{"get": "/"}]},
            "3 iterations are fewer than 5 VUs",
            None,
        ),
    ],
    ids=str,
)
def test_options_belong_to_executors(written: dict[str, Any], said: str, rule: str | None) -> None:
    written = {key: value for key, value in written.items() if value is not None}
    (fault,) = faults(manifest(scenarios={"buy": written}))
    assert fault.startswith(f"spec.scenarios.buy: {said}")
    if rule is not None:
        assert any(
            message.startswith(rule) for message in broken_rules(rules_of("Scenario"), written)
        )


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        (99, "99: statuses go from 100 to 599, the lower one first"),
        ("300..200", "'300..200': statuses go from 100 to 599, the lower one first"),
        ("2xx", "'2xx' is no status"),
        ([], "is an empty list"),
        (True, "true is no status"),
        ([200, "x"], "'x' is no status"),
    ],
    ids=str,
)
def test_expect_takes_statuses(expect: object, said: str) -> None:
    (fault,) = faults(with_steps({"get": "/", "expect": expect}))
    assert (
        fault
        == f"spec.scenarios.buy.steps[0].expect: {said}; give a status, a range or a list of them, e.g. 200..399"
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (
            "checks",
            {"a": True},
            'checks.a: true is read as a true/false value where text belongs; quote it: "true"',
        ),
        (
            "checks",
            {"a": {"x ? 1": "2"}},
            "checks.a: is a map: the text was cut at a ': ' (x ? 1: ...); quote all of it",
        ),
        (
            "checks",
            {"a": "$(status)"},
            "checks.a: '$(status)' is text with $( ); a bare expression belongs here: leave $( ) away",
        ),
        ("headers", {"X-Count": 5}, 'headers: X-Count: 5 is not text; quote it: "5"'),
        ("headers", "x", "headers: 'x' is text; write a map, or one $( ) that gives a map"),
        (
            "save",
            {"a b": "vu"},
            "save: 'a b' cannot name a variable: a name has a letter or _ first",
        ),
    ],
    ids=str,
)
def test_entries_of_a_step_have_a_form(field: str, value: object, said: str) -> None:
    (fault,) = faults(with_steps({"get": "/", field: value}))
    assert fault.startswith(f"spec.scenarios.buy.steps[0].{said}")


def test_a_number_may_be_recorded_as_it_is() -> None:
    assert (
        faults(
            with_steps(
                {"get": "/", "record": {"orders": 1}}, metrics={"orders": {"type": "counter"}}
            )
        )
        == []
    )
