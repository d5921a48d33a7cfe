"""Manifests of small LoadTests: one scenario against the counting target, bounded in count and time."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from cluster.api import Object

KIND = "kload.dev/v1alpha1/LoadTest"
TARGET = "http://target"
# On a busy machine what a pod requests is its share of the CPU; a few dozen of these fit on two cores.
SMALL: Mapping[str, Any] = {"requests": {"cpu": "30m", "memory": "48Mi"}}


def load_test(
    name: str,
    *,
    load: Mapping[str, Any] | None = None,
    steps: Sequence[Mapping[str, Any]] | None = None,
    runners: int | Mapping[str, Any] = 1,
    **spec: Any,
) -> Object:
    """Return a LoadTest of one scenario, `main`.

    Args:
        name: of the LoadTest.
        load: the scenario without its steps; 30 iterations of 3 VUs by default.
        steps: one GET of `/` by default; none where the load names a function of a script.
        runners: how many, or fields of `spec.runners`.
        spec: further fields of the spec; None takes one away.
    """
    fleet = {"replicas": runners} if isinstance(runners, int) else dict(runners)
    scenario = dict(load or iterations(30, vus=3))
    if "exec" not in scenario:
        scenario["steps"] = list(steps or [get()])
    whole: Object = {
        "runners": {"resources": SMALL, **fleet},
        "target": {"baseURL": TARGET},
        "scenarios": {"main": scenario},
        **spec,
    }
    return {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": name},
        "spec": copy.deepcopy({key: value for key, value in whole.items() if value is not None}),
    }


def get(path: str = "/", name: str = "get") -> Object:
    """Return a step that gets a path and checks its status."""
    return {"name": name, "get": path, "checks": {"status is 200": "status == 200"}}


def iterations(number: int, *, vus: int = 1) -> Object:
    """Return a load of exactly so many iterations."""
    return {
        "executor": "shared-iterations",
        "vus": vus,
        "iterations": number,
        "maxDuration": "60s",
        "gracefulStop": "2s",
    }


def users(vus: int, duration: str) -> Object:
    """Return a load of so many VUs for so long."""
    return {
        "executor": "constant-vus",
        "vus": vus,
        "duration": duration,
        "gracefulStop": "2s",
    }


def paced(rate: int, duration: str, *, vus: int = 20) -> Object:
    """Return a load of so many iterations a second for so long."""
    return {
        "executor": "constant-arrival-rate",
        "rate": rate,
        "duration": duration,
        "preAllocatedVUs": vus,
        "maxVUs": vus,
        "gracefulStop": "2s",
    }
