"""The operator put together: queue, controller, watches, telemetry, in one event loop, until it is told to end.

`operate` takes what reaches out (cluster, runner access, Prometheus) from its caller, so that a test may stand between
the operator and the world; `__main__` gives it the real ones.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from kload_operator import tokens
from kload_operator.cluster import LOADTESTS, Busy, Cluster, ClusterError, NotFound
from kload_operator.controller import Controller, Key, workers
from kload_operator.handlers.watching import Sinks, Ways, watch
from kload_operator.images import runner_image
from kload_operator.keys import operator_key
from kload_operator.memory import Memory
from kload_operator.observing import Instruments
from kload_operator.prometheus import PrometheusClient
from kload_operator.resync import Resync
from kload_operator.runner_access import RunnerAccess
from kload_operator.settings import Settings
from kload_operator.telemetry import Telemetry
from kload_operator.territory import Territory
from kload_operator.workqueue import WorkQueue

logger = logging.getLogger(__name__)

GAUGES_S = 5.0
TOGETHER_S = 0.2  # s; what happens to pods within it is looked at once
END_S = 2.0  # s to end requests and watches; whatever is cut off, the next operator does
SERVED_S = 5.0  # s between two looks for the definition of LoadTests
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0  # s between tries to begin

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class World:
    """What the operator reaches out to.

    Attributes:
        prometheus: one client per entry of the settings, in their order.
        calls: how many requests the API server was sent so far.
    """

    cluster: Cluster
    access: RunnerAccess
    prometheus: Sequence[PrometheusClient]
    calls: Callable[[], int] = lambda: 0


async def operate(
    settings: Settings,
    world: World,
    stop: asyncio.Event,
    heed_signals: Callable[[], None] = lambda: None,
) -> None:
    """Run the operator until `stop` is set; an API server that is not there yet is waited for.

    Told to end it does so at once: whatever it was about to do, the next operator finds and does.

    Args:
        heed_signals: has SIGTERM set `stop`; called again whenever somebody else took the signals.

    Raises:
        ClusterError: the operator's key can neither be read nor made, now or ever.
    """
    telemetry = Telemetry()
    server = await telemetry.serve(settings.port)
    told = asyncio.create_task(stop.wait(), name="the wait for a signal")
    working = asyncio.create_task(
        _work(settings, world, telemetry, stop, heed_signals), name="the operator"
    )
    try:
        await asyncio.wait({told, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        told.cancel()
        ending = asyncio.create_task(server.cleanup(), name="the server")
        _, late = await asyncio.wait((working, told, ending), timeout=END_S)
        for task in late:
            logger.warning("%s has not ended within %gs; left behind", task.get_name(), END_S)


async def _work(
    settings: Settings,
    world: World,
    telemetry: Telemetry,
    stop: asyncio.Event,
    heed_signals: Callable[[], None],
) -> None:
    """Get what has to be read once, then reconcile until cancelled."""
    key = await _patiently(
        lambda: operator_key(world.cluster, settings.namespace, tokens.new_key), "no key yet"
    )
    image = await _patiently(lambda: runner_image(world.cluster, settings), "no runner image yet")
    settings = settings.model_copy(update={"runner_image": image})
    queue: WorkQueue[Key] = WorkQueue()
    tools = Instruments(
        cluster=world.cluster,
        access=world.access,
        prometheus_for=chooser(settings, world.prometheus),
        key=key,
        memory=Memory(),
        now=lambda: datetime.now(UTC),
    )
    controller = Controller(tools, settings, queue, telemetry)
    territory = Territory(settings.watch_namespaces)
    resync = Resync(world.cluster, territory, queue.add, telemetry)
    ready = asyncio.Event()
    tasks = [
        *workers(controller, settings.workers),
        asyncio.create_task(telemetry.watch_loop()),
        asyncio.create_task(resync.run()),
        asyncio.create_task(_gauge(telemetry, queue, world.calls)),
        asyncio.create_task(_tell_ready(ready, settings, telemetry)),
    ]
    try:

        def heard(key: Key, version: str) -> bool:
            resync.heard(key, version)
            return not controller.is_own(key, version)

        def add_soon(key: Key) -> None:
            queue.add_after(key, TOGETHER_S)

        sinks = Sinks(queue.add, add_soon, tools.memory, heard)
        ways = Ways(lambda: served(world.cluster, territory), heed_signals)
        await watch(sinks, territory, ready, stop, ways)
    finally:
        for task in tasks:
            task.cancel()


async def served(cluster: Cluster, territory: Territory) -> None:
    """Return once the API server knows LoadTests; their definition may come late, or be deleted and made again."""
    told = False
    while True:
        try:
            await cluster.versions(LOADTESTS, territory.lists[0])
        except NotFound:
            if not told:
                logger.warning("the API server knows no LoadTests; install their definition (CRD)")
            told = True
        except ClusterError:
            return  # whoever watches will find out, and say so
        else:
            return
        await asyncio.sleep(SERVED_S)


async def _patiently(ask: Callable[[], Awaitable[_T]], lacking: str) -> _T:
    """Return what the API server says, however long it is away."""
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await ask()
        except Busy as error:
            logger.warning("%s: %s; again in %.0fs", lacking, error, pause_s)
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def chooser(
    settings: Settings, clients: Sequence[PrometheusClient]
) -> Callable[[str], PrometheusClient | None]:
    """Return which Prometheus serves a namespace: the first that matches."""

    def choose(namespace: str) -> PrometheusClient | None:
        return next(
            (
                client
                for item, client in zip(settings.prometheus, clients, strict=True)
                if item.serves(namespace)
            ),
            None,
        )

    return choose


async def _tell_ready(ready: asyncio.Event, settings: Settings, telemetry: Telemetry) -> None:
    await ready.wait()
    telemetry.ready = True
    logger.info("watching %s", ", ".join(settings.watch_namespaces) or "all namespaces")


async def _gauge(telemetry: Telemetry, queue: WorkQueue[Key], calls: Callable[[], int]) -> None:
    """Keep the gauges of queue and client up to date."""
    while True:
        telemetry.observe(length=len(queue), oldest_s=queue.oldest_s, calls=calls())
        await asyncio.sleep(GAUGES_S)
