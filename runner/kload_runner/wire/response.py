"""What came of one request: status or error, phases, and a body that is decoded only when somebody reads it.

The connection fills it in while bytes arrive; afterwards it is read-only. Either `error` is None and
`status` is that of a complete response, or `error` is set and `status` is 0. There is no third case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
from typing_extensions import override

from kload_runner.wire import decoding
from kload_runner.wire.errors import ErrorClass, Fault, UnreadableBody
from kload_runner.wire.headers import Headers, parse_head, reason_phrase
from kload_runner.wire.request import Request
from kload_runner.wire.url import url_of


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom a connection speaks to; one object per connection, shared by its responses."""

    address: str = ""
    port: int = 0
    tls_version: str = ""
    tls_cipher: str = ""


NO_PEER = Peer()
UNREAD: Any = object()


class Response:
    """The outcome of one request. Times are seconds; instants are of the settings' clock.

    Attributes:
        request: what was sent; of the last hop when redirects were followed.
        status: 200..599 (or whatever number came), 0 when there is an error.
        error, error_detail: class and sentence; None and "" for a complete response, whatever its status.
        started_at: when the request was handed over.
        blocked: waiting for a connection, DNS included, connecting and tls not (in k6 they are).
        connecting, tls: TCP and TLS handshake; 0 on a kept-alive connection.
        sending: until the last byte was given to the kernel.
        waiting: until the first byte of the response.
        receiving: until its last byte.
        duration: sending + waiting + receiving; meaningless unless `written`.
        written: the request was put on a connection. A failure before that has no duration.
        connection_reused: it was sent on a kept-alive connection.
        bytes_sent, bytes_received: HTTP bytes of this exchange (TLS and TCP overhead not counted).
        raw: the body as sent, after chunked framing is undone; empty when the request did not keep it.
        peer: address and TLS facts.
        redirects: the responses before this one, oldest first; each counts as a request of its own.
        retries: how often it was sent again after a stale connection (0 or 1).
        max_decoded_bytes: bound for `content`.
        settled: known to ask for nothing more: no cookie to keep, no redirect to follow.
    """

    __slots__ = (
        "_content",
        "_headers",
        "_json",
        "_text",
        "blocked",
        "bytes_received",
        "bytes_sent",
        "connecting",
        "connection_reused",
        "duration",
        "error",
        "error_detail",
        "head",
        "interim",
        "max_decoded_bytes",
        "peer",
        "raw",
        "receiving",
        "redirects",
        "request",
        "retries",
        "sending",
        "settled",
        "started_at",
        "status",
        "tls",
        "waiting",
        "written",
    )

    _json: Any

    def __init__(self, request: Request, started_at: float, max_decoded_bytes: int) -> None:
        self.request = request
        self.started_at = started_at
        self.max_decoded_bytes = max_decoded_bytes
        self.status = 0
        self.error: ErrorClass | None = None
        self.error_detail = ""
        self.blocked = self.connecting = self.tls = 0.0
        self.sending = self.waiting = self.receiving = self.duration = 0.0
        self.bytes_sent = self.bytes_received = self.interim = self.retries = 0
        self.written = self.connection_reused = self.settled = False
        self.head = self.raw = b""
        self.peer = NO_PEER
        self.redirects: tuple[Response, ...] = ()
        # Not left unset until needed: catching the AttributeError would cost ten times as much.
        self._headers: Headers | None = None
        self._content: bytes | None = None
        self._text: str | None = None
        self._json = UNREAD

    @property
    def ok(self) -> bool:
        """Whether a complete response came (of any status)."""
        return self.error is None

    @property
    def total(self) -> float:
        """All phases together: from `started_at` to the end."""
        return self.blocked + self.connecting + self.tls + self.duration

    @property
    def url(self) -> str:
        """The URL that answered, without credentials."""
        return url_of(self.request.endpoint, self.request.target)

    @property
    def reason(self) -> str:
        """The reason phrase of the status line, often empty."""
        return reason_phrase(self.head, self.interim) if self.status else ""

    @property
    def remote_address(self) -> str:
        """IP address of the target, empty when none was connected to."""
        return self.peer.address

    @property
    def tls_version(self) -> str:
        """E.g. ``TLSv1.3``; empty without TLS."""
        return self.peer.tls_version

    @property
    def headers(self) -> Headers:
        """The header fields; empty when no response came."""
        if self._headers is None:
            self._headers = Headers(parse_head(self.head, self.interim) if self.status else [])
        return self._headers

    @property
    def content(self) -> bytes:
        """The body after decompression.

        Raises:
            UnreadableBody: broken, unknown or overlong compression.
        """
        if self._content is None:
            coding = self.headers.get("content-encoding", "")
            self._content = decoding.decompress(self.raw, coding, self.max_decoded_bytes)
        return self._content

    @property
    def body(self) -> str:
        """The body as text: decompressed, in the charset of Content-Type, else UTF-8; what does not fit is U+FFFD.

        Raises:
            UnreadableBody: see `content`.
        """
        if self._text is None:
            self._text = decoding.to_text(self.content, self.headers.get("content-type", ""))
        return self._text

    @property
    def json(self) -> Any:
        """The body parsed as JSON.

        Raises:
            UnreadableBody: it is not JSON; the message shows how it begins.
        """
        if self._json is UNREAD:
            try:
                # No look at the headers first: compressed bytes are never valid JSON.
                self._json = orjson.loads(self.raw)
            except orjson.JSONDecodeError:
                self._json = self._json_slowly()
        return self._json

    def _json_slowly(self) -> Any:
        text = self.body
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError as exc:
            shown = text[:80].replace("\n", " ")
            raise UnreadableBody(
                f"the body is not JSON ({exc}); it begins with {shown!r}"
            ) from None

    @property
    def fault(self) -> Fault | None:
        """Class and sentence of the failure as one value."""
        return None if self.error is None else Fault(self.error, self.error_detail)

    @override
    def __repr__(self) -> str:
        outcome = self.status if self.error is None else self.error.value
        return f"<Response {outcome} {self.request!r}>"
