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
from collections.abc import Iterable

from kload_runner.wire import redirects
from kload_runner.wire.connection import Connection
from kload_runner.wire.connector import Connector, Phases
from kload_runner.wire.cookies import CookieJar, with_cookies
from kload_runner.wire.errors import ErrorClass, WireFault
from kload_runner.wire.request import NO_CONTENT, WITH_CONTENT, Request, content_length
from kload_runner.wire.resolver import Resolver
from kload_runner.wire.response import Response
from kload_runner.wire.settings import WireSettings
from kload_runner.wire.timeouts import Deadline, Sweep
from kload_runner.wire.url import Endpoint

PAUSE_S = 0.5  # idle for longer: look whether the target has closed the connection (0.6 µs)


# An aborted transport closes its socket in the next turn of the loop, uvloop's in the one after; a loop that ends
# before would leave that to the garbage collector.
CLOSING_TURNS = 3


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

    def prepare(self, endpoints: Iterable[Endpoint]) -> None:
        """Do before the load what would stall it: make the TLS context if any endpoint needs one."""
        if any(endpoint.secure for endpoint in endpoints):
            self.connector.prepare_tls()

    async def close(self) -> None:
        """Stop timers and look-ups; close the clients first. Their sockets are closed when this returns."""
        self.sweep.close()
        await self.resolver.close()
        for _ in range(CLOSING_TURNS):
            await asyncio.sleep(0)


