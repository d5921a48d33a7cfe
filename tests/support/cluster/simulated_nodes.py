"""Nodes and pods that kwok plays: for hundreds of pods, and for a node that vanishes.

Each simulated node is a kwok process of its own beside the real node, so that ending the process is what losing the
machine is. Pods scheduled there become Running with an address of 127.0.0.0/8, where one process can answer for all
of them (see the package `fleet`), and end when a test says so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.api import Api, Object
from cluster.bring_up import Cluster
from cluster.processes import Component
from cluster.waiting import eventually

STAGES = Path(__file__).parent / "stages.yaml"
TAINT = "kload.dev/simulated"
ENDS_AS = "kload.dev/simulated-end"  # annotation of a pod: Succeeded or Failed


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """A node that kwok plays.

    Attributes:
        pod_addresses: the range its pods have addresses of.
    """

    name: str
    pod_addresses: str
    cluster: Cluster
    api: Api

    def placement(self) -> dict[str, Any]:
        """Return the fields of a pod's spec that bring it here, and nowhere else."""
        toleration = {"key": TAINT, "operator": "Exists"}
        return {"nodeSelector": {TAINT: self.name}, "tolerations": [toleration]}

    def vanish(self) -> None:
        """Fall silent, as a machine that lost its power: no lease, no status, its pods as they were."""
        self.cluster.processes.stop(f"kwok-{self.name}", at_once=True)


@contextmanager
def simulated_node(
    cluster: Cluster, api: Api, name: str, *, pods: int = 1000, cpu: str = "1000"
) -> Iterator[SimulatedNode]:
    """Have a simulated node with room for so many pods; it goes with the block."""
    # Addresses follow from the name, so that nodes of tests that run side by side do not share them.
    node = SimulatedNode(name, f"127.{128 + zlib.crc32(name.encode()) % 127}.0.0/16", cluster, api)
    flags = [f"--kubeconfig={cluster.kubeconfig}", f"--config={STAGES}", "-v=WARN"]
    flags += [f"--manage-single-node={name}", f"--cidr={node.pod_addresses}"]
    flags += [f"--node-ip={cluster.addresses.node}", "--node-lease-duration-seconds=20"]
    api.apply(_manifest(name, pods, cpu))
    try:
        cluster.processes.start(Component(f"kwok-{name}", [cluster.tools["kwok"], *flags]))
        eventually(lambda: is_ready(api, name), what=f"simulated node {name}")
        yield node
    finally:
        node.vanish()
        api.delete("v1/Node", name)


def is_ready(api: Api, name: str) -> bool:
    """Tell whether a node is Ready."""
    conditions = api.get("v1/Node", name)["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def end_pod(api: Api, pod: Object, phase: str = "Succeeded") -> None:
    """Let a simulated pod end as ``Succeeded`` or ``Failed``."""
    meta = pod["metadata"]
    body = {"metadata": {"annotations": {ENDS_AS: phase}}}
    api.patch("v1/Pod", meta["name"], body, meta["namespace"])


def _manifest(name: str, pods: int, cpu: str) -> Object:
    annotations = {"kload.dev/simulated-cpu": cpu, "kload.dev/simulated-pods": str(pods)}
    labels = {"kubernetes.io/hostname": name, TAINT: name}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "annotations": annotations, "labels": labels},
        "spec": {"taints": [{"key": TAINT, "effect": "NoSchedule"}]},
    }
