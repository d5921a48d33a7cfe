"""The simulated fleet as a component of a cluster: started beside the control plane, in its namespaces."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.bring_up import Cluster
from cluster.places import REPOSITORY
from cluster.processes import Component

from fleet.manners import Manner, write_manners

NAME = "fleet"
PYTHONPATH = ":".join(
    str(REPOSITORY / folder) for folder in ("tests/support", "spec", "runner", "operator")
)


@contextmanager
def playing(cluster: Cluster, default: Manner | None = None, **by_index: Manner) -> Iterator[Path]:
    """Have every runner on a simulated node played; yields the file of manners, to be rewritten at will.

    There is one fleet in a cluster: tests that use it are marked ``disruptive``, or name their runners' manners alike.
    """
    path = cluster.places.config / "manners.json"
    write_manners(path, default, **by_index)
    argv = [sys.executable, "-m", "fleet", f"--kubeconfig={cluster.kubeconfig}"]
    component = Component(NAME, [*argv, f"--manners={path}"], {"PYTHONPATH": PYTHONPATH})
    cluster.processes.start(component)
    try:
        yield path
    finally:
        cluster.processes.stop(NAME, at_once=True)