class Client:
    """Connections and cookies of one virtual user; exchanges may run side by side.

    Attributes:
        jar: its cookies.
        cut_off_at: when the exchange began that was cancelled last; None: none was.
    """

    __slots__ = (
        "_clock",
        "_connections",
        "_connector",
        "_cookies",
        "_deadlines",
        "_idle",
        "_max_connections",
        "_max_decoded_bytes",
        "_max_idle",
        "_max_redirects",
        "_timeout_s",
        "cut_off_at",
        "jar",
    )

    def __init__(self, wire: Wire) -> None:
        settings = wire.settings
        self._max_idle = settings.max_idle_per_origin
        self._max_connections = settings.max_connections
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
        self.cut_off_at: float | None = None

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
        idle = self._idle.get(request.endpoint.origin)
        if not idle or not idle[-1].reusable or request.expect_continue:
            return await self._slowly(request, body, started_at, until)
        # The fast path: `_once` written out, because every call and every coroutine between costs 0.1 µs.
        connection = idle.pop()
        if started_at - connection.idle_since > PAUSE_S and connection.gone():
            self._discard(connection)
            return await self._slowly(request, body, started_at, until)
        response = Response(request, started_at, self._max_decoded_bytes)
        response.connection_reused = True
        head = request.head
        if self.jar.by_domain:
            head = self._with_cookies(request)
        if body is not None:
            wire = head + content_length(len(body)) + body
        else:
            wire = head + (NO_CONTENT if request.method in WITH_CONTENT else b"\r\n")
        try:
            await connection.send(response, wire, started_at, until)
        except asyncio.CancelledError:
            self.cut_off_at = started_at
            self._discard(connection)
            raise
        if connection.reusable:
            idle.append(connection)
        else:
            self._discard(connection)
        if response.settled:
            return response
        return await self._settle(response, body, until)

    async def _slowly(
        self, request: Request, body: bytes | None, started_at: float, until: float
    ) -> Response:
        """Exchange, and note when it began if it is cut off."""
        try:
            response = await self._once(request, body, started_at, until)
            return await self._settle(response, body, until)
        except asyncio.CancelledError:
            self.cut_off_at = started_at
            raise

    def close(self) -> None:
        """Close every connection; an exchange in flight ends as `reset`."""
        for connection in self._connections:
            connection.stop()
        self._connections.clear()
        self._idle.clear()

    async def _once(
        self, request: Request, body: bytes | None, started_at: float, until: float
    ) -> Response:
        """Exchange on an idle connection, else on a new one."""
        response = Response(request, started_at, self._max_decoded_bytes)
        connection = self._pick(request.endpoint.origin, started_at)
        if connection is None:
            await self._freshly(response, body, until)
        else:
            response.connection_reused = True
            await self._on(connection, response, body, until)
        return response

    async def _freshly(self, response: Response, body: bytes | None, until: float) -> None:
        """Exchange on a new connection."""
        phases = Phases()
        deadline = self._deadlines.pop() if self._deadlines else Deadline()
        connection: Connection | None = None
        try:
            connection = await self._connector.connect(
                response.request.endpoint, deadline, until, phases
            )
        except WireFault as exc:
            response.error, response.error_detail = exc.fault.error, exc.fault.detail
        finally:
            if connection is None:
                deadline.owner = None
                self._deadlines.append(deadline)
        response.connecting, response.tls = phases.connecting, phases.tls
        spent = self._clock() - response.started_at
        response.blocked = max(0.0, spent - phases.connecting - phases.tls)
        if connection is not None:
            self._connections.append(connection)
            if len(self._connections) > self._max_connections:
                self._drop_oldest()
            await self._on(connection, response, body, until)

    async def _on(
        self, connection: Connection, response: Response, body: bytes | None, until: float
    ) -> None:
        """Exchange on this connection, and keep it or not."""
        request = response.request
        if connection.closed:
            fault = connection.explain_end()
            response.error, response.error_detail = fault.error, fault.detail
            self._discard(connection)
            return
        head = self._with_cookies(request)
        held = b""
        if body is None:
            wire = head + (NO_CONTENT if request.method in WITH_CONTENT else b"\r\n")
        else:
            wire = head + content_length(len(body))
            if request.expect_continue:
                held = body
            else:
                wire += body
        future = connection.send(response, wire, self._clock(), until, held)
        connection.heed_early()
        try:
            await future
        except asyncio.CancelledError:
            self._discard(connection)
            raise
        idle = self._idle.setdefault(request.endpoint.origin, [])
        if connection.reusable and len(idle) < self._max_idle:
            idle.append(connection)
        else:
            self._discard(connection)

    async def _settle(self, response: Response, body: bytes | None, until: float) -> Response:
        """Do what a response asks for: the one retry, cookies, redirects."""
        limit = response.request.max_redirects
        limit = self._max_redirects if limit is None else limit
        hops: list[Response] = []
        while not response.settled:
            if is_stale(response):
                again = Response(response.request, response.started_at, self._max_decoded_bytes)
                again.retries = 1
                await self._freshly(again, body, until)
                response = again
            if self._cookies:
                self._take_cookies(response)
            request = redirects.next_request(response) if len(hops) < limit else None
            if request is None:
                break
            hops.append(response)
            if not redirects.keeps_body(response):
                body = None
            response = await self._once(request, body, self._clock(), until)
        response.redirects = tuple(hops)
        return response

    def _pick(self, origin: str, now: float) -> Connection | None:
        """Take a connection that is good for another exchange."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.reusable and (
                now - connection.idle_since < PAUSE_S or not connection.gone()
            ):
                return connection
            self._discard(connection)
        return None

    def _drop_oldest(self) -> None:
        """Close the connection that is idle for longest; a user who meets many origins keeps few."""
        idle = [
            (connection.idle_since, stack, connection)
            for stack in self._idle.values()
            for connection in stack
        ]
        if idle:
            _, stack, connection = min(idle, key=lambda entry: entry[0])
            stack.remove(connection)
            self._discard(connection)

    def _discard(self, connection: Connection) -> None:
        connection.abandon()
        if connection in self._connections:
            self._connections.remove(connection)
            connection.deadline.owner = None
            self._deadlines.append(connection.deadline)

    def _with_cookies(self, request: Request) -> bytes:
        jar = self.jar
        if not jar.by_domain:
            return request.head
        return with_cookies(request.head, jar.header(request.endpoint, request.target, time.time()))

    def _take_cookies(self, response: Response) -> None:
        """Put the cookies of a response into the jar."""
        request = response.request
        now_unix = time.time()
        for value in response.headers.get_all("set-cookie"):
            self.jar.store(request.endpoint, request.target, value, now_unix)


def is_stale(response: Response) -> bool:
    """Return whether a request is sent again: lost on a kept-alive connection, and safe to repeat."""
    return (
        response.error is ErrorClass.RESET
        and response.connection_reused
        and not response.bytes_received
        and response.request.replayable
    )
