"""One HTTP/1.1 connection: the protocol object under every exchange. The hot path of kload.

Sends one request at a time (never pipelines), feeds what comes to llhttp, fills in the `Response` and wakes
the one waiter. It keeps the head as bytes; it must not parse fields, follow redirects, know cookies or retry.
`Client` decides all that; `Connector` makes connections.

    idle ── send ──> busy ── last byte ──> idle            (reusable: False when it must not be used again)
                      ├──── EOF, reset ──> closed: `reset`, unless the end of the connection ends the body
                      ├──── bad bytes  ──> closed: `protocol` or `too_large`
                      ├──── deadline   ──> closed: `timeout`
                      └──── abandon    ──> closed: nobody is told (the waiter was cancelled)
    idle ── any byte or EOF ──> closed: a response nobody asked for must not meet the next request

Sources: RFC 9112 §6.3 (length of a body), §9.3 (persistence), RFC 9110 §15.2 (1xx), §9.3.2 (HEAD).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from typing_extensions import override

from kload_runner.wire import endings, framing
from kload_runner.wire.errors import ErrorClass, Fault
from kload_runner.wire.response import NO_PEER, Peer, Response
from kload_runner.wire.settings import WireSettings
from kload_runner.wire.timeouts import Deadline, Sweep

HIGH_WATER = 64 * 1024  # bytes of a request still unsent before `sending` counts as going on
CONTINUE_WAIT_S = (
    1.0  # then the body is sent without a 100 (RFC 9110 §10.1.1 asks for a bound; curl: 1 s)
)


class _Counting:
    """Parser callbacks for bodies nobody reads: without `on_body` llhttp copies nothing."""

    def __init__(self, connection: Connection) -> None:
        self.on_message_begin = connection.on_message_begin
        self.on_message_complete = connection.on_message_complete


class Connection(asyncio.Protocol):
    """See the module. One exchange at a time; the caller keeps to that.

    Attributes:
        peer: whom it speaks to.
        reusable: whether another exchange may follow once the present one is over.
        idle_since: end of the latest exchange, by the settings' clock.
        deadline: of the exchange in flight.
    """

    __slots__ = (
        "_chunks",
        "_clock",
        "_continue_timer",
        "_counting",
        "_early",
        "_first_at",
        "_future",
        "_head_done",
        "_held_body",
        "_keeping",
        "_limits",
        "_loop",
        "_now",
        "_parser",
        "_paused",
        "_response",
        "_send_at",
        "_sent_at",
        "_sock",
        "_sweep",
        "_timeout_s",
        "_transport",
        "_watch_bytes",
        "_write",
        "deadline",
        "idle_since",
        "peer",
        "reusable",
    )

    _write: Callable[[bytes], None]

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        settings: WireSettings,
        sweep: Sweep,
        deadline: Deadline,
    ) -> None:
        self._loop = loop
        self._clock: Callable[[], float] = settings.clock
        self._timeout_s = settings.timeout_s
        self._limits = (settings.max_header_bytes, settings.max_body_bytes)
        # The limits are looked at only beyond the smaller one: one comparison per segment until then.
        self._watch_bytes = min(self._limits)
        self._sweep = sweep
        self.deadline = deadline
        deadline.owner = self
        self.peer: Peer = NO_PEER
        self.reusable = True
        self.idle_since = 0.0
        self._early: bytes | None = b""
        self._sock: socket.socket | None = None
        self._transport: asyncio.Transport | None = None
        self._keeping: HttpResponseParser | None = None
        self._counting: HttpResponseParser | None = None
        self._parser: HttpResponseParser | None = None
        self._paused = False
        self._response: Response | None = None
        self._future: asyncio.Future[None] | None = None
        self._chunks: list[bytes] | None = None
        self._head_done = False
        self._held_body = b""
        self._continue_timer: asyncio.TimerHandle | None = None
        self._first_at = self._send_at = self._sent_at = self._now = 0.0

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
        if response.request.keep_body:
            self._parser = self._keeping or self._new_keeping()
        else:
            self._parser = self._counting or self._new_counting()
        self._response = response
        self._future = future = self._loop.create_future()
        response.peer = self.peer
        response.written = True
        response.bytes_sent = len(wire)
        self._send_at = now
        self._write(wire)
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
            return self._sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
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
        self.peer = peer
        transport.set_write_buffer_limits(high=HIGH_WATER, low=0)

    @override
    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            self._unasked(data)
            return
        self._now = now = self._clock()
        if response.bytes_received:
            response.bytes_received += len(data)
            if not self._head_done:
                response.head += data
        else:
            response.bytes_received = len(data)
            response.head = data
            self._first_at = now
            self._head_done = False
        if response.bytes_received > self._watch_bytes and self._oversized(response):
            return
        try:
            self._parser.feed_data(data)  # type: ignore[union-attr]  # set by `send`
        except (HttpParserError, HttpParserUpgrade) as exc:
            self._unparsable(response, exc)
            return
        if self._response is not None:
            self._incomplete(response)
        elif not self.reusable:
            self._close()

    def on_message_begin(self) -> None:
        """Note a message that begins (llhttp): a second one is not ours, whatever it says."""
        if self._response is None:
            self.reusable = False

    def on_body(self, chunk: bytes) -> None:
        """Keep a piece of the body (llhttp)."""
        response = self._response
        if response is None:
            return
        if self._chunks is not None:
            self._chunks.append(chunk)
        elif response.raw:
            self._chunks = [response.raw, chunk]
        else:
            response.raw = chunk

    def on_message_complete(self) -> None:
        """End the exchange (llhttp), unless the message was a 1xx."""
        response = self._response
        parser = self._parser
        if response is None or parser is None:
            return
        status = parser.get_status_code()
        if status < 200:
            self._interim(response, status)
            return
        response.status = status
        self._complete(response, parser.should_keep_alive())

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

    def _unasked(self, data: bytes) -> None:
        """Take bytes that came while nothing was asked."""
        if self._early is None or len(self._early) + len(data) > self._limits[0]:
            self._close()  # the next response could be the wrong one
        else:
            self._early += data

    def _new_keeping(self) -> HttpResponseParser:
        self._keeping = _lenient(HttpResponseParser(self))
        return self._keeping

    def _new_counting(self) -> HttpResponseParser:
        self._counting = _lenient(HttpResponseParser(_Counting(self)))
        return self._counting

    def _complete(self, response: Response, keep_alive: bool) -> None:
        now = self._now
        self._response = None
        first_at = self._first_at
        sent_at = self._sent_at
        if not keep_alive or not sent_at:
            self.reusable = False  # not sent to its end: what follows would be taken for the body
        if not sent_at or sent_at > first_at:
            sent_at = first_at  # answered before it was sent
        if self._chunks is not None:
            response.raw = b"".join(self._chunks)
            self._chunks = None
        response.sending = sent_at - self._send_at
        response.waiting = first_at - sent_at
        response.receiving = now - first_at
        response.duration = now - self._send_at
        self.idle_since = now
        try:  # noqa: SIM105  (suppress() costs 0.3 µs)
            self._future.set_result(None)  # type: ignore[union-attr]  # set by `send`
        except asyncio.InvalidStateError:
            pass  # cancelled a moment ago; its task will abandon the connection

    def _fail(self, fault: Fault) -> None:
        response = self._response
        if response is None:
            return
        self._response = None
        now = self._clock()
        first_at = self._first_at if response.bytes_received else now
        sent_at = min(self._sent_at or now, first_at)
        response.sending = sent_at - self._send_at
        response.waiting = first_at - sent_at
        response.receiving = now - first_at
        response.duration = now - self._send_at
        response.status = 0
        response.raw = b""
        response.error, response.error_detail = fault.error, fault.detail
        self._close()
        if self._future is not None and not self._future.done():
            self._future.set_result(None)

    def _close(self) -> None:
        self.reusable = False
        self._parser = self._keeping = self._counting = None  # they refer back to us
        self._chunks = None
        self._held_body = b""
        if self._continue_timer is not None:
            self._continue_timer.cancel()
            self._continue_timer = None
        self._sock = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()

    def _incomplete(self, response: Response) -> None:
        """Look at a response that goes on: is its head complete, and does a body follow at all?"""
        if self._head_done:
            return
        end = framing.head_end(response.head, response.interim)
        if end < 0:
            return
        self._head_done = True
        parser = self._parser
        if response.request.method == "HEAD" and parser is not None:
            # llhttp cannot be told that no body follows, so its state is of no use any more.
            self._keeping = self._counting = None
            response.status = parser.get_status_code()
            response.raw = b""
            version = parser.get_http_version()
            alive = framing.keeps_alive(response.head, response.interim, version)
            self._complete(response, alive and len(response.head) == end)
            if not self.reusable:
                self._close()

    def _oversized(self, response: Response) -> bool:
        """End a response whose head or body is beyond the limits."""
        end = framing.head_end(response.head, response.interim)
        detail = endings.describe_excess(
            end, len(response.head), response.bytes_received, self._limits
        )
        if detail:
            self._fail(Fault(ErrorClass.TOO_LARGE, detail))
        return bool(detail)

    def _interim(self, response: Response, status: int) -> None:
        response.interim += 1
        if status == 101:
            self._fail(endings.SWITCHED)
        elif status == 100 and self._held_body:
            self._release()

    def _hold(self, body: bytes) -> None:
        self._held_body = body
        self._continue_timer = self._loop.call_later(CONTINUE_WAIT_S, self._release)

    def _release(self) -> None:
        """Send the body that waited for a 100."""
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

    def _unparsable(self, response: Response, exc: Exception) -> None:
        if self._response is None:
            self._close()  # the response is complete and good; what follows it is not ours
        else:
            self._fail(endings.malformed(response.head, response.interim, str(exc)))

    def _ended(self, exc: Exception | None) -> None:
        """The target closed or reset the connection (or we did)."""
        response = self._response
        if response is None:
            self._close()
            return
        self._now = self._clock()
        parser = self._parser
        if exc is None and self._head_done and parser is not None:
            status = parser.get_status_code()
            if framing.ends_with_connection(response.head, response.interim, status):
                response.status = status
                self._complete(response, keep_alive=False)
                self._close()
                return
        self._fail(endings.ended(exc, response.bytes_received))


def _lenient(parser: HttpResponseParser) -> HttpResponseParser:
    """Accept what other clients accept: lines that end in LF alone, blanks behind a chunk's size."""
    parser.set_dangerous_leniencies(
        lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser
