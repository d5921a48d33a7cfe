"""One virtual user on the wire: its connections, its cookies, its redirects and its one retry.

`Wire` holds what all users share and makes clients. Nothing here parses bytes (`Connection`) or opens sockets
(`Connector`).

    exchange   idle connection of the origin? ── no ──> connect ──┐
                     └── yes ───────────────────────────────────> send, await ──> Set-Cookie? ──> 3xx? ──┐
                                     ^                                                                   │
                                     └────────────────────── next hop, same deadline <───────────────────┘

**The retry.** A kept-alive connection may be closed by the target while the request is on its way. When such a
connection ends before the first byte of a response, the request is sent once more on a fresh connection if it
is replayable: GET, HEAD, OPTIONS, TRACE, or any with an Idempotency-Key field; the rules of Go's net/http. A
POST is not: the target may have acted on it; it ends as `reset`. Before sending after a pause the socket is
asked whether the target has closed it already; then nothing was sent and a fresh connection is taken for every
method. `Response.retries` counts; the time lost is in `blocked`.
"""

from __future__ import annotations

import asyncio
import time

from kload_runner.wire import redirects
from kload_runner.wire.connection import Connection
from kload_runner.wire.connector import Connector, Phases
from kload_runner.wire.cookies import CookieJar, sets_cookies, with_cookies
from kload_runner.wire.errors import ErrorClass, InvalidUrl, WireFault
from kload_runner.wire.request import Request, head_ending
from kload_runner.wire.resolver import Resolver
from kload_runner.wire.response import Response
from kload_runner.wire.settings import WireSettings
from kload_runner.wire.timeouts import Deadline, Sweep

PAUSE_S = 0.5  # idle for longer: look whether the target has closed the connection (0.6 µs)


