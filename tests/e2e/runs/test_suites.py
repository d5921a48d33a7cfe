"""One test of each suite in a cluster, as `kubectl apply -k` makes it: Passed, and Failed where the server is broken.

The server runs twice beside the runners, once as it is and once with a fault; both LoadTests run at the same time.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
import yaml
from cluster.api import Object
from cluster.bed import Bed
from cluster.places import REPOSITORY
from trials.demo_targets import start_targets
from trials.load_tests import SMALL
from trials.observing import finished, outcome
from trials.operators import Operator

from kload_runner.cli.environment import read_env_file


class Case(NamedTuple):
    """A test of a suite, shortened, and a fault with the rule it breaks."""

    suite: str
    module: str
    test: str
    params: Mapping[str, object]
    fault: str
    rule: str


CASES = [
    Case(
        "tickets",
        "tickets",
        "scanner-burst",
        {"doors": 4, "duration": "2s", "tickets": 40, "pause": "50ms..100ms"},
        "ticket-admitted-twice=0.1",
        "no ticket was admitted twice",
    ),
    Case(
        "usage-billing",
        "usage_billing",
        "ingest-idempotency",
        {"vus": 4, "iterations": 10},
        "duplicate-processed-twice=0.1",
        "exactly one event is stored",
    ),
    Case(
        "payments-platform",
        "payments_platform",
        "users",
        {"users": 4, "rampUp": "1s", "runTime": "3s", "pauseMs": 20},
        "events-lost=0.1",
        "stored = accepted",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.test)
def test_a_suite_passes_and_a_fault_is_found(
    bed: Bed, image: str, namespace: str, operator: Operator, case: Case
) -> None:
    start_targets(bed.api, namespace, image, case.module, {"sound": "", "broken": case.fault})
    rendered = bed.kubectl("kustomize", str(REPOSITORY / "examples" / case.suite))
    objects: list[Object] = [one for one in yaml.safe_load_all(rendered) if one]
    (manifest,) = (one for one in objects if one["metadata"]["name"] == case.test)
    demo = read_env_file(REPOSITORY / "examples" / case.suite / "demo.env")
    bed.api.apply_all([one for one in objects if one["kind"] == "ConfigMap"], namespace)
    bed.api.apply_all(list(secrets_of(manifest, demo)), namespace)
    for target in ("sound", "broken"):
        bed.api.apply(shortened(manifest, case, demo, target), namespace)

    passed = finished(bed.api, namespace, "sound", within_s=150)
    assert outcome(passed)[0] == "Passed", passed["message"]
    failed = finished(bed.api, namespace, "broken", within_s=150)
    assert outcome(failed) == ("Failed", "ThresholdBroken"), failed["message"]
    verdicts = {one["metric"]: one["verdict"] for one in failed["thresholds"]}
    assert verdicts[f"checks{{check:{case.rule}}}"] == "Failed"
    assert case.rule in failed["message"]


def secrets_of(manifest: Object, demo: Mapping[str, str]) -> Iterator[Object]:
    """Yield the Secrets that the manifest's variables come from."""
    contents: dict[str, dict[str, str]] = {}
    for entry in manifest["spec"]["env"]:
        if reference := entry.get("valueFrom", {}).get("secretKeyRef"):
            contents.setdefault(reference["name"], {})[reference["key"]] = demo[entry["name"]]
    for name, content in contents.items():
        meta = {"name": name}
        yield {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": content}


def shortened(manifest: Object, case: Case, demo: Mapping[str, str], target: str) -> Object:
    """Return the manifest with a short load on small runners, against one of the namespace's servers."""
    made = copy.deepcopy(manifest)
    made["metadata"]["name"] = target
    spec: dict[str, Any] = made["spec"]
    spec["params"] |= case.params
    spec["runners"] = {"replicas": 2, "resources": SMALL}
    for entry in spec["env"]:
        if "valueFrom" not in entry and (value := demo.get(entry["name"])):
            entry["value"] = f"http://{target}" if value.startswith("http://") else value
    return made
