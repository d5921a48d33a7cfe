"""Take a cluster down so that nothing of it is left, whatever state it is in.

The kernel does most of it: with process 1 of the cluster's process namespace every other process dies, with the
last process the mount and network namespaces go, and with those every mount and link. What remains are empty
cgroups and a folder. Works from any wreck: half the processes killed, the supervisor killed, a bring-up cut off.
"""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from cluster import cgroups, network
from cluster.failures import ClusterError
from cluster.locks import exclusive_and_removed
from cluster.network import Addresses
from cluster.places import Places
from cluster.processes import Processes, namespaces_of


def take_down(places: Places, within_s: float = 30.0) -> bool:
    """End everything of the cluster and remove what it left; False when there was nothing.

    Raises:
        ClusterError: something would not go; the text names it.
    """
    with exclusive_and_removed(places.lock):
        return remove(places, within_s)


def remove(places: Places, within_s: float = 30.0) -> bool:
    """Do what `take_down` does, for a caller that holds the cluster's lock already."""
    existed = places.running.exists()
    Processes(places).end()
    if link := _link(places):
        network.remove_link(link)
    deadline = time.monotonic() + within_s
    while left := leftovers(places):
        cgroups.remove(places.name)
        if not leftovers(places):
            break
        if time.monotonic() > deadline:
            raise ClusterError(f"cluster {places.name!r} left behind: {'; '.join(left)}")
        time.sleep(0.05)
    if existed:
        shutil.rmtree(places.running)
    return existed


def leftovers(places: Places) -> list[str]:
    """Return what there still is of the cluster besides its folder: processes, mounts, links, cgroups."""
    found = [f"process {pid}" for pid in cgroups.processes(places.name)]
    found += [f"process {pid}" for pid in _processes_of(places)]
    found += [f"cgroup {path}" for path in cgroups.branches(places.name) if path.exists()]
    mounts = Path("/proc/self/mounts").read_text()
    found += [f"mount {line.split()[1]}" for line in mounts.splitlines() if _names(places, line)]
    if (link := _link(places)) and network.link_exists(link):
        found.append(f"link {link}")
    return found


def _names(places: Places, text: str) -> bool:
    return f"{places.running}/" in text + "/"


def _processes_of(places: Places) -> list[int]:
    """Return the processes in the cluster's namespaces, those about to end included."""
    try:
        namespaces = set(json.loads(places.namespaces.read_text()))
    except (OSError, ValueError):
        return []
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if namespaces & namespaces_of(pid)]


def _link(places: Places) -> str | None:
    """Return the end of its link on this machine; None where it has none, or another cluster has it by now."""
    link = _link_in(places.facts)
    others = places.running.parent.glob(f"*/{places.facts.name}")
    return None if link in {_link_in(facts) for facts in others if facts != places.facts} else link


def _link_in(facts: Path) -> str | None:
    try:
        return Addresses(**json.loads(facts.read_text())["addresses"]).link
    except (OSError, ValueError, KeyError):
        return None
