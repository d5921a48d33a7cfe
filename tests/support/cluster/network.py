"""The cluster's network: a link to this machine, a bridge for pods, and no way out.

The network namespace has routes to its pods, its services and one /30 shared with this machine; there is no default
route, so "Network is unreachable" is what a pod gets for any other address. Addresses are chosen so that they
collide with nothing this machine knows, and with no other cluster on it. Everything vanishes with the namespace.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import subprocess
from dataclasses import dataclass

from cluster.failures import ClusterError
from cluster.processes import Processes

_SLOTS = range(64)
SERVICES = "10.96.0.0/24"
API_SERVICE_ADDRESS = "10.96.0.1"
BRIDGE = "cni0"


@dataclass(frozen=True, slots=True)
class Addresses:
    """What a cluster is reached by.

    Attributes:
        slot: its number among the clusters of this machine.
    """

    slot: int

    @property
    def link(self) -> str:
        """Name of the link's end on this machine."""
        return f"kload{self.slot}"

    @property
    def machine(self) -> str:
        """This machine, as pods see it: chaos proxies listen here."""
        return f"100.64.{64 + self.slot}.1"

    @property
    def control_plane(self) -> str:
        """The API server and Prometheus, from this machine and from pods."""
        return f"100.64.{64 + self.slot}.2"

    @property
    def link_network(self) -> str:
        return f"100.64.{64 + self.slot}.0/30"

    @property
    def pods(self) -> str:
        return f"10.{64 + self.slot}.0.0/24"

    @property
    def node(self) -> str:
        """The bridge: gateway of the pods, address of the node, and where DNS listens."""
        return f"10.{64 + self.slot}.0.1"


def choose(taken: list[str]) -> Addresses:
    """Return the first addresses that overlap none of the networks in `taken`.

    Raises:
        ClusterError: all are taken.
    """
    networks = [ipaddress.ip_network(text, strict=False) for text in taken]
    for slot in _SLOTS:
        candidate = Addresses(slot)
        wanted = [ipaddress.ip_network(text) for text in (candidate.link_network, candidate.pods)]
        if not any(one.overlaps(other) for one in wanted for other in networks):
            return candidate
    raise ClusterError(
        f"no free addresses: all {len(_SLOTS)} pairs from {Addresses(0).link_network} and"
        f" {Addresses(0).pods} upward overlap with routes of this machine"
    )


def networks_of_machine() -> list[str]:
    """Return the IPv4 networks this machine has addresses in or routes to, the default route left out."""
    found = []
    for route in json.loads(_run("ip", "-json", "-4", "route", "show", "table", "all") or "[]"):
        destination = route.get("dst", "default")
        if destination != "default":
            found.append(destination)
    for link in json.loads(_run("ip", "-json", "-4", "address", "show") or "[]"):
        for address in link.get("addr_info", ()):
            found.append(f"{address['local']}/{address['prefixlen']}")
    return found


def connect(processes: Processes, addresses: Addresses) -> None:
    """Link the cluster's namespace to this machine and make its bridge and routes."""
    link, pid = addresses.link, str(processes.init_pid())
    _run("ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", pid)
    _run("ip", "address", "add", f"{addresses.machine}/30", "dev", link)
    _run("ip", "link", "set", link, "up")
    for command in (
        "ip link set lo up",
        f"ip address add {addresses.control_plane}/30 dev eth0",
        "ip link set eth0 up",
        f"ip link add {BRIDGE} type bridge",
        f"ip address add {addresses.node}/24 dev {BRIDGE}",
        f"ip link set {BRIDGE} up",
        f"ip route add {SERVICES} dev {BRIDGE}",
        "sysctl -qw net.ipv4.ip_forward=1",
        # "Network is unreachable" is the answer to packets that would leave, not to one in a second.
        "sysctl -qw net.ipv4.icmp_ratemask=0",
    ):
        processes.inside(*command.split())
    _run("ip", "route", "add", addresses.pods, "via", addresses.control_plane)


def link_exists(name: str) -> bool:
    """Tell whether this machine has a link of that name."""
    return any(link["ifname"] == name for link in json.loads(_run("ip", "-json", "link", "show")))


def remove_link(name: str) -> None:
    """Remove a link of this machine, if it is there.

    It goes with the cluster's network namespace, but the kernel keeps that for minutes while a connection that was cut
    off still waits for its peer.
    """
    if link_exists(name):
        with contextlib.suppress(ClusterError):  # gone in this moment
            _run("ip", "link", "delete", name)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout
