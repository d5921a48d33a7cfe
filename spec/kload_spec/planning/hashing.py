"""Hashes of a spec and of a plan: what counts as the same test.

SHA-256 over canonical JSON (sorted keys, no blanks, UTF-8), in lower-case hex.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from kload_spec.planning.overrides import Overrides

# Changing these neither starts a new run nor changes what is measured.
VOLATILE = frozenset(
    {"suspend", "startTimeout", "activeDeadlineSeconds", "ttlSecondsAfterFinished"}
)
# Below these a null is a value; everywhere else it is an absent field, which the API server drops.
_OPEN = frozenset({"params", "json", "vars", "set", "with", "rows", "query", "form", "in"})


def spec_hash(document: Mapping[str, Any]) -> str:
    """Return the hash of what was set in a LoadTest's spec, without suspend, TTL and deadlines.

    The same for a file and for what the API server keeps of it: only fields that were set count, however ordered.
    """
    spec = document.get("spec")
    kept = (
        {key: value for key, value in spec.items() if key not in VOLATILE}
        if isinstance(spec, Mapping)
        else {}
    )
    return digest(_without_nulls(kept))


def plan_hash(document: Mapping[str, Any], overrides: Overrides) -> str:
    """Return the hash of everything a plan is made from: the spec and the overrides."""
    over = {
        "params": dict(overrides.params),
        "target": overrides.target,
        "scenarios": sorted(overrides.scenarios),
        "vus": overrides.vus,
        "duration": overrides.duration_s,
        "iterations": overrides.iterations,
    }
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return digest({"name": name, "spec": spec_hash(document), "overrides": over})


def digest(value: object) -> str:
    """Return the SHA-256 of a JSON-like value's canonical form."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _without_nulls(value: object) -> object:
    if isinstance(value, Mapping):
        return {
            key: item if key in _OPEN else _without_nulls(item)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list | tuple):
        return [_without_nulls(item) for item in value]
    return value
