"""The CustomResourceDefinition: structural, bounded, described, and of one mind with the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from manifests import manifest, scenario
from structural_schemas import defaults_in, json_schema_of, structural_faults, undescribed

from kload_spec.crd import custom_resource_definition, editor_schema
from kload_spec.generate import generated_files, main
from kload_spec.loading import load_text
from kload_spec.model import LoadTest

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted(
    file for file in (ROOT / "examples").rglob("*.yaml") if "scenarios:" in file.read_text()
)
CRD = custom_resource_definition()
EDITOR = jsonschema.Draft7Validator(editor_schema())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
CLUSTER = jsonschema.Draft7Validator(json_schema_of(SCHEMA))
LAST_APPLIED_LIMIT = (
    262_144  # bytes of all annotations: `kubectl apply` keeps the whole object in one
)

EVERYTHING = manifest(
    runners={
        "replicas": 2,
        "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        "affinity": {"nodeAffinity": {"x": 1}},
        "tolerations": [{"key": "a", "operator": "Exists"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
        "labels": {"a/b": "c"},
    },
    params={"n": 1, "list": [1, {"a": None}]},
    env=[
        {"name": "A", "value": ""},
        {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
    ],
    target={
        "baseURL": "http://x.test",
        "headers": {"A": "$(env.A)"},
        "expect": ["200..299", 404],
        "tls": {"insecureSkipVerify": True},
    },
    metrics={"m": {"type": "counter", "per": "1m"}},
    blocks={"b": [{"get": "/"}]},
    data={"d": {"rows": [{"a": 1}], "order": "unique"}},
    scenarios={
        "a": scenario(
            {
                "post": "/",
                "json": {"a": [1, 2.5, {"b": "$(vu)"}]},
                "headers": "$(vars.h)",
                "record": {"m": 1},
                "save": {"x": "json.x"},
            },
            {"if": "vu > 1", "then": [{"repeat": {"times": 2, "steps": [{"get": "/"}]}}]},
            {"foreach": {"in": [1], "as": "i", "steps": [{"get": "/"}]}},
            {"set": {"h": {"A": "b"}}},
            vus="$(params.n)",
            enabled="$(params.n)",
            vars={"h": {}},
            data="d",
        )
    },
    thresholds={"http_req_duration{scenario:a}": ["p(95)<1s"]},
    suspend=False,
    seed=3,
    startTimeout="5m",
    activeDeadlineSeconds=60,
)


def test_the_schema_is_structural_and_bounded() -> None:
    assert list(structural_faults(SCHEMA)) == []


def test_every_field_is_described() -> None:
    assert list(undescribed(SCHEMA)) == []


def test_there_is_one_default_and_it_is_in_the_status() -> None:
    assert list(defaults_in(SCHEMA)) == [".status"]
    assert SCHEMA["properties"]["status"]["default"] == {"observedGeneration": -1}


def test_the_definition_fits_into_an_annotation() -> None:
    assert len(json.dumps(CRD, separators=(",", ":"))) < LAST_APPLIED_LIMIT / 2


def test_names_columns_and_subresource_are_as_designed() -> None:
    assert CRD["metadata"]["name"] == "loadtests.kload.dev"
    assert CRD["spec"]["names"]["shortNames"] == ["klt"]
    version = CRD["spec"]["versions"][0]
    assert version["subresources"] == {"status": {}}
    columns = [column["name"].upper() for column in version["additionalPrinterColumns"]]
    assert columns == ["PHASE", "VERDICT", "VUS", "RPS", "P95", "FAILED", "AGE"]


def test_columns_show_what_the_status_has() -> None:
    for column in CRD["spec"]["versions"][0]["additionalPrinterColumns"]:
        place: Any = SCHEMA
        for key in column["jsonPath"].lstrip(".").split("."):
            if key == "metadata":
                break
            place = place["properties"][key]


def test_top_level_steps_are_typed_and_nested_ones_open() -> None:
    step = SCHEMA["properties"]["spec"]["properties"]["setup"]["items"]
    assert step["properties"]["get"]["type"] == "string"
    assert step["properties"]["then"]["items"]["x-kubernetes-preserve-unknown-fields"] is True
    assert "properties" not in step["properties"]["then"]["items"]


@pytest.mark.parametrize("document", [manifest(), EVERYTHING], ids=["small", "everything"])
def test_what_the_models_take_both_schemas_take(document: dict[str, Any]) -> None:
    LoadTest.model_validate(manifest())
    stored = {key: value for key, value in document.items() if key != "metadata"}
    CLUSTER.validate(stored)
    EDITOR.validate(document)


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: str(file.name))
def test_every_example_fits_both_schemas(file: Path) -> None:
    for document in load_text(file.read_text(), file.name):
        stored = {key: value for key, value in document.value.items() if key != "metadata"}
        CLUSTER.validate(stored)
        EDITOR.validate(document.value)


@pytest.mark.parametrize(
    "spec",
    [
        {"scenarios": {"a": scenario(vus=0)}},
        {"scenarios": {"a": scenario(vus="ten")}},
        {"scenarios": {"a": scenario(duration="10")}},
        {"scenarios": {"a": scenario(executor="x")}},
        {"scenarios": {"a": scenario(other=1)}},
        {"scenarios": {}},
        {"seed": "x"},
        {"thresholds": {"checks": "rate>1%"}},
    ],
    ids=str,
)
def test_what_neither_can_mean_both_schemas_refuse(spec: dict[str, Any]) -> None:
    document = manifest(**spec)
    stored = {key: value for key, value in document.items() if key != "metadata"}
    with pytest.raises(jsonschema.ValidationError):
        CLUSTER.validate(stored)
    with pytest.raises(jsonschema.ValidationError):
        EDITOR.validate(document)


def test_the_editor_schema_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(editor_schema())


def test_steps_in_steps_are_typed_for_editors() -> None:
    document = manifest(scenarios={"a": scenario({"if": "vu > 1", "then": [{"gett": "/"}]})})
    with pytest.raises(jsonschema.ValidationError):
        EDITOR.validate(document)


def test_the_generated_files_are_fresh() -> None:
    assert main([str(ROOT), "--check"]) == 0


def test_a_stale_file_is_named_and_rewritten(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in generated_files():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    assert main([str(tmp_path)]) == 0
    crd = tmp_path / "deploy/crds/loadtests.kload.dev.yaml"
    assert yaml.load(crd.read_text(), yaml.CSafeLoader) == CRD
    crd.write_text("something else")
    assert main([str(tmp_path), "--check"]) == 1
    assert "stale: deploy/crds/loadtests.kload.dev.yaml;" in capsys.readouterr().err
