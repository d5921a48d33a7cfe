"""The CRD on a real API server: it installs, refuses what is wrong with a sentence, and takes every example."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.api import ApiError, Object, documents
from cluster.bed import Bed
from cluster.places import REPOSITORY

EXAMPLES = REPOSITORY / "examples"
LOAD_TEST = "kload.dev/v1alpha1/LoadTest"
SUITES = sorted(path.parent for path in EXAMPLES.glob("*/kustomization.yaml"))
ALONE = sorted(EXAMPLES.glob("*.yaml"))

GOOD: Object = {
    "apiVersion": "kload.dev/v1alpha1",
    "kind": "LoadTest",
    "metadata": {"name": "good"},
    "spec": {
        "target": {"baseURL": "http://shop.example.svc"},
        "scenarios": {
            "browse": {
                "executor": "constant-vus",
                "vus": 1,
                "duration": "1s",
                "steps": [{"name": "home", "get": "/"}],
            }
        },
    },
}


def changed(*path: str | int, value: Any) -> Object:
    """Return the good LoadTest with one value set."""
    manifest = copy.deepcopy(GOOD)
    *way, last = path
    place: Any = manifest
    for part in way:
        place = place.setdefault(part, {}) if isinstance(part, str) else place[part]
    place[last] = value
    return manifest


@pytest.mark.usefixtures("crds")
def test_a_good_load_test_is_taken(bed: Bed, namespace: str) -> None:
    bed.api.create(GOOD, namespace)
    assert bed.api.get(LOAD_TEST, "good", namespace)["spec"] == GOOD["spec"]
    assert "klt" in bed.kubectl("api-resources", "--api-group=kload.dev")


STEP = ("spec", "scenarios", "browse", "steps", 0)


@pytest.mark.usefixtures("crds")
@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(
            changed(*STEP, value={"name": "two", "get": "/", "post": "/"}),
            r"spec\.scenarios\[?\.?browse\]?\.steps\[0\].*a step does one thing",
            id="a step with two verbs",
        ),
        pytest.param(
            changed(*STEP, value={"name": "none"}),
            r"steps\[0\].*the step does nothing: give it a verb",
            id="a step without a verb",
        ),
        pytest.param(
            changed(
                "spec",
                "env",
                value=[
                    {
                        "name": "KEY",
                        "value": "a",
                        "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}},
                    }
                ],
            ),
            r"spec\.env\[0\].*keep one of value and valueFrom",
            id="a value from two places",
        ),
        pytest.param(
            changed("spec", "scenarios", "browse", "executor", value="constant-users"),
            r"executor: Unsupported value: \"constant-users\".*constant-vus",
            id="an executor that does not exist",
        ),
        pytest.param(
            changed("metadata", "name", value="n" * 41),
            r"40",
            id="a name that leaves no room for those of its children",
        ),
        pytest.param(changed("spec", "scenarios", value={}), r"scenarios", id="nothing to do"),
    ],
)
def test_a_bad_load_test_is_refused_with_a_sentence(
    bed: Bed, namespace: str, bad: Object, said: str
) -> None:
    with pytest.raises(ApiError, match=said) as refusal:
        bed.api.create(bad, namespace)
    assert refusal.value.status == 422


@pytest.mark.usefixtures("crds")
@pytest.mark.parametrize("suite", [pytest.param(path, id=path.name) for path in SUITES])
def test_a_suite_is_taken_and_applying_it_again_changes_nothing(
    bed: Bed, namespace: str, suite: Path
) -> None:
    built = bed.kubectl("kustomize", str(suite))
    wanted = [one for one in yaml.safe_load_all(built) if one["kind"] == "LoadTest"]
    assert {one["metadata"]["name"] for one in wanted} >= load_tests_of(suite)
    bed.kubectl("apply", "-n", namespace, "-f", "-", stdin=built)
    assert bed.kubectl("diff", "-n", namespace, "-f", "-", stdin=built) == ""
    for one in wanted:
        stored = bed.api.get(LOAD_TEST, one["metadata"]["name"], namespace)
        assert stored["spec"] == one["spec"]


@pytest.mark.usefixtures("crds")
@pytest.mark.parametrize("path", [pytest.param(path, id=path.name) for path in ALONE])
def test_an_example_is_taken(bed: Bed, namespace: str, path: Path) -> None:
    for manifest in documents(path):
        stored = bed.api.create(manifest, namespace)
        assert stored["spec"] == manifest["spec"]


def load_tests_of(suite: Path) -> set[str]:
    """Return the names of the LoadTests in a suite's files, the patches of its components left out."""
    files = [path for path in suite.rglob("*.yaml") if "shared" not in path.parts]
    return {
        one["metadata"]["name"]
        for path in files
        for one in documents(path)
        if one.get("kind") == "LoadTest"
    }
