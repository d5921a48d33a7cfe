"""Where load may go: allow and deny lists of networks and host patterns. Pure decisions, no DNS, no sockets.

The connector asks twice for every new connection: `refuse_host` before DNS, `refuse_address` for each
address after it, so that neither a redirect nor a name that resolves to a forbidden address gets through.

    1. the host or address is on `deny`                          refused
    2. it is on `allow` by name or network                       allowed
    3. `allow` has entries                                       refused
    4. it is a link-local or cloud metadata address              refused (an allow entry lifts this: rule 2)
    5. otherwise                                                 allowed

Rule 2 by host name does not lift rule 4: names can resolve to anything. tests: test_policy.py.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from kload_runner.wire.errors import InvalidRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# Link-local (169.254.169.254 serves credentials in AWS, GCP, Azure ...) and the metadata addresses outside it.
DEFAULT_DENIED: tuple[Network, ...] = (
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv6Network("fe80::/10"),
    ipaddress.IPv6Network("fd00:ec2::254/128"),  # AWS
    ipaddress.IPv4Network("100.100.100.200/32"),  # Alibaba Cloud
    ipaddress.IPv6Network("fd20:ce::254/128"),  # Google Cloud, IPv6-only instances
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_GLOB = re.compile(r"[a-z0-9_*?.-]+")


@dataclass(frozen=True, slots=True)
class HostRules:
    """One list: networks match addresses, globs match host names."""

    networks: tuple[Network, ...] = ()
    globs: tuple[str, ...] = ()

    def matches_host(self, host: str) -> bool:
        """Return whether a glob matches the (lower-case, ASCII) host."""
        name = host.rstrip(".")
        return any(fnmatch.fnmatchcase(name, glob) for glob in self.globs)

    def matches_address(self, address: Address) -> bool:
        """Return whether a network holds the address."""
        return any(address in network for network in self.networks)

    def __bool__(self) -> bool:
        return bool(self.networks or self.globs)


@dataclass(frozen=True, slots=True)
class Policy:
    """Allow and deny lists; see the module for the order of the rules."""

    allow: HostRules = HostRules()
    deny: HostRules = HostRules()

    def refuse_host(self, host: str) -> str | None:
        """Return why no connection to this host is allowed, or None when that depends on its addresses."""
        if self.deny.matches_host(host):
            return f"host {host} is on the deny list"
        if self.allow and not self.allow.networks and not self.allow.matches_host(host):
            return f"host {host} is not on the allow list"
        return None

    def refuse_address(self, host: str, address: str) -> str | None:
        """Return why this address of an accepted host is not connected to, or None when it may be."""
        ip = embedded_ipv4(ipaddress.ip_address(address.partition("%")[0]))
        shown = host if host == address else f"{host} ({address})"
        if self.deny.matches_address(ip):
            return f"{shown} is on the deny list"
        if self.allow.matches_address(ip):
            return None
        if self.allow and not self.allow.matches_host(host):
            return f"{shown} is not on the allow list"
        if any(ip in network for network in DEFAULT_DENIED):
            return (
                f"{shown} is a link-local or cloud metadata address, denied by default; "
                "put the address itself on the allow list if it is the target"
            )
        return None


def parse_rules(entries: Iterable[str]) -> HostRules:
    """Read a list of CIDRs, addresses, host names and globs (``10.0.0.0/8``, ``*.staging.svc``).

    Raises:
        InvalidRequest: an entry is neither.
    """
    networks: list[Network] = []
    globs: list[str] = []
    for entry in entries:
        text = entry.strip().lower().removeprefix("[").removesuffix("]")
        try:
            networks.append(ipaddress.ip_network(text, strict=False))
        except ValueError:
            if "/" in text or ":" in text or not _GLOB.fullmatch(text):
                raise InvalidRequest(
                    f"{entry!r} is neither a network nor a host pattern; "
                    "write e.g. 10.0.0.0/8, 192.0.2.7, ::1, api.example.test or *.staging.svc"
                ) from None
            globs.append(text.rstrip("."))
    return HostRules(tuple(networks), tuple(globs))


def embedded_ipv4(address: Address) -> Address:
    """Return the IPv4 address inside an IPv6 one (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
