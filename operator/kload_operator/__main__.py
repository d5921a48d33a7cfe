"""`python -m kload_operator`: reads the configuration, connects, works until SIGTERM.

Exit codes: 0 ended as told, 1 the cluster cannot be reached, 2 the configuration is wrong.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys

from kload_operator import logs
from kload_operator.cluster import ClusterError, KubernetesCluster
from kload_operator.operating import World, operate
from kload_operator.prometheus import PrometheusClient
from kload_operator.runner_access import DirectAccess, ProxyAccess
from kload_operator.settings import Settings, SettingsError, load_settings

EXIT_CLUSTER, EXIT_SETTINGS = 1, 2


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
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    cluster = await KubernetesCluster.connect()
    direct = DirectAccess()
    access = ProxyAccess(cluster) if settings.runner_access == "proxy" else direct
    prometheus = [PrometheusClient(item) for item in settings.prometheus]
    try:
        await operate(settings, World(cluster, access, prometheus, lambda: cluster.calls), stop)
    finally:
        for client in prometheus:
            await client.close()
        await direct.close()
        await cluster.close()


if __name__ == "__main__":
    sys.exit(main())
