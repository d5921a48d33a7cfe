"""What the operator relies on of an API server, as steps that the one in memory and the real one both pass.

Each step gets a `Cluster` and the name of a namespace that is there; objects are ConfigMaps and LoadTests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kload_operator.cluster import (
    CONFIG_MAPS,
    LOADTESTS,
    AlreadyExists,
    Cluster,
    Conflict,
    Manifest,
    NotFound,
)

Step = Callable[[Cluster, str], Awaitable[None]]
LABELS = {"kload.dev/contract": "yes"}


def config_map(namespace: str, name: str, **labels: str) -> Manifest:
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": namespace, "labels": {**LABELS, **labels}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def load_test(namespace: str, name: str) -> Manifest:
    """Return a LoadTest."""
    scenario = {"executor": "constant-vus", "duration": "1s", "steps": [{"get": "/"}]}
    return {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"target": {"baseURL": "http://t"}, "scenarios": {"s": scenario}},
    }


def identity(manifest: Manifest) -> dict[str, str]:
    """Return what a status write has to find unchanged."""
    return {key: manifest["metadata"][key] for key in ("uid", "resourceVersion")}


async def what_is_made_can_be_read(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(CONFIG_MAPS, config_map(namespace, "read"))
    assert made["metadata"]["uid"]
    found = await cluster.get(CONFIG_MAPS, namespace, "read")
    assert identity(found) == identity(made)
    assert found["data"] == {"a": "b"}


async def what_is_not_there_is_not_found(cluster: Cluster, namespace: str) -> None:
    with pytest.raises(NotFound):
        await cluster.get(CONFIG_MAPS, namespace, "nothing")
    with pytest.raises(NotFound):
        await cluster.merge(CONFIG_MAPS, namespace, "nothing", {"data": {}})


async def a_name_is_taken_once(cluster: Cluster, namespace: str) -> None:
    await cluster.create(CONFIG_MAPS, config_map(namespace, "taken"))
    with pytest.raises(AlreadyExists):
        await cluster.create(CONFIG_MAPS, config_map(namespace, "taken"))


async def lists_are_selected_by_labels(cluster: Cluster, namespace: str) -> None:
    await cluster.create(CONFIG_MAPS, config_map(namespace, "red", colour="red"))
    await cluster.create(CONFIG_MAPS, config_map(namespace, "blue", colour="blue"))
    found = await cluster.list(CONFIG_MAPS, namespace, labels="kload.dev/contract=yes,colour=red")
    assert [item["metadata"]["name"] for item in found] == ["red"]


async def a_delete_needs_the_right_uid_and_may_be_repeated(
    cluster: Cluster, namespace: str
) -> None:
    made = await cluster.create(CONFIG_MAPS, config_map(namespace, "gone"))
    await cluster.delete(CONFIG_MAPS, namespace, "gone", "another-uid")
    assert await cluster.get(CONFIG_MAPS, namespace, "gone")
    await cluster.delete(CONFIG_MAPS, namespace, "gone", made["metadata"]["uid"])
    await cluster.delete(CONFIG_MAPS, namespace, "gone", made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await cluster.get(CONFIG_MAPS, namespace, "gone")


async def a_merge_changes_what_it_names(cluster: Cluster, namespace: str) -> None:
    await cluster.create(CONFIG_MAPS, config_map(namespace, "merged"))
    found = await cluster.merge(CONFIG_MAPS, namespace, "merged", {"data": {"c": "d"}})
    assert found["data"] == {"a": "b", "c": "d"}


async def a_status_is_replaced_as_a_whole(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(LOADTESTS, load_test(namespace, "whole"))
    first = {"observedGeneration": 1, "phase": "Running", "message": "m"}
    written = await cluster.apply_status(namespace, "whole", identity(made), first)
    assert written["status"] == first
    second: dict[str, Any] = {"observedGeneration": 1, "phase": "Finished"}
    written = await cluster.apply_status(namespace, "whole", identity(written), second)
    assert written["status"] == second, "what is left out is taken away"
    assert written["metadata"]["generation"] == made["metadata"]["generation"]


async def a_stale_status_write_conflicts(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(LOADTESTS, load_test(namespace, "stale"))
    await cluster.apply_status(namespace, "stale", identity(made), {"phase": "Running"})
    with pytest.raises(Conflict):
        await cluster.apply_status(namespace, "stale", identity(made), {"phase": "Gating"})


async def versions_tell_of_every_object(cluster: Cluster, namespace: str) -> None:
    made = await cluster.create(LOADTESTS, load_test(namespace, "version"))
    found = await cluster.versions(LOADTESTS, namespace)
    assert found[namespace, "version"] == made["metadata"]["resourceVersion"]


STEPS: tuple[Step, ...] = (
    what_is_made_can_be_read,
    what_is_not_there_is_not_found,
    a_name_is_taken_once,
    lists_are_selected_by_labels,
    a_delete_needs_the_right_uid_and_may_be_repeated,
    a_merge_changes_what_it_names,
    a_status_is_replaced_as_a_whole,
    a_stale_status_write_conflicts,
    versions_tell_of_every_object,
)
