"""Result documents in the cluster: one ConfigMap per run, owned by the LoadTest, the last ten kept. Pure.

The document is `kload-result/v1`, gzipped, at most 900 KiB (`result.merge` sees to it); `kload report` reads it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from kload_operator.cluster import Manifest
from kload_operator.jobs import owner_reference
from kload_operator.runs import LOADTEST_UID_LABEL, PART_LABEL, RUN_NUMBER_LABEL, Run
from kload_spec.farewell import condensed
from kload_spec.result import Result, fitted
from kload_spec.result.merging import MAX_BYTES

RESULT_KEY = "result.json.gz"
RESULT_PART = "result"
KEPT_RESULTS = 10


def result_config_map(run: Run, result: Result) -> Manifest:
    """Return the ConfigMap that keeps a result document."""
    document = base64.b64encode(result.to_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": run.result_name,
            "namespace": run.namespace,
            "labels": {**run.labels, PART_LABEL: RESULT_PART},
            "ownerReferences": [owner_reference(run)],
        },
        "immutable": True,
        "binaryData": {RESULT_KEY: document},
    }


def compact(result: Result, limit_bytes: int = MAX_BYTES) -> Result:
    """Return a document that a ConfigMap can hold: a run of very many steps loses them before it loses its verdict."""
    try:
        return fitted(result, limit_bytes)
    except ValueError:
        return condensed(result)


def result_in(config_map: Mapping[str, Any]) -> Result | None:
    """Return the document that a ConfigMap keeps; None where it is none that can be read."""
    try:
        data = base64.b64decode(config_map["binaryData"][RESULT_KEY])
        return Result.from_bytes(data)
    except (KeyError, TypeError, ValueError, binascii.Error):
        return None


def family_selector(loadtest_uid: str) -> str:
    """Return the label selector of all children of a LoadTest, of whatever run."""
    return f"{LOADTEST_UID_LABEL}={loadtest_uid}"


def outdated(children: Iterable[Mapping[str, Any]], before: int) -> list[tuple[str, str]]:
    """Return name and uid of children that are not kept any more: of runs before `before`, results of the last ten
    apart."""
    found = []
    for child in children:
        metadata = child["metadata"]
        labels = metadata.get("labels", {})
        number = labels.get(RUN_NUMBER_LABEL, "")
        if not number.isdecimal() or "deletionTimestamp" in metadata:
            continue
        kept = KEPT_RESULTS - 1 if labels.get(PART_LABEL) == RESULT_PART else 0
        if int(number) < before - kept:
            found.append((metadata["name"], metadata["uid"]))
    return found
