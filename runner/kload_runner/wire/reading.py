"""The receiving half of a connection: bytes to llhttp, what llhttp finds to the `Response`. The hot path.

Keeps the head as bytes and the body as it came; parses no fields, knows no sockets, decides nothing about
reuse beyond what the message says. `Connection` is the other half: it sends, and it lives and ends.

    send ──> head ──> body ──> last byte: the waiter wakes      bytes that are no HTTP: `protocol`
              └─ 1xx ─┘ (again)                                 beyond the limits: `too_large`

llhttp frames the message, except where it cannot know: answers to HEAD, bodies that end with the connection,
limits. Those are looked at only when a response needs more than one segment.

Sources: RFC 9112 §6.3 (length of a body), RFC 9110 §15.2 (1xx), §9.3.2 (HEAD).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from typing_extensions import override

from kload_runner.wire import endings, framing
from kload_runner.wire.errors import ErrorClass, Fault
from kload_runner.wire.response import Response
from kload_runner.wire.settings import WireSettings


class _Counting:
    """Parser callbacks for bodies nobody reads: without `on_body` llhttp copies nothing."""

    def __init__(self, reading: Reading) -> None:
        self.on_message_begin = reading.on_message_begin
        self.on_message_complete = reading.on_message_complete


class Reading(asyncio.Protocol, ABC):
    """Reads the response to the request in flight.

    Attributes:
        reusable: whether another exchange may follow once the present one is over.
        idle_since: end of the latest exchange, by the settings' clock.
    """

    __slots__ = (
        "_chunks",
        "_clock",
        "_counting",
        "_first_at",
        "_future",
        "_head_done",
        "_keeping",
        "_limits",
        "_now",
        "_parser",
        "_response",
        "_send_at",
        "_sent_at",
        "_watch_bytes",
        "idle_since",
        "reusable",
    )

    def __init__(self, settings: WireSettings) -> None:
        self._clock: Callable[[], float] = settings.clock
        self._limits = (settings.max_header_bytes, settings.max_body_bytes)
        # The limits are looked at only beyond the smaller one: one comparison per segment until then.
        self._watch_bytes = min(self._limits)
        self.reusable = True
        self.idle_since = 0.0
        self._keeping: HttpResponseParser | None = None
        self._counting: HttpResponseParser | None = None
        self._parser: HttpResponseParser | None = None
        self._response: Response | None = None
        self._future: asyncio.Future[None] | None = None
        self._chunks: list[bytes] | None = None
        self._head_done = False
        self._first_at = self._send_at = self._sent_at = self._now = 0.0

    @override
    def data_received(self, data: bytes) -> None:
        response = self._response
        if response is None:
            self._unasked(data)
            return
        self._now = now = self._clock()
        received = response.bytes_received
        if not received:
            self._first_at = now
            response.head = data
            response.bytes_received = received = len(data)
            note = response.request.note
            if received == note.total and data.startswith(note.head):
                response.settled = True
                response.status = note.status
                if response.request.keep_body:
                    response.raw = data[len(note.head) :]
                self._complete(response, keep_alive=True)
                if not self.reusable:
                    self._close()
                return
            self._begin(response)
        else:
            response.bytes_received = received = received + len(data)
            if not self._head_done:
                response.head += data
        if received > self._watch_bytes and self._oversized(response):
            return
        try:
            self._parser.feed_data(data)  # type: ignore[union-attr]  # set with the first bytes
        except (HttpParserError, HttpParserUpgrade) as exc:
            self._unparsable(response, exc)
            return
        if self._response is not None:
            self._incomplete(response)
        else:
            self._parsed(response)

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

    # --- what the other half does ---

    @abstractmethod
    def _unasked(self, data: bytes) -> None:
        """Take bytes that came while nothing was asked."""

    @abstractmethod
    def _continue(self) -> None:
        """Send the body that waits for a 100, if one does."""

    @abstractmethod
    def _close(self) -> None:
        """End the connection."""

    # --- for the other half ---

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

    # --- inside ---

    def _begin(self, response: Response) -> None:
        """Choose the parser for a response that needs one."""
        self._head_done = False
        if response.request.keep_body:
            self._parser = self._keeping or self._new_keeping()
        else:
            self._parser = self._counting or self._new_counting()

    def _new_keeping(self) -> HttpResponseParser:
        self._keeping = _lenient(HttpResponseParser(self))
        return self._keeping

    def _new_counting(self) -> HttpResponseParser:
        self._counting = _lenient(HttpResponseParser(_Counting(self)))
        return self._counting

    def _parsed(self, response: Response) -> None:
        """Look at a response that is over, by its end or by a fault."""
        response.settled = response.ok and response.request.note.take(response, self.reusable)
        if not self.reusable:
            self._close()

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
        # A body behind an answer to HEAD is none of ours, whatever its size.
        received = end if response.request.method == "HEAD" else response.bytes_received
        detail = endings.describe_excess(end, len(response.head), received, self._limits)
        if detail:
            self._fail(Fault(ErrorClass.TOO_LARGE, detail))
        return bool(detail)

    def _interim(self, response: Response, status: int) -> None:
        response.interim += 1
        if status == 101:
            self._fail(endings.SWITCHED)
        elif status == 100:
            self._continue()

    def _unparsable(self, response: Response, exc: Exception) -> None:
        if self._response is None:
            self._close()  # the response is complete and good; what follows it is not ours
        else:
            self._fail(endings.malformed(response.head, response.interim, str(exc)))


def _lenient(parser: HttpResponseParser) -> HttpResponseParser:
    """Accept what other clients accept: lines that end in LF alone, blanks behind a chunk's size."""
    parser.set_dangerous_leniencies(
        lenient_optional_cr_before_lf=True, lenient_spaces_after_chunk_size=True
    )
    return parser
