"""What people write from habit, in k6's, Locust's or Artillery's words, is answered with what to write here."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import at, faults, manifest, scenario, with_steps

from kload_spec.model.habits import HABITS
from kload_spec.model.scenarios import OPTIONS, Executor, executors_for

STEP = "spec.scenarios.buy.steps[0]"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        pytest.param({"get": "/", "check": "status == 200"}, "checks: {ok: status", id="check"),
        pytest.param({"post": "/", "data": {"a": 1}}, "write json: for a map", id="data"),
        pytest.param({"post": "/", "payload": "x"}, "body: for text", id="payload"),
        pytest.param({"get": "/", "capture": {"a": "json.a"}}, "write save: {id", id="capture"),
        pytest.param({"get": "/", "extract": {"a": "json.a"}}, "write save: {id", id="extract"),
        pytest.param({"group": "login"}, "there are no groups", id="group"),
        pytest.param({"batch": ["/a", "/b"]}, "one after another", id="batch"),
        pytest.param({"if": "true", "steps": []}, "`then`", id="steps beside if"),
        pytest.param({"while": "true"}, "write repeat: {while", id="while"),
        pytest.param({"loop": 3}, "write repeat: {times: 3", id="loop"),
        pytest.param({"http.get": "/"}, "write get: /path", id="http.get"),
        pytest.param({"url": "/", "method": "GET"}, "the verb is the field", id="url and method"),
        pytest.param({"get": "/", "params": {}}, "write headers, timeout, tags", id="params"),
        pytest.param({"think": "1s"}, "write sleep: 1s", id="think"),
        pytest.param({"wait_time": "1s"}, "write sleep: 1s", id="wait_time"),
        pytest.param({"get": "/", "threshold": "p(95)<1"}, "spec.thresholds", id="threshold"),
    ],
)
def test_a_step_in_words_of_another_tool_is_told_ours(step: dict[str, Any], said: str) -> None:
    assert any(said in fault for fault in faults(with_steps(step)))


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        pytest.param("spec.vus", 10, "belongs into a scenario", id="vus of the spec"),
        pytest.param("spec.stages", [], "belongs into a scenario", id="stages of the spec"),
        pytest.param("spec.parallelism", 4, "runners: {replicas: 4}", id="k6-operator"),
        pytest.param("spec.arguments", "-e A=b", "write env or params", id="arguments"),
        pytest.param("spec.host", "http://x", "target: {baseURL", id="Locust's host"),
        pytest.param("spec.target.url", "http://x", "write baseURL", id="url of the target"),
        pytest.param("spec.scenarios.buy.spawn_rate", 1, "ramping-vus", id="spawn rate"),
        pytest.param("spec.scenarios.buy.users", 1, "write vus", id="users"),
        pytest.param("spec.scenarios.buy.tasks", [], "write steps", id="tasks"),
        pytest.param("spec.runners.count", 2, "write replicas", id="count of runners"),
    ],
)
def test_a_field_of_another_tool_is_told_ours(path: str, value: object, said: str) -> None:
    (fault,) = faults(at(manifest(), path, value))
    assert fault.startswith(f"{path}: there is no field {path.rpartition('.')[2]!r}; ")
    assert said in fault


def test_a_stage_of_vus_is_told_of_target() -> None:
    ramp = scenario(executor="ramping-vus", stages=[{"duration": "1s", "vus": 5}], duration=None)
    del ramp["duration"]
    assert any(
        "no field 'vus'; write target" in fault for fault in faults(manifest(scenarios={"s": ramp}))
    )


def test_a_way_of_pick_is_told_that_its_verb_belongs_into_steps() -> None:
    said = faults(with_steps({"pick": [{"weight": 1, "get": "/"}]}))
    assert f"{STEP}.pick[0].get: there is no field 'get'; write steps: [{{get: ...}}]" in said


def test_an_object_as_body_is_told_of_json() -> None:
    (fault,) = faults(with_steps({"post": "/", "body": {"a": 1}}))
    assert fault == f"{STEP}.body: a map is not text; write json: {{...}} to send it as JSON"


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        pytest.param("10/m", "'10/m' is not a number; write 10, and timeUnit: 1m", id="unit"),
        pytest.param(0.5, "0.5 is not a whole number; write 1, and timeUnit: 2s", id="fraction"),
    ],
)
def test_a_rate_is_told_how_its_unit_or_fraction_is_written(rate: object, said: str) -> None:
    load = scenario(executor="constant-arrival-rate", rate=rate)
    assert faults(manifest(scenarios={"buy": load})) == [f"spec.scenarios.buy.rate: {said}"]


@pytest.mark.parametrize("text", ['{"a": 1}', '[{"a": "$(vu)"}]', '{ "id": "$(vars.id)", "n": 1 }'])
def test_json_that_is_encoded_already_is_refused(text: str) -> None:
    assert any(
        "would be sent as one string" in fault
        for fault in faults(with_steps({"post": "/", "json": text}))
    )


@pytest.mark.parametrize("value", ["a word", "$(vu)", {"a": '{"b": 1}'}, "[sic]"])
def test_other_texts_are_values_for_json(value: object) -> None:
    assert faults(with_steps({"post": "/", "json": value})) == []


def test_rules_written_as_a_map_are_told_of_the_list() -> None:
    (fault,) = faults(manifest(thresholds={"http_req_duration": {"p95": 500}}))
    assert fault.endswith("is no list of rules; write e.g. ['p(95)<500ms']")


def test_a_reference_beside_the_name_of_a_variable_is_told_of_value_from() -> None:
    env = [{"name": "A", "secretKeyRef": {"name": "a", "key": "b"}}]
    assert any("write valueFrom: {secretKeyRef:" in fault for fault in faults(manifest(env=env)))


@pytest.mark.parametrize(
    ("written", "fitting"),
    [
        pytest.param({"vus": 2, "duration": "1s"}, "constant-vus", id="k6's shortest options"),
        pytest.param({"stages": []}, "ramping-vus", id="stages"),
        pytest.param({"vus": 2, "iterations": 4}, "shared-iterations", id="iterations"),
        pytest.param({"rate": 2, "duration": "1s"}, "constant-arrival-rate", id="rate"),
        pytest.param({"stages": [], "maxVUs": 5}, "ramping-arrival-rate", id="stages of rates"),
    ],
)
def test_a_missing_executor_is_guessed_from_the_options(
    written: dict[str, Any], fitting: str
) -> None:
    (fault,) = (
        fault
        for fault in faults(manifest(scenarios={"buy": {**written, "steps": [{"get": "/"}]}}))
        if ".executor: " in fault
    )
    assert fault.startswith("spec.scenarios.buy.executor: is missing; ")
    assert fitting in fault.split("fits ")[1]


def test_options_of_another_executor_name_the_one_they_fit() -> None:
    load = scenario(vus=2, iterations=5)
    del load["duration"]
    (fault,) = faults(manifest(scenarios={"buy": load}))
    assert fault.endswith("what is written fits per-vu-iterations, shared-iterations")


def test_no_executor_is_guessed_where_options_contradict_each_other() -> None:
    assert executors_for({"rate", "iterations"}) == ()


@pytest.mark.parametrize("executor", Executor)
def test_all_options_of_an_executor_fit_it(executor: Executor) -> None:
    assert executor in executors_for(OPTIONS[executor].all)


def test_no_habit_hides_a_field_that_exists() -> None:
    for model, names in HABITS.items():
        known = {field.alias or name for name, field in model.model_fields.items()}
        assert not known & names.keys()
