"""`python -m kload_operator`: reads the configuration, connects, works until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from kload_operator import tokens
from kload_operator.cluster import KubernetesCluster
from kload_operator.controller import Controller, Key, workers
from kload_operator.handlers.watching import Sinks, watch
from kload_operator.keys import operator_key
from kload_operator.memory import Memory
from kload_operator.observing import Instruments
from kload_operator.prometheus import PrometheusClient
from kload_operator.runner_access import DirectAccess, ProxyAccess
from kload_operator.settings import Settings, SettingsError, load_settings
from kload_operator.telemetry import Telemetry
from kload_operator.workqueue import WorkQueue

logger = logging.getLogger("kload_operator")
EXIT_SETTINGS = 2
GAUGES_S = 5.0


def main() -> int:
    """Run the operator; return the exit code."""
    logging.basicConfig(
        level=logging.INFO,
        stream=sys.stdout,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    for name in ("httpx", "kopf"):
        logging.getLogger(name).setLevel(logging.WARNING)
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    cluster = await KubernetesCluster.connect()
    direct = DirectAccess()
    access = ProxyAccess(cluster) if settings.runner_access == "proxy" else direct
    prometheus = [PrometheusClient(item) for item in settings.prometheus]
    telemetry = Telemetry()
    queue: WorkQueue[Key] = WorkQueue()
    try:
        key = await operator_key(cluster, settings.namespace, tokens.new_key)
        tools = Instruments(
            cluster=cluster,
            access=access,
            prometheus_for=_chooser(settings, prometheus),
            key=key,
            memory=Memory(),
            now=lambda: datetime.now(UTC),
        )
        controller = Controller(tools, settings, queue, telemetry)
        server = await telemetry.serve(settings.port)
        tasks = workers(controller, settings.workers)
        tasks.append(asyncio.create_task(telemetry.watch_loop()))
        tasks.append(asyncio.create_task(_gauge(telemetry, queue, cluster)))
        await _watch(Sinks(queue.add, tools.memory, lambda *_: None), settings, telemetry)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.cleanup()
        return 0
    finally:
        for client in prometheus:
            await client.close()
        await direct.close()
        await cluster.close()


async def _watch(sinks: Sinks, settings: Settings, telemetry: Telemetry) -> None:
    """Watch until SIGTERM or SIGINT."""
    stop, ready = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    async def tell_ready() -> None:
        await ready.wait()
        telemetry.ready = True
        logger.info("watching %s", ", ".join(settings.watch_namespaces) or "all namespaces")

    telling = asyncio.create_task(tell_ready())
    try:
        await watch(sinks, settings.watch_namespaces, ready, stop)
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


async def _gauge(telemetry: Telemetry, queue: WorkQueue[Key], cluster: KubernetesCluster) -> None:
    """Keep the gauges of queue and client up to date."""
    while True:
        telemetry.observe(length=len(queue), oldest_s=queue.oldest_s, calls=cluster.calls)
        await asyncio.sleep(GAUGES_S)


def _chooser(
    settings: Settings, clients: list[PrometheusClient]
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


if __name__ == "__main__":
    sys.exit(main())
