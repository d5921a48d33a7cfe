"""Small LoadTest documents for tests: one that is right, and ways to change one thing in it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from kload_spec.errors import InvalidSpec
from kload_spec.planning import Overrides, plan

Document = dict[str, Any]


def manifest(**spec: Any) -> Document:
    """Return a small right LoadTest; keywords replace parts of its spec, None takes one away."""
    document: Document = {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "shop", "namespace": "staging"},
        "spec": {
            "target": {"baseURL": "http://shop.test"},
            "scenarios": {
                "buy": {
                    "executor": "constant-vus",
                    "vus": 2,
                    "duration": "10s",
                    "steps": [{"get": "/"}],
                }
            },
            **copy.deepcopy(spec),
        },
    }
    document["spec"] = {key: value for key, value in document["spec"].items() if value is not None}
    return document


def scenario(*steps: Mapping[str, Any], **fields: Any) -> Document:
    """Return a scenario of constant VUs with these steps."""
    base: Document = {
        "executor": "constant-vus",
        "duration": "10s",
        "steps": list(steps) or [{"get": "/"}],
    }
    return {**base, **fields}


def with_steps(*steps: Mapping[str, Any], **spec: Any) -> Document:
    """Return a LoadTest whose one scenario does these steps."""
    return manifest(scenarios={"buy": scenario(*steps)}, **spec)


def at(document: Document, path: str, value: object) -> Document:
    """Return a copy with one entry set: ``at(doc, "spec.scenarios.buy.vus", 3)``."""
    changed = copy.deepcopy(document)
    *way, last = path.split(".")
    place: Any = changed
    for key in way:
        place = place[int(key)] if key.isdecimal() else place.setdefault(key, {})
    place[last] = value
    return changed


def faults(document: Mapping[str, Any], overrides: Overrides | None = None) -> list[str]:
    """Return what planning says is wrong with a document, as it would be printed; empty when nothing is."""
    try:
        plan(document, overrides)
    except InvalidSpec as error:
        return [str(problem) for problem in error.problems]
    return []
