"""What can go wrong with an exchange, as data: a class that metrics count and a sentence that people read.

Knows nothing of sockets or HTTP. The connection, the connector and the client make `Fault`s here, the
response carries them. An exchange never raises for a fault of the target or of the network; the two
exceptions below are for the caller's own mistakes and for bodies that cannot be read as asked.

    Exception
    ├── ValueError
    │   ├── InvalidUrl       a URL that cannot be requested, with the reason
    │   ├── InvalidRequest   a method, header or setting that cannot be sent
    │   └── UnreadableBody   the body is not what the reader asked for (JSON, gzip, text)
    └── WireFault            inside this package only: carries a Fault up to the client
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from enum import StrEnum


class ErrorClass(StrEnum):
    """Why an exchange has no usable response. A closed set: it labels metrics."""

    DNS = "dns"  # the host has no address
    CONNECT = "connect"  # no TCP connection: refused, unreachable, connect timeout
    TLS = "tls"  # handshake or certificate
    TIMEOUT = "timeout"  # the request's own time is over
    RESET = "reset"  # the connection ended before the response did
    PROTOCOL = "protocol"  # what came is not HTTP/1.x
    TOO_LARGE = "too_large"  # headers or body beyond our limits
    POLICY = "policy"  # the allow and deny lists forbid this host or address
    LOCAL = "local"  # our own exhaustion: ports, files, buffers. Not the target's fault


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure: its class for counting, its sentence for people (never with secrets)."""

    error: ErrorClass
    detail: str


class InvalidUrl(ValueError):
    """The text is no URL that kload can request; the message says why and what would be right."""


class InvalidRequest(ValueError):
    """A method, header or setting that cannot be put on the wire."""


class UnreadableBody(ValueError):
    """The body cannot be decoded as asked; the message says how it begins."""


class WireFault(Exception):
    """Carries a `Fault` from the connector to the client; never leaves this package."""

    def __init__(self, error: ErrorClass, detail: str) -> None:
        super().__init__(detail)
        self.fault = Fault(error, detail)


# errno values that mean this machine is exhausted, not the target: (what ran out, what helps).
LOCAL_ERRNOS = {
    errno.EADDRNOTAVAIL: (
        "no free local port (or source address) for this target; reuse connections, "
        "widen net.ipv4.ip_local_port_range or add runners"
    ),
    errno.EADDRINUSE: "the local source address has no free port; widen net.ipv4.ip_local_port_range",
    errno.EMFILE: "this process has no free file descriptor; raise `ulimit -n`",
    errno.ENFILE: "this machine has no free file descriptor; raise fs.file-max",
    errno.ENOBUFS: "the kernel has no buffer space for another socket",
    errno.ENOMEM: "the kernel has no memory for another socket",
}


def local_fault(exc: OSError) -> Fault | None:
    """Return a `local` fault if `exc` says that this machine ran out of something, else None."""
    hint = LOCAL_ERRNOS.get(exc.errno or 0)
    return None if hint is None else Fault(ErrorClass.LOCAL, hint)
