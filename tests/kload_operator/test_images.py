"""Runners have the operator's own image, unless somebody says otherwise."""

from __future__ import annotations

import pytest
from memory_cluster import MemoryCluster

from kload_operator.cluster import PODS, Busy, Kind, Refused
from kload_operator.images import runner_image
from kload_operator.settings import Settings

POD = {
    "metadata": {"name": "kload-operator-x", "namespace": "kload-system"},
    "spec": {
        "containers": [
            {"name": "mesh", "image": "mesh:1"},
            {"name": "operator", "image": "registry/kload@sha256:1"},
        ]
    },
}


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        pytest.param({"pod": "kload-operator-x"}, "registry/kload@sha256:1", id="its own"),
        pytest.param({"pod": "kload-operator-x", "runner_image": "mine:2"}, "mine:2", id="said"),
        pytest.param({}, "kload:latest", id="not in a pod"),
        pytest.param({"pod": "gone"}, "kload:latest", id="its pod is gone"),
    ],
)
async def test_runners_have_the_operators_own_image(settings: dict[str, str], image: str) -> None:
    cluster = MemoryCluster()
    cluster.put(PODS, POD)
    assert await runner_image(cluster, Settings(**settings)) == image


async def test_without_the_right_to_look_the_default_stays() -> None:
    cluster = MemoryCluster()

    def forbidden(verb: str, kind: Kind) -> None:
        raise Refused("403 pods is forbidden")

    cluster.before = forbidden
    assert await runner_image(cluster, Settings(pod="x")) == "kload:latest"


async def test_an_api_server_that_is_busy_is_asked_again() -> None:
    cluster = MemoryCluster()

    def busy(verb: str, kind: Kind) -> None:
        raise Busy("503")

    cluster.before = busy
    with pytest.raises(Busy):
        await runner_image(cluster, Settings(pod="x"))
