"""What all virtual users of one target share: limits, TLS, allow and deny lists. Facts only.

Read once, frozen, passed down; nothing here opens anything. Times are seconds, sizes bytes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kload_runner.wire.policy import Policy

USER_AGENT = "kload/0.1"
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """How TLS is spoken; PEM texts, not paths, because in a cluster they come from Secrets.

    Attributes:
        ca_pem: certificates to trust *instead of* the system's; None trusts the system's.
        cert_pem, key_pem: client certificate (with its chain) and key; both or none.
        key_password: of an encrypted key.
        server_name: for SNI and verification instead of the URL's host.
        insecure_skip_verify: accept any certificate.
    """

    ca_pem: str | None = None
    cert_pem: str | None = field(default=None, repr=False)
    key_pem: str | None = field(default=None, repr=False)
    key_password: str | None = field(default=None, repr=False)
    server_name: str | None = None
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class WireSettings:
    """One per target and run.

    Attributes:
        connect_timeout_s: for DNS + TCP + TLS of one connection; the request's own timeout bounds it too.
        timeout_s: default for a whole request: connecting, redirects and body included.
        max_redirects: default; 0 returns the first 3xx.
        max_body_bytes: of one response as sent; more is `too_large`.
        max_decoded_bytes: of one response after decompression; more makes the body unreadable.
        max_header_bytes: status line and headers of one response; more is `too_large`.
        cookies: whether clients keep cookies.
        dns_ttl_s: how long an answer of the resolver is used (getaddrinfo does not tell its TTL).
        local_addresses: source addresses, used in turn; empty leaves it to the kernel.
        max_idle_per_origin: connections a virtual user keeps when it had several at once (k6: 6).
        max_connections: a virtual user keeps in all; beyond, the one idle for longest goes (k6: 20).
        clock: monotonic seconds with sub-microsecond steps, the same epoch as the loop's.
    """

    connect_timeout_s: float = 10.0
    timeout_s: float = 30.0
    max_redirects: int = 10
    max_body_bytes: int = 64 * MIB
    max_decoded_bytes: int = 64 * MIB
    max_header_bytes: int = 256 * 1024  # Go's client stops at 10 MiB, httpx at 100 KiB
    tls: TlsSettings = field(default_factory=TlsSettings)
    policy: Policy = field(default_factory=Policy)
    user_agent: str = USER_AGENT
    cookies: bool = True
    dns_ttl_s: float = 30.0
    local_addresses: tuple[str, ...] = ()
    max_idle_per_origin: int = 6
    max_connections: int = 20
    clock: Callable[[], float] = time.monotonic
