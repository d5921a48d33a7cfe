"""Taking a cluster down leaves nothing of it: no process, shim, mount, namespace, link or cgroup; from any wreck."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cluster import bring_up, cgroups, network, teardown
from cluster.api import Api
from cluster.bring_up import Cluster
from cluster.places import cluster_places
from cluster.pods import pod
from cluster.processes import namespaces_of
from cluster.waiting import eventually


@pytest.fixture
def second(cluster: Cluster) -> Iterator[Cluster]:
    """A cluster beside the one under test, with a container in it."""
    del cluster  # it is the proof that this machine can have one
    places = cluster_places(f"second-{secrets.token_hex(4)}")
    made = bring_up.bring_up(places, lifetime_s=300)
    api = Api(made.kubeconfig)
    eventually(lambda: api.exists("v1/ServiceAccount", "default", "default"), what="the account")
    api.apply(pod("sleeper", ["sleep", "300"]), "default")
    eventually(
        lambda: api.get("v1/Pod", "sleeper", "default")["status"].get("phase") == "Running",
        what="the container",
    )
    api.close()
    yield made
    teardown.take_down(places)


def nothing(_: Cluster) -> None:
    """Leave the cluster as it is."""


def kill_half(cluster: Cluster) -> None:
    for name in list(cluster.processes.states())[::2]:
        cluster.processes.signal(name, signal.SIGKILL)


def kill_containerd_and_shims(cluster: Cluster) -> None:
    """Kill what would clean up after containers, so that they are orphans."""
    cluster.processes.signal("containerd", signal.SIGKILL)
    for pid in cgroups.processes(cluster.places.name):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # gone meanwhile
            if "containerd-shim" in Path(f"/proc/{pid}/comm").read_text():
                os.kill(pid, signal.SIGKILL)


def kill_supervisor(cluster: Cluster) -> None:
    os.kill(cluster.processes.init_pid(), signal.SIGKILL)


def freeze_everything(cluster: Cluster) -> None:
    for name in cluster.processes.states():
        cluster.processes.freeze(name)


@pytest.mark.parametrize(
    "wreck",
    [
        pytest.param(nothing, id="whole"),
        pytest.param(kill_half, id="half of it killed"),
        pytest.param(kill_containerd_and_shims, id="containers orphaned"),
        pytest.param(kill_supervisor, id="supervisor killed"),
        pytest.param(freeze_everything, id="all of it frozen"),
    ],
)
def test_cluster_down_leaves_nothing(second: Cluster, wreck: Callable[[Cluster], None]) -> None:
    places, link = second.places, second.addresses.link
    namespaces = namespaces_of(second.processes.init_pid())
    wreck(second)
    assert teardown.take_down(places)
    assert teardown.leftovers(places) == []
    assert not places.running.exists()
    assert not network.link_exists(link)
    assert second.addresses.pods not in network.networks_of_machine()
    assert not namespaces & namespaces_in_use()
    assert not teardown.take_down(places)  # a second time is fine, and says so


def test_a_cluster_is_found_running_and_is_not_made_twice(second: Cluster) -> None:
    again = bring_up.bring_up(second.places)
    assert again.processes.init_pid() == second.processes.init_pid()
    assert again.addresses == second.addresses


def test_a_wrecked_cluster_is_made_anew(second: Cluster) -> None:
    kill_half(second)
    again = bring_up.bring_up(second.places, lifetime_s=300)
    assert "node-1" in again.kubectl("get", "nodes")


@pytest.mark.usefixtures("cluster")
def test_a_cluster_ends_with_the_process_that_wanted_it() -> None:
    lifeline, held = os.pipe()
    places = cluster_places(f"third-{secrets.token_hex(4)}")
    bring_up.bring_up(places, lifetime_s=300, lifeline=lifeline)
    os.close(lifeline)
    os.close(held)  # what the kernel does when its holder dies, however it dies
    eventually(lambda: not cgroups.processes(places.name), what="the end of every process")
    teardown.take_down(places)


def namespaces_in_use() -> set[str]:
    """Return the namespaces that some process is in."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return {one for pid in pids for one in namespaces_of(pid)}
