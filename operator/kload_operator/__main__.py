"""`python -m kload_operator`: reads the configuration, connects, works until SIGTERM, and then is gone within 5 s.

It keeps nothing that a clean end would save, so an end that takes too long (an API server that does not answer, a
library that waits) is cut short: an operator that lingers holds up the rollout of the next one.

Exit codes: 0 ended as told, 1 the cluster cannot be reached, 2 the configuration is wrong.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading

from kload_operator import logs
from kload_operator.cluster import ClusterError, KubernetesCluster
from kload_operator.operating import World, operate
from kload_operator.prometheus import PrometheusClient
from kload_operator.runner_access import DirectAccess, ProxyAccess
from kload_operator.settings import Settings, SettingsError, load_settings

logger = logging.getLogger(__name__)

EXIT_CLUSTER, EXIT_SETTINGS = 1, 2
LATEST_S = 3.0  # s after the signal


def main() -> int:
    """Run the operator; return the exit code."""
    logs.set_up()
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return EXIT_SETTINGS
    try:
        asyncio.run(run(settings))
    except ClusterError as error:
        print(f"cluster: {error}", file=sys.stderr)
        return EXIT_CLUSTER
    return 0


async def run(settings: Settings) -> None:
    """Work with the real world until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def end() -> None:
        if not stop.is_set():
            logger.info("told to end")
            cut_short(LATEST_S)
        stop.set()

    def heed_signals() -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, end)

    heed_signals()
    cluster = await KubernetesCluster.connect()
    direct = DirectAccess()
    access = ProxyAccess(cluster) if settings.runner_access == "proxy" else direct
    prometheus = [PrometheusClient(item) for item in settings.prometheus]
    world = World(cluster, access, prometheus, lambda: cluster.calls)
    try:
        await operate(settings, world, stop, heed_signals)
    finally:
        for client in prometheus:
            await client.close()
        await direct.close()
        await cluster.close()


def cut_short(after_s: float) -> None:
    """End the process after a while, whatever its loop and its threads do by then."""
    timer = threading.Timer(after_s, os._exit, (0,))
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    sys.exit(main())
