"""Whether a cluster is well: asked after a test that harmed it, before the next one starts."""

from __future__ import annotations

import httpx

from cluster.bring_up import Cluster, node_is_ready
from cluster.failures import ClusterError


def is_healthy(cluster: Cluster) -> bool:
    """Tell whether every component runs, the API server, the node and Prometheus are ready.

    Raises:
        AssertionError: it is not; the text says what is missing.
    """
    states = cluster.processes.states()
    dead = [name for name in cluster.components() if states[name]["exit"] is not None]
    assert not dead, f"not running: {', '.join(dead)}"
    try:
        cluster.kubectl("get", "--raw=/readyz", "--request-timeout=2s")
        assert node_is_ready(cluster), "the node is not Ready"
        url = f"{cluster.prometheus_url}/-/ready"
        assert httpx.get(url, timeout=2).status_code == 200, "Prometheus is not ready"
    except (ClusterError, httpx.TransportError) as error:
        raise AssertionError(str(error)) from error
    return True
