"""Faults of form are told in our own words: path, value, what would be right."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from manifests import at, faults, manifest
from pydantic_core import ErrorDetails
from pydantic_core._pydantic_core import list_all_errors  # the only list of them there is

from kload_spec.model import LoadTest
from kload_spec.model.faults import sentence
from kload_spec.model.written import Written, says

PYDANTIC_WORDS = (
    "Input should",
    "Value error",
    "pydantic",
    "Field required",
    "Extra inputs",
    "instance of",
    "Unable to",
)


class Described(Written):
    vus: Annotated[int, says("the number of VUs", "VUs.", 50)]


@pytest.mark.parametrize("known", list_all_errors(), ids=lambda known: str(known["type"]))
def test_every_error_type_of_pydantic_has_a_sentence_of_ours(known: Any) -> None:
    details = ErrorDetails(
        type=known["type"],
        loc=("vus",),
        msg="Input should be ...",
        input=-5,
        ctx=known.get("example_context") or {},
    )
    said = sentence(details, Described.model_fields["vus"])
    assert said.endswith("; give the number of VUs, e.g. 50")
    assert not any(word in said for word in PYDANTIC_WORDS)


def test_an_error_type_of_a_later_pydantic_still_gets_a_sentence() -> None:
    details = ErrorDetails(type="brand_new", loc=("vus",), msg="Input should be ...", input=-5)
    assert (
        sentence(details, Described.model_fields["vus"])
        == "-5 is not valid here; give the number of VUs, e.g. 50"
    )


RIGHT = manifest(params={"low": -5, "word": "x", "many": 7})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        pytest.param(
            "spec.scenarios.buy.vus",
            -5,
            "spec.scenarios.buy.vus: -5 is below 1; give the number of VUs, e.g. 50",
            id="below a bound",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            "$(params.low)",
            "spec.scenarios.buy.vus: -5 is below 1 (from '$(params.low)'); give the number of VUs, e.g. 50",
            id="a param below a bound",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            "$(params.peak)",
            "spec.scenarios.buy.vus: '$(params.peak)': column 10: unknown name params.peak; params has low, many, word;"
            " give the number of VUs, e.g. 50",
            id="unknown param",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            "$(env.VUS)",
            "spec.scenarios.buy.vus: '$(env.VUS)': env exists at run time only; use a param here, set with -p or in a"
            " patch; give the number of VUs, e.g. 50",
            id="env in load shape",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            "10",
            "spec.scenarios.buy.vus: '10' is text; write 10 without quotes",
            id="quoted number",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            2.5,
            "spec.scenarios.buy.vus: 2.5 is not a whole number; give the number of VUs, e.g. 50",
            id="fraction",
        ),
        pytest.param(
            "spec.scenarios.buy.vus",
            True,
            "spec.scenarios.buy.vus: true is not a number; give the number of VUs, e.g. 50",
            id="truth for number",
        ),
        pytest.param(
            "spec.scenarios.buy.duration",
            30,
            "spec.scenarios.buy.duration: 30 has no unit; write 30s or 30ms",
            id="duration without unit",
        ),
        pytest.param(
            "spec.scenarios.buy.duration",
            "0s",
            "spec.scenarios.buy.duration: '0s' is not above 0; give a duration, e.g. 30s",
            id="no time at all",
        ),
        pytest.param(
            "spec.scenarios.buy.executor",
            "constant-vu",
            "spec.scenarios.buy.executor: 'constant-vu' is no executor; did you mean constant-vus?",
            id="executor misspelt",
        ),
        pytest.param(
            "spec.scenarios.buy.vuz",
            3,
            "spec.scenarios.buy.vuz: there is no field 'vuz'; did you mean 'vus'?",
            id="field misspelt",
        ),
        pytest.param(
            "spec.scenarios.buy.start_time",
            "3s",
            "spec.scenarios.buy.start_time: there is no field 'start_time'; did you mean 'startTime'?",
            id="snake case",
        ),
        pytest.param(
            "spec.scenarios.buy.steps",
            [],
            "spec.scenarios.buy.steps: has 0 entries, fewer than 1; give steps, e.g. [{get: /}]",
            id="empty list",
        ),
        pytest.param(
            "spec.scenarios.buy.steps",
            {"get": "/"},
            "spec.scenarios.buy.steps: a map is not a list; give steps, e.g. [{get: /}]",
            id="map for list",
        ),
        pytest.param(
            "spec.scenarios",
            {},
            "spec.scenarios: has 0 entries, fewer than 1; give a map of scenarios,"
            " e.g. {browse: {executor: constant-vus, duration: 30s, steps: [{get: /}]}}",
            id="no scenario",
        ),
        pytest.param(
            "spec.scenarios",
            ["buy"],
            "spec.scenarios: a list is not a map; give a map of scenarios,"
            " e.g. {browse: {executor: constant-vus, duration: 30s, steps: [{get: /}]}}",
            id="list for map",
        ),
        pytest.param(
            "spec.scenarios.buy.steps",
            [{"sleep": 1}],
            "spec.scenarios.buy.steps[0].sleep: 1 has no unit; write 1s or 1ms",
            id="pause without unit",
        ),
        pytest.param(
            "spec.scenarios.buy.steps",
            [{"get": "/", "post": "/"}],
            "spec.scenarios.buy.steps[0]: has `get`, `post`; a step does one thing, so make 2 steps",
            id="two verbs",
        ),
        pytest.param(
            "spec.scenarios.buy.steps",
            [{"name": "a\u202eb", "get": "/"}],
            r"spec.scenarios.buy.steps[0].name: 'a\u202eb' holds a line break, control character or invisible"
            " character; give a name, e.g. create-order",
            id="invisible characters in a name",
        ),
        pytest.param(
            "spec.scenarios.buy",
            {"executor": "constant-vus", "iterations": 5, "steps": [{"get": "/"}]},
            "spec.scenarios.buy: constant-vus needs `duration`; constant-vus has no `iterations`;"
            " its options: duration, vus, pace;"
            " what is written fits per-vu-iterations, shared-iterations",
            id="options of another executor",
        ),
        pytest.param(
            "spec.target.timeout",
            None,
            None,
            id="an empty field is absent",
        ),
        pytest.param(
            "spec.seed",
            "abc",
            "spec.seed: 'abc' is not a number; give a number, e.g. 42",
            id="text for number",
        ),
        pytest.param(
            "spec.suspend",
            "yes",
            "spec.suspend: 'yes' is neither true nor false; give true or false, e.g. true",
            id="text for truth",
        ),
        pytest.param(
            "spec.thresholds",
            {"http_req_duration": "p(95)<500"},
            "spec.thresholds.http_req_duration: 'p(95)<500' is one rule; write a list of them: ['p(95)<500']",
            id="bare rule",
        ),
        pytest.param(
            "spec.thresholds",
            {
                "http_req_failed": [
                    {"threshold": "rate<0.01", "abortOnFail": True, "delayAbortEval": "10s"}
                ]
            },
            "spec.thresholds.http_req_failed[0]: is k6's object form; write 'rate<0.01 abort after 10s'",
            id="k6's object form",
        ),
        pytest.param(
            "spec.env",
            [{"name": "A-B"}],
            "spec.env[0].name: 'A-B' is no name: letters, digits and _, a letter or _ first, at most 63; give a name,"
            " e.g. API_KEY",
            id="name of a variable",
        ),
        pytest.param(
            "spec.env",
            [{"name": "A", "value": "x", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
            "spec.env[0]: has both `value` and `valueFrom`; keep one",
            id="two sources",
        ),
        pytest.param(
            "spec.env",
            [{"name": "PORT", "value": 8080}],
            'spec.env[0].value: 8080 is a number where text belongs; quote it: "8080"',
            id="number for text",
        ),
        pytest.param(
            "spec.metrics",
            {"a-b": {"type": "trend"}},
            "spec.metrics: 'a-b' cannot name a metric: a name has a letter or _ first, then letters, digits, _,"
            " at most 63; give a map of metrics, e.g. {checkout_duration: {type: trend, unit: time}}",
            id="name of a metric",
        ),
        pytest.param(
            "spec.runners",
            {"replicas": 0},
            "spec.runners.replicas: 0 is below 1; give the number of runners, e.g. 3",
            id="no runner",
        ),
        pytest.param(
            "spec.runners",
            {"resources": {"requests": {"memory": "lots"}}},
            "spec.runners.resources.requests.memory: 'lots' is no quantity; write e.g. 500m or 256Mi",
            id="quantity",
        ),
        pytest.param(
            "spec.params",
            {"a": None},
            "spec.params.a: has no value; a parameter needs a default, which is also its type",
            id="param without default",
        ),
        pytest.param(
            "spec.params",
            {"a": "$(params.b)"},
            "spec.params.a: '$(params.b)': parameters are constants and cannot hold $( ); give a map of values,"
            " e.g. {peak: 100}",
            id="param of a param",
        ),
    ],
)
def test_a_fault_names_path_value_and_what_would_be_right(
    path: str, value: object, said: str | None
) -> None:
    assert faults(at(RIGHT, path, value)) == ([said] if said else [])


def test_all_faults_of_a_file_are_told_at_once() -> None:
    wrong = at(at(at(RIGHT, "spec.scenarios.buy.vus", 0), "spec.seed", "x"), "spec.targt", {})
    assert [said.split(":")[0] for said in faults(wrong)] == [
        "spec.scenarios.buy.vus",
        "spec.seed",
        "spec.targt",
    ]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("apiVersion", None, "apiVersion: is missing; write kload.dev/v1alpha1"),
        (
            "apiVersion",
            "kload.dev/v1",
            "apiVersion: 'kload.dev/v1' is a version this kload does not know; it reads kload.dev/v1alpha1",
        ),
        ("apiVersion", "v1", "apiVersion: 'v1' is not kload's; write kload.dev/v1alpha1"),
        ("kind", None, "kind: is missing; write LoadTest"),
        ("kind", "Loadtest", "kind: 'Loadtest' is not known; did you mean LoadTest?"),
        ("kind", "Deployment", "kind: 'Deployment' is not a LoadTest"),
        ("metadata", None, "metadata.name: is missing; give the test a name, e.g. checkout"),
        ("metadata", "shop", "metadata: 'shop' is not a map; write {name: checkout}"),
        (
            "metadata",
            {"name": 5},
            "metadata.name: 5 is no name; give the test a name, e.g. checkout",
        ),
        (
            "metadata",
            {"name": "Shop"},
            "metadata.name: 'Shop' is not a DNS label: lower-case letters, digits and -, a letter or digit at both"
            " ends",
        ),
        (
            "metadata",
            {"name": "a" * 41},
            f"metadata.name: '{'a' * 41}' has 41 characters; names of LoadTests have at most 40, because names of Jobs"
            " and pods are made from them",
        ),
        ("spec", None, "spec: is missing"),
    ],
)
def test_what_is_no_loadtest_is_told_so(field: str, value: object, said: str) -> None:
    document = manifest()
    document[field] = value
    if value is None:
        del document[field]
    assert faults(document) == [said]


def test_a_generated_name_is_a_name() -> None:
    assert faults({**manifest(), "metadata": {"generateName": "shop-"}}) == []


def test_what_the_api_server_adds_is_no_fault() -> None:
    metadata = {
        "name": "shop",
        "uid": "u",
        "managedFields": [{"manager": "kubectl"}],
        "creationTimestamp": "now",
    }
    status = {"phase": "Running", "observedGeneration": 3, "ofALaterVersion": {"x": 1}}
    assert faults({**manifest(), "metadata": metadata, "status": status}) == []


def test_nothing_written_is_changed_by_being_read() -> None:
    document = manifest()
    test = LoadTest.model_validate(document)
    assert test.spec.model_dump(exclude_unset=True, mode="json")["target"] == {
        "baseURL": "http://shop.test"
    }
