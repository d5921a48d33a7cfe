"""Faults caused for real, each a block: what is broken at its beginning is whole again at its end.

Components are stopped or frozen, containers frozen or killed, pods unplugged, the API server run with other limits
or made to forget its history. A test that uses one on a component is marked ``disruptive``. What no single node can
show is in `simulated_nodes`; what happens between two parties on the wire is in the package `chaos`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from cluster import cgroups, network
from cluster.api import Object
from cluster.bring_up import Cluster
from cluster.failures import ClusterError
from cluster.health import is_healthy
from cluster.waiting import eventually

_RECOVERY_S = 90.0


@contextmanager
def stopped(cluster: Cluster, *names: str) -> Iterator[None]:
    """Kill components at once and start them again afterwards, with what they knew lost as in a crash."""
    for name in names:
        cluster.processes.stop(name, at_once=True)
    try:
        yield
    finally:
        for name in names:
            cluster.processes.start_again(name)
        wait_until_healthy(cluster)


@contextmanager
def frozen(cluster: Cluster, *names: str) -> Iterator[None]:
    """Freeze components: connections stay open and nothing answers, the worst kind of outage."""
    for name in names:
        cluster.processes.freeze(name)
    try:
        yield
    finally:
        for name in names:
            cluster.processes.thaw(name)
        wait_until_healthy(cluster)


@contextmanager
def restarted_with(cluster: Cluster, name: str, *flags: str) -> Iterator[None]:
    """Run a component with more flags for a while, e.g. the API server with ``--max-requests-inflight=5``."""
    cluster.processes.stop(name, at_once=True)
    cluster.processes.start_again(name, *flags)
    wait_until_healthy(cluster)
    try:
        yield
    finally:
        cluster.processes.stop(name, at_once=True)
        cluster.processes.start_again(name)
        wait_until_healthy(cluster)


def forget_history(cluster: Cluster) -> None:
    """Make the API server forget every old resource version: a watch that resumes from one gets 410 Gone.

    etcd is compacted at its newest revision, and the API server restarted, since it serves old versions from memory.
    """
    header = json.loads(_ask_etcd(cluster, "range", {"key": "AA=="}))["header"]
    _ask_etcd(cluster, "compaction", {"revision": header["revision"], "physical": True})
    cluster.processes.stop("kube-apiserver", at_once=True)
    cluster.processes.start_again("kube-apiserver")
    wait_until_healthy(cluster)


def wait_until_healthy(cluster: Cluster) -> None:
    """Wait until the cluster is well again."""
    eventually(lambda: is_healthy(cluster), within_s=_RECOVERY_S, what="the cluster's recovery")


def signal_container(cluster: Cluster, pod: Object, number: signal.Signals) -> int:
    """Send a signal to every process of a pod's containers; returns how many there were.

    SIGSTOP is a runner that hangs, SIGKILL one that the kernel or a person shot.

    Raises:
        ClusterError: the pod has no running container.
    """
    names = [one.get("containerID", "") for one in pod["status"].get("containerStatuses", ())]
    identities = [name.rpartition("/")[2] for name in names if name]
    found = [pid for identity in identities for pid in _processes_of(cluster, identity)]
    if not found:
        raise ClusterError(f"pod {pod['metadata']['name']} has no running container")
    for pid in found:
        os.kill(pid, number)
    return len(found)


@contextmanager
def unplugged(cluster: Cluster, pod: Object) -> Iterator[None]:
    """Pull a pod's network plug: it runs on, and nobody reaches it or is reached by it."""
    link = _link_of(cluster, pod["status"]["podIP"])
    cluster.processes.inside("ip", "link", "set", link, "down")
    try:
        yield
    finally:
        cluster.processes.inside("ip", "link", "set", link, "up")


@contextmanager
def cut_off(cluster: Cluster, source: str, destination: str, port: int) -> Iterator[None]:
    """Drop packets from one address to another's port: a half-open connection, not a refused one."""
    rule = f"-s {source} -d {destination} -p tcp --dport {port} -j DROP".split()
    chains = ("INPUT", "FORWARD", "OUTPUT")
    for chain in chains:
        cluster.processes.inside("iptables", "-w", "-I", chain, *rule)
    try:
        yield
    finally:
        for chain in chains:
            cluster.processes.inside("iptables", "-w", "-D", chain, *rule)


def _processes_of(cluster: Cluster, container: str) -> list[int]:
    for branch in cgroups.branches(cluster.places.name):
        for listing in branch.rglob(f"{container}/cgroup.procs"):
            return [int(line) for line in listing.read_text().split()]
    return []


def _link_of(cluster: Cluster, address: str) -> str:
    """Return the bridge's end of the link to the pod with this address."""
    cluster.processes.inside("ping", "-c", "1", "-W", "1", address, check=False)
    shown = cluster.processes.inside("ip", "-json", "neigh", "show", address, "dev", network.BRIDGE)
    hardware = json.loads(shown)[0].get("lladdr")
    table = json.loads(cluster.processes.inside("bridge", "-json", "fdb", "show"))
    for entry in table:
        if entry["mac"] == hardware and "permanent" not in entry.get("state", ""):
            return str(entry["ifname"])
    raise ClusterError(f"no link of the bridge leads to {address}")


def _ask_etcd(cluster: Cluster, call: str, body: Object) -> str:
    program = (
        "import sys, urllib.request as u;"
        "print(u.urlopen(u.Request(sys.argv[1], sys.argv[2].encode()), timeout=10).read().decode())"
    )
    url = f"http://127.0.0.1:2379/v3/kv/{call}"
    return cluster.processes.inside(sys.executable, "-c", program, url, json.dumps(body))
