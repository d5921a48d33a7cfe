"""What counts as the same test, and as the same plan."""

from __future__ import annotations

import pytest
from manifests import at, manifest

from kload_spec.planning import Overrides, plan, spec_hash


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.suspend", True),
        ("spec.ttlSecondsAfterFinished", 5),
        ("spec.activeDeadlineSeconds", 50),
        ("spec.startTimeout", "1m"),
        ("metadata.labels", {"a": "b"}),
        ("status", {"phase": "Running"}),
        ("spec.seed", None),
    ],
)
def test_what_does_not_change_the_test_does_not_change_its_hash(path: str, value: object) -> None:
    assert spec_hash(at(manifest(), path, value)) == spec_hash(manifest())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.runId", "2"),
        ("spec.seed", 1),
        ("spec.scenarios.buy.vus", 3),
        ("spec.params", {"a": None}),
    ],
)
def test_what_changes_the_test_changes_its_hash(path: str, value: object) -> None:
    assert spec_hash(at(manifest(), path, value)) != spec_hash(manifest())


def test_the_order_of_keys_does_not_change_the_hash() -> None:
    document = manifest()
    document["spec"] = dict(reversed(document["spec"].items()))
    assert spec_hash(document) == spec_hash(manifest())


@pytest.mark.parametrize(
    "overrides",
    [Overrides(vus=2), Overrides({"n": "2"}), Overrides(target="http://y.test")],
    ids=str,
)
def test_overrides_change_the_hash_of_the_plan_only(overrides: Overrides) -> None:
    document = manifest(params={"n": 1})
    changed, plain = plan(document, overrides), plan(document)
    assert changed.spec_hash == plain.spec_hash
    assert changed.plan_hash != plain.plan_hash
