"""Whether a cluster is well: asked after a test that harmed it, before the next one starts."""

from __future__ import annotations

from cluster.bring_up import Cluster, node_is_ready
from cluster.failures import ClusterError


def is_healthy(cluster: Cluster) -> bool:
    """Tell whether every component runs, the API server is ready and so is the node.

    Raises:
        AssertionError: it is not; the text says what is missing.
    """
    dead = [name for name, state in cluster.processes.states().items() if state["exit"] is not None]
    assert not dead, f"not running: {', '.join(dead)}"
    try:
        cluster.kubectl("get", "--raw=/readyz", "--request-timeout=2s")
        assert node_is_ready(cluster), "the node is not Ready"
    except ClusterError as error:
        raise AssertionError(str(error)) from error
    return True
