"""One HTTP/1.1 connection: sends one request at a time (never pipelines), lives and ends. The hot path.

`Reading` is its other half, which turns bytes into the `Response`. Neither parses fields, follows redirects,
knows cookies or retries: `Client` decides all that; `Connector` makes connections.

    idle ── send ──> busy ── last byte ──> idle            (reusable: False when it must not be used again)
                      ├──── EOF, reset ──> closed: `reset`, unless the end of the connection ends the body
                      ├──── bad bytes  ──> closed: `protocol` or `too_large`
                      ├──── deadline   ──> closed: `timeout`
                      └──── abandon    ──> closed: nobody is told (the waiter was cancelled)
    idle ── any byte or EOF ──> closed: a response nobody asked for must not meet the next request

Sources: RFC 9112 §9.3 (persistence), RFC 9110 §10.1.1 (Expect).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from typing_extensions import override

from kload_runner.wire import endings, framing
from kload_runner.wire.errors import Fault
from kload_runner.wire.reading import Reading
from kload_runner.wire.response import NO_PEER, Peer, Response
from kload_runner.wire.settings import WireSettings
from kload_runner.wire.timeouts import Deadline, Sweep

HIGH_WATER = 64 * 1024  # bytes of a request still unsent before `sending` counts as going on
CONTINUE_WAIT_S = 1.0  # then the body is sent without a 100; curl's value (RFC 9110 §10.1.1)


class Connection(Reading):
    """See the module. One exchange at a time; the caller keeps to that.

    Attributes:
        peer: whom it speaks to.
        deadline: of the exchange in flight.
    """

    __slots__ = (
        "_continue_timer",
        "_early",
        "_held_body",
        "_loop",
        "_paused",
        "_send",
        "_sock",
        "_sweep",
        "_timeout_s",
        "_transport",
        "_write",
        "deadline",
        "peer",
    )

    _write: Callable[[bytes], None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: WireSettings,
        sweep: Sweep,
        deadline: Deadline,
    ) -> None:
        super().__init__(settings)
        self._loop = loop
        self._timeout_s = settings.timeout_s
        self._sweep = sweep
        self.deadline = deadline
        deadline.owner = self
        self.peer: Peer = NO_PEER
        self._early: bytes | None = b""
        self._send: Callable[[bytes], int] | None = None
        self._sock: socket.socket | None = None
        self._transport: asyncio.Transport | None = None
        self._paused = False
        self._held_body = b""
        self._continue_timer: asyncio.TimerHandle | None = None

    # --- for the client ---

    @property
    def busy(self) -> bool:
        """Whether an exchange is in flight."""
        return self._response is not None

    @property
    def closed(self) -> bool:
        """Whether it is beyond use."""
        return self._transport is None

    def send(
        self,
        response: Response,
        wire: bytes,
        now: float,
        deadline_at: float,
        held_body: bytes = b"",
    ) -> asyncio.Future[None]:
        """Begin an exchange on a connection that is neither busy nor closed.

        Args:
            response: fresh; filled in by the time the future is done.
            wire: everything to send now.
            now: the present instant; `sending` begins.
            deadline_at: instant it must be over.
            held_body: sent after a 100 or `CONTINUE_WAIT_S` (Expect: 100-continue).

        Returns:
            A future that is done when the response is complete or has failed; it never holds an exception.
        """
        deadline = self.deadline
        deadline.at = deadline_at
        if deadline_at < deadline.check_at:
            self._sweep.enter(deadline)
        self._response = response
        self._future = future = self._loop.create_future()
        response.peer = self.peer
        response.written = True
        response.bytes_sent = len(wire)
        self._send_at = now
        if self._send is None:
            self._write(wire)
        else:
            try:
                sent = self._send(wire)
            except OSError:  # full, or broken: the transport finds out in its own way
                sent = 0
            if sent < len(wire):
                self._send = None  # what the transport holds back goes first from now on
                self._write(wire[sent:])
        if held_body or self._paused:
            self._sent_at = 0.0
            if held_body:
                self._hold(held_body)
        else:
            self._sent_at = self._clock()
        return future

    def heed_early(self) -> None:
        """After the first `send`: take what came before it (HTTP/2 servers speak first, so do greeters)."""
        early, self._early = self._early, None
        if early and self._response is not None:
            self.data_received(early)

    def explain_end(self) -> Fault:
        """Return why a connection that ended before its first exchange is of no use."""
        return endings.stillborn(self._early or b"")

    def abandon(self) -> None:
        """Close without telling anybody: the waiter is gone, or nobody needs the connection."""
        self._response = None
        self._close()

    def stop(self) -> None:
        """Close; an exchange in flight fails."""
        self._fail(endings.STOPPED)
        self._close()

    def expire(self) -> None:
        """End the exchange in flight: its time is over."""
        if (response := self._response) is not None:
            own = response.request.timeout_s
            limit = self._timeout_s if own is None else own
            self._fail(endings.expired(limit, response.bytes_received))

    def gone(self) -> bool:
        """Return whether the target has closed it, though the loop has not said so yet.

        One system call; worth it after a pause, when the end of the connection and the timer that ends the
        pause may be waiting in the same round of the loop.
        """
        if self._sock is None:
            return self._transport is None
        try:
            return self._sock.recv(1, socket.MSG_PEEK) == b""
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            return True

    # --- for the connector and the loop ---

    def attach(self, transport: asyncio.Transport, sock: socket.socket, peer: Peer) -> None:
        """Take over a connected (and, with TLS, shaken) transport."""
        if not self.reusable:  # it has ended already, or sent more than a head may hold
            transport.abort()
            return
        self._transport = transport
        self._write = transport.write
        self._sock = sock
        if transport.get_extra_info("ssl_object") is None:
            # Past the transport: uvloop's keeps what is written until everything that is ready has had its turn, so
            # that requests would leave later than they are said to, and costs 4 % more CPU per request.
            self._send = sock.send
        self.peer = peer
        transport.set_write_buffer_limits(high=HIGH_WATER, low=0)

    @override
    def eof_received(self) -> None:
        self._ended(None)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._ended(exc)

    @override
    def pause_writing(self) -> None:
        self._paused = True

    @override
    def resume_writing(self) -> None:
        self._paused = False
        if self._response is not None and not self._held_body:
            self._sent_at = self._clock()

    # --- inside ---

    @override
    def _unasked(self, data: bytes) -> None:
        """Take bytes that came while nothing was asked."""
        if self._early is None or len(self._early) + len(data) > self._limits[0]:
            self._close()  # the next response could be the wrong one
        else:
            self._early += data

    @override
    def _close(self) -> None:
        self.reusable = False
        self._parser = self._keeping = self._counting = None  # they refer back to us
        self._chunks = None
        self._held_body = b""
        if self._continue_timer is not None:
            self._continue_timer.cancel()
            self._continue_timer = None
        self._sock = self._send = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _hold(self, body: bytes) -> None:
        self._held_body = body
        self._continue_timer = self._loop.call_later(CONTINUE_WAIT_S, self._continue)

    @override
    def _continue(self) -> None:
        body, self._held_body = self._held_body, b""
        if self._continue_timer is not None:
            self._continue_timer.cancel()
            self._continue_timer = None
        if self._response is None or not body:
            return
        self._response.bytes_sent += len(body)
        self._write(body)
        if not self._paused:
            self._sent_at = self._clock()

    def _ended(self, exc: Exception | None) -> None:
        """The target closed or reset the connection (or we did)."""
        response = self._response
        if response is None:
            self._close()
            return
        self._now = self._clock()
        parser = self._parser
        if exc is None and response.bytes_received and self._head_done and parser is not None:
            status = parser.get_status_code()
            if framing.ends_with_connection(response.head, response.interim, status):
                response.status = status
                self._complete(response, keep_alive=False)
                self._close()
                return
        self._fail(endings.ended(exc, response.bytes_received))
