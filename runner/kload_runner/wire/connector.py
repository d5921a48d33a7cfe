"""From an endpoint to a connected, shaken `Connection`: policy, DNS, TCP, TLS, each timed and each failure named.

Knows nothing of requests. Shared by all clients; holds no connections, only which address family worked.

    policy (host) -> resolve -> policy (each address) -> TCP, address by address -> TLS

Addresses of one family are used in turn, connection by connection, so that many virtual users spread over
all of them (getaddrinfo's order would send everybody to the first). Families are tried in the system's order
(RFC 6724), the one that worked last time first: a light form of RFC 8305, without racing.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import ssl
import sys
from dataclasses import dataclass

from kload_runner.wire import tls
from kload_runner.wire.connection import Connection
from kload_runner.wire.errors import ErrorClass, WireFault, local_fault
from kload_runner.wire.resolver import Address, Resolver
from kload_runner.wire.response import Peer
from kload_runner.wire.settings import TlsSettings, WireSettings
from kload_runner.wire.timeouts import Deadline, Sweep
from kload_runner.wire.url import Endpoint

ATTEMPT_S = 2.0  # s for one address while others are left; Go gives each at least this much
MOST_REFUSALS = 4096  # pairs of host and address remembered
_IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python names it from 3.13 on
MIN_TIMER_S = 0.001  # loops round to milliseconds; one more, so that no timeout is early


@dataclass(slots=True)
class Phases:
    """Where connecting stands and what it took, in seconds; filled in also when it fails."""

    connecting: float = 0.0
    tls: float = 0.0
    doing: ErrorClass = ErrorClass.DNS  # the class of a connect timeout now


class Connector:
    """Makes connections for all clients of a process."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: WireSettings,
        resolver: Resolver,
        sweep: Sweep,
    ) -> None:
        self._loop = loop
        self._settings = settings
        self._clock = settings.clock
        self._resolver = resolver
        self._sweep = sweep
        self._tls: ssl.SSLContext | None = None
        if settings.tls != TlsSettings():
            self.prepare_tls()  # what cannot be used is refused before any load
        self._turn = itertools.count()
        self._families: dict[str, socket.AddressFamily] = {}
        self._refusals: dict[tuple[str, str], str | None] = {}

    def prepare_tls(self) -> ssl.SSLContext:
        """Return the TLS context; making it reads the system's certificates, 30 ms that no load should see.

        Raises:
            InvalidRequest: TLS settings that cannot be used.
        """
        if self._tls is None:
            self._tls = tls.make_context(self._settings.tls)
        return self._tls

    async def connect(
        self, endpoint: Endpoint, deadline: Deadline, until: float, phases: Phases
    ) -> Connection:
        """Connect.

        Args:
            endpoint: where to.
            deadline: handed to the connection.
            until: instant at which the request's own time is over.
            phases: filled in.

        Raises:
            WireFault: what failed. No socket is left open then, nor when the caller is cancelled.
        """
        left = until - self._clock()
        limit = min(left, self._settings.connect_timeout_s)
        try:
            async with asyncio.timeout(max(0.0, limit) + MIN_TIMER_S):
                return await self._connect(endpoint, deadline, phases)
        except TimeoutError:
            if limit == left:
                what = "the request's time was over before it was connected"
                raise WireFault(ErrorClass.TIMEOUT, f"{what} to {endpoint.origin}") from None
            step = {"dns": "no answer from DNS", "tls": "no TLS handshake"}.get(
                phases.doing, "no connection"
            )
            raise WireFault(
                phases.doing, f"{step} for {endpoint.origin} within {limit:.3g} s"
            ) from None

    async def _connect(self, endpoint: Endpoint, deadline: Deadline, phases: Phases) -> Connection:
        addresses = await self._addresses(endpoint)
        phases.doing = ErrorClass.CONNECT
        began = self._clock()
        try:
            sock, address = await self._open_socket(endpoint, addresses)
        finally:
            phases.connecting = self._clock() - began
        self._families[endpoint.host] = address.family
        connection = Connection(self._loop, self._settings, self._sweep, deadline)
        phases.doing = ErrorClass.TLS
        began = self._clock()
        try:
            transport = await self._open_transport(endpoint, connection, sock)
        except BaseException:
            sock.close()
            connection.abandon()
            raise
        if endpoint.secure:
            phases.tls = self._clock() - began
        else:
            phases.connecting += self._clock() - began
        connection.attach(transport, sock, _peer(address, transport))
        return connection

    async def _addresses(self, endpoint: Endpoint) -> list[Address]:
        """Return the permitted addresses in the order to try them."""
        policy = self._settings.policy
        refusal = policy.refuse_host(endpoint.host)
        if refusal is not None:
            raise WireFault(ErrorClass.POLICY, f"{refusal}; nothing was sent")
        found = await self._resolver.resolve(endpoint.host, endpoint.port)
        permitted: list[Address] = []
        for address in found:
            reason = self._refusal(endpoint.host, address.ip)
            if reason is None:
                permitted.append(address)
            else:
                refusal = reason
        if not permitted:
            raise WireFault(ErrorClass.POLICY, f"{refusal}; nothing was sent")
        if len(permitted) == 1:
            return permitted
        first = self._families.get(endpoint.host, permitted[0].family)
        preferred = [address for address in permitted if address.family == first]
        others = [address for address in permitted if address.family != first]
        turn = next(self._turn) % len(preferred) if preferred else 0
        return preferred[turn:] + preferred[:turn] + others

    def _refusal(self, host: str, ip: str) -> str | None:
        """Ask the policy, once per pair: it is constant, and asking costs 15 µs."""
        key = (host, ip)
        if key not in self._refusals:
            if len(self._refusals) >= MOST_REFUSALS:
                self._refusals.clear()
            self._refusals[key] = self._settings.policy.refuse_address(host, ip)
        return self._refusals[key]

    async def _open_socket(
        self, endpoint: Endpoint, addresses: list[Address]
    ) -> tuple[socket.socket, Address]:
        fault = WireFault(ErrorClass.CONNECT, f"no address of {endpoint.host} answered")
        for left, address in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
            try:
                if not left:
                    return await self._dial(address), address
                async with asyncio.timeout(ATTEMPT_S):
                    return await self._dial(address), address
            except TimeoutError as exc:
                fault = WireFault(
                    ErrorClass.CONNECT, f"{_shown(address)} did not answer: {exc or 'timed out'}"
                )
            except OSError as exc:
                fault = _connect_fault(address, exc)
        raise fault  # the last one: where IPv6 is missing, the IPv4 attempt tells more

    async def _dial(self, address: Address) -> socket.socket:
        sock = socket.socket(address.family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._bind(sock)
            await self._reach(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    async def _reach(self, sock: socket.socket, address: Address) -> None:
        """Connect. Does what `loop.sock_connect` does in half of the time (uvloop: 75 µs with the transport)."""
        if sys.platform == "win32":
            await self._loop.sock_connect(sock, address.sockaddr)
            return
        try:
            sock.connect(address.sockaddr)
        except (BlockingIOError, InterruptedError):
            future = self._loop.create_future()
            self._loop.add_writer(sock, _wake, future)
            try:
                await future
            finally:
                self._loop.remove_writer(sock)
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                raise OSError(error, os.strerror(error)) from None

    def _bind(self, sock: socket.socket) -> None:
        wanted = ":" if sock.family == socket.AF_INET6 else "."
        sources = [source for source in self._settings.local_addresses if wanted in source]
        if sources:
            if sys.platform == "linux":
                # Else the port is chosen without looking at the target, and ports run out sooner.
                sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((sources[next(self._turn) % len(sources)], 0))

    async def _open_transport(
        self, endpoint: Endpoint, connection: Connection, sock: socket.socket
    ) -> asyncio.Transport:
        if not endpoint.secure:
            transport, _ = await self._loop.create_connection(lambda: connection, sock=sock)
            return transport
        name = self._settings.tls.server_name or endpoint.host.partition("%")[0]
        try:
            transport, _ = await self._loop.create_connection(
                lambda: connection, sock=sock, ssl=self.prepare_tls(), server_hostname=name
            )
        except (ssl.SSLError, ssl.CertificateError, OSError) as exc:
            fault = tls.describe(exc, name)
            raise WireFault(fault.error, fault.detail) from None
        return transport


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _peer(address: Address, transport: asyncio.Transport) -> Peer:
    port = address.sockaddr[1]
    shaken = transport.get_extra_info("ssl_object")
    if shaken is None:
        return Peer(address.ip, port)
    return Peer(address.ip, port, shaken.version() or "", (shaken.cipher() or ("",))[0])


def _connect_fault(address: Address, exc: OSError) -> WireFault:
    local = local_fault(exc)
    if local is not None:
        return WireFault(local.error, local.detail)
    if isinstance(exc, ConnectionRefusedError):
        return WireFault(ErrorClass.CONNECT, f"{_shown(address)} refused the connection")
    return WireFault(
        ErrorClass.CONNECT, f"no connection to {_shown(address)}: {exc.strerror or exc}"
    )


def _shown(address: Address) -> str:
    host = f"[{address.ip}]" if ":" in address.ip else address.ip
    return f"{host}:{address.sockaddr[1]}"