class Wire:
    """What all virtual users of one target share in one process: resolver, TLS context, deadlines.

    Make it inside the loop it is for.

    Raises:
        InvalidRequest: TLS settings that cannot be used.
    """

    def __init__(
        self,
        settings: WireSettings | None = None,
        resolver: Resolver | None = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.settings = settings or WireSettings()
        self.loop = loop or asyncio.get_running_loop()
        clock = self.settings.clock
        self.resolver = resolver or Resolver(self.loop, clock, self.settings.dns_ttl_s)
        self.sweep = Sweep(self.loop, clock)
        self.connector = Connector(self.loop, self.settings, self.resolver, self.sweep)

    def client(self) -> Client:
        """Make the client of one virtual user."""
        return Client(self)

    async def close(self) -> None:
        """Stop timers and look-ups; close the clients first."""
        self.sweep.close()
        await self.resolver.close()


class Client:
    """Connections and cookies of one virtual user; exchanges may run side by side.

    Attributes:
        jar: its cookies.
    """

    __slots__ = (
        "_clock",
        "_connections",
        "_connector",
        "_cookies",
        "_deadlines",
        "_idle",
        "_max_decoded_bytes",
        "_max_idle",
        "_max_redirects",
        "_timeout_s",
        "jar",
    )

    def __init__(self, wire: Wire) -> None:
        settings = wire.settings
        self._max_idle = settings.max_idle_per_origin
        self._max_redirects = settings.max_redirects
        self._cookies = settings.cookies
        self._connector = wire.connector
        self._clock = settings.clock
        self._timeout_s = settings.timeout_s
        self._max_decoded_bytes = settings.max_decoded_bytes
        self._idle: dict[str, list[Connection]] = {}
        self._connections: list[Connection] = []
        self._deadlines: list[Deadline] = []
        self.jar = CookieJar()

    async def exchange(self, request: Request, body: bytes | None = None) -> Response:
        """Send a request, follow its redirects, return what came of it.

        Args:
            request: shared or not; it is not changed.
            body: content of this one exchange; None takes the request's own.

        Returns:
            The last response. Faults of the target and the network are in it; only cancellation raises, and
            then the connection is closed.
        """
        started_at = self._clock()
        timeout_s = request.timeout_s
        until = started_at + (self._timeout_s if timeout_s is None else timeout_s)
        if body is None:
            body = request.body
        response = await self._once(request, body, started_at, until)
        if 300 <= response.status < 400:
            return await self._follow(response, body, until)
        return response

    def close(self) -> None:
        """Close every connection; an exchange in flight ends as `reset`."""
        for connection in self._connections:
            connection.stop()
        self._connections.clear()
        self._idle.clear()

    async def _once(
        self, request: Request, body: bytes | None, started_at: float, until: float
    ) -> Response:
        """Exchange without redirects; with the one retry."""
        response = Response(request, started_at, self._max_decoded_bytes)
        idle = self._idle.get(request.endpoint.origin)
        connection = self._pick(idle, started_at) if idle else None
        if connection is None:
            return await self._freshly(response, body, until)
        response.connection_reused = True
        await self._on(connection, response, body, until)
        if (
            response.error is ErrorClass.RESET
            and not response.bytes_received
            and request.replayable
        ):
            response = Response(request, started_at, self._max_decoded_bytes)
            response.retries = 1
            return await self._freshly(response, body, until)
        return response

    async def _freshly(self, response: Response, body: bytes | None, until: float) -> Response:
        """Exchange on a new connection."""
        phases = Phases()
        deadline = self._deadlines.pop() if self._deadlines else Deadline()
        try:
            connection = await self._connector.connect(
                response.request.endpoint, deadline, until, phases
            )
        except BaseException as exc:
            self._deadlines.append(deadline)
            if not isinstance(exc, WireFault):
                raise
            response.error, response.error_detail = exc.fault.error, exc.fault.detail
        else:
            self._connections.append(connection)
        response.connecting, response.tls = phases.connecting, phases.tls
        spent = self._clock() - response.started_at
        response.blocked = max(0.0, spent - phases.connecting - phases.tls)
        if response.error is None:
            await self._on(connection, response, body, until)
        return response

    async def _on(
        self, connection: Connection, response: Response, body: bytes | None, until: float
    ) -> None:
        """Exchange on this connection, and keep it or not."""
        request = response.request
        head = request.head
        jar = self.jar
        if jar.by_domain:
            head = with_cookies(head, jar.header(request.endpoint, request.target, time.time()))
        held = b""
        if body is None:
            wire = head + head_ending(request.method, None)
        elif request.expect_continue:
            wire, held = head + head_ending(request.method, body), body
        else:
            wire = b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)
        try:
            await connection.send(response, wire, until, held)
        except asyncio.CancelledError:
            self._discard(connection)
            raise
        if connection.reusable:
            self._keep(connection, request.endpoint.origin)
        else:
            self._discard(connection)
        if self._cookies and sets_cookies(response.head):
            self._store(response)

    def _pick(self, idle: list[Connection], now: float) -> Connection | None:
        """Take a connection that is good for another exchange."""
        while idle:
            connection = idle.pop()
            if connection.reusable and (
                now - connection.idle_since < PAUSE_S or not connection.gone()
            ):
                return connection
            self._discard(connection)
        return None

    def _keep(self, connection: Connection, origin: str) -> None:
        idle = self._idle.get(origin)
        if idle is None:
            idle = self._idle[origin] = []
        if len(idle) < self._max_idle:
            idle.append(connection)
        else:
            self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        connection.abandon()
        if connection in self._connections:
            self._connections.remove(connection)
            connection.deadline.owner = None
            self._deadlines.append(connection.deadline)

    async def _follow(self, response: Response, body: bytes | None, until: float) -> Response:
        """Follow redirects from this response on."""
        limit = response.request.max_redirects
        limit = self._max_redirects if limit is None else limit
        hops: list[Response] = []
        while len(hops) < limit:
            try:
                request = redirects.next_request(response)
            except InvalidUrl as exc:
                response.status, response.error = 0, ErrorClass.PROTOCOL
                response.error_detail = redirects.refused(response, exc)
                break
            if request is None:
                break
            hops.append(response)
            if not redirects.keeps_body(response):
                body = None
            response = await self._once(request, body, self._clock(), until)
        response.redirects = tuple(hops)
        return response

    def _store(self, response: Response) -> None:
        """Put the cookies of a response into the jar."""
        request = response.request
        now_unix = time.time()
        for value in response.headers.get_all("set-cookie"):
            self.jar.store(request.endpoint, request.target, value, now_unix)
