"""The operator outlives what ends around it: broken watches, an API server that comes late."""

from __future__ import annotations

import asyncio

import pytest
from manifests import manifest
from memory_cluster import MemoryCluster
from operator_world import World

from kload_operator import operating
from kload_operator.cluster import Busy, Kind, Manifest, NotFound, Refused
from kload_operator.controller import Key
from kload_operator.keys import operator_key
from kload_operator.operating import World as Outside
from kload_operator.settings import PrometheusSettings, Settings
from kload_operator.territory import Territory
from kload_operator.workqueue import WorkQueue
from kload_runner.testing import run_virtual


def outside(cluster: MemoryCluster, world: World) -> Outside:
    return Outside(cluster, world, ())


def test_the_key_is_waited_for_while_the_api_server_is_away() -> None:
    async def story() -> None:
        cluster, loop = MemoryCluster(), asyncio.get_running_loop()

        def away(verb: str, kind: Kind) -> None:
            if loop.time() < 20:
                raise Busy("503 not yet")

        cluster.before = away
        key = await operating._patiently(
            lambda: operator_key(cluster, "kload-system", lambda: b"k"), "no key yet"
        )
        assert key == b"k"
        assert 20 <= loop.time() < 60

    run_virtual(story())


def test_watching_begins_when_the_api_server_knows_loadtests() -> None:
    async def story(error: Exception) -> float:
        cluster, loop = MemoryCluster(), asyncio.get_running_loop()

        def unknown(verb: str, kind: Kind) -> None:
            if loop.time() < 20:
                raise error

        cluster.before = unknown
        await operating.served(cluster, Territory())
        return loop.time()

    assert 20 <= run_virtual(story(NotFound("404 page not found"))) < 30
    assert run_virtual(story(Refused("403 forbidden"))) == 0, "that is the watches' to say"


def test_an_operator_that_is_told_to_end_waits_for_nobody() -> None:
    class Silent(MemoryCluster):
        async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
            await asyncio.Event().wait()
            raise AssertionError

    async def story() -> float:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.call_later(0.05, stop.set)
        began = loop.time()
        await operating.operate(Settings(port=0), outside(Silent(), World()), stop)
        return loop.time() - began

    assert asyncio.run(story()) < operating.END_S


def test_a_look_whose_part_was_cancelled_is_made_again(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        world = World()
        world.apply(manifest())
        controller = world.operators[0]
        queue: WorkQueue[Key] = controller._queue
        once = [True]

        def cut(verb: str, kind: Kind) -> None:
            if once.pop() if once else False:
                raise asyncio.CancelledError  # as kopf does to younger tasks when it ends

        world.cluster.before = cut
        worker = asyncio.create_task(controller.work())
        queue.add(Key("staging", "shop"))
        await asyncio.sleep(5)
        assert world.status()["phase"] == "Launching"
        assert not worker.done()
        assert not [one for one in caplog.records if one.levelname == "ERROR"], "it is no fault"
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert worker.cancelled(), "our own end is heeded"

    run_virtual(story())


def test_the_first_prometheus_that_serves_a_namespace_is_chosen() -> None:
    settings = Settings(
        prometheus=(
            PrometheusSettings(url="http://a", namespaces=("team-*",)),
            PrometheusSettings(url="http://b"),
        )
    )
    first, second = object(), object()
    choose = operating.chooser(settings, [first, second])  # type: ignore[list-item]  # told apart only
    assert choose("team-x") is first
    assert choose("other") is second
