"""A request as the wire wants it: the head pre-rendered once, the body per iteration.

A `Request` is never changed by a client, so one may serve every virtual user of a step; what differs per
iteration is its body (`Client.exchange(request, body)`) or a new Request, which costs 0.4 µs.

    head    request line, Host, the caller's fields: everything but the last CRLF, Cookie, Content-Length
    wire    head  [Cookie: ...CRLF]  [Content-Length: nCRLF]  CRLF  body
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from typing_extensions import override

from kload_runner.wire.errors import InvalidRequest
from kload_runner.wire.notes import HeadNote
from kload_runner.wire.settings import USER_AGENT
from kload_runner.wire.url import Endpoint, parse_url

# Methods whose definition foresees content: without any, Content-Length: 0 is sent (RFC 9110 §8.6).
WITH_CONTENT = frozenset({"POST", "PUT", "PATCH"})
NO_CONTENT = b"Content-Length: 0\r\n\r\n"
# Retried after a stale connection; the same set as Go's net/http. PUT and DELETE are idempotent too, but a
# second DELETE that finds nothing would be measured as the target's fault.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[\x00\r\n]")
# The client frames the message itself; what users write for these would contradict it. Only
# `Connection: close` is sent: then each request has a connection of its own.
_OURS = frozenset(
    {"content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"}
)


class Request:
    """One request; treat it as immutable.

    Attributes:
        method: upper case for all standard methods.
        endpoint, target: from `parse_url`.
        head: from `render_head`.
        body: content, or None for none; `Client.exchange` may be given another one.
        timeout_s: for everything, redirects and body included; None takes the settings'.
        max_redirects: None takes the settings'; 0 follows none.
        keep_body: False counts the body and stores nothing (`raw` is empty).
        expect_continue: the head has ``Expect: 100-continue``: the body waits for the 100.
        replayable: may be sent again when a kept-alive connection turns out to be closed.
        note: shared by the requests of a step; see `HeadNote`.
    """

    __slots__ = (
        "body",
        "endpoint",
        "expect_continue",
        "head",
        "keep_body",
        "max_redirects",
        "method",
        "note",
        "replayable",
        "target",
        "timeout_s",
    )

    def __init__(
        self,
        method: str,
        endpoint: Endpoint,
        target: bytes,
        head: bytes,
        body: bytes | None = None,
        *,
        timeout_s: float | None = None,
        max_redirects: int | None = None,
        keep_body: bool = True,
        expect_continue: bool = False,
        replayable: bool | None = None,
        note: HeadNote | None = None,
    ) -> None:
        self.method = method
        self.endpoint = endpoint
        self.target = target
        self.head = head
        self.body = body
        self.timeout_s = timeout_s
        self.max_redirects = max_redirects
        self.keep_body = keep_body and method != "HEAD"  # some servers send one all the same
        self.expect_continue = expect_continue
        self.replayable = method in SAFE_METHODS if replayable is None else replayable
        self.note = HeadNote() if note is None else note

    @override
    def __repr__(self) -> str:
        return f"<Request {self.method} {self.endpoint.origin}{self.target.decode('latin-1')}>"


def build_request(
    method: str,
    url: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | None = None,
    *,
    user_agent: str = USER_AGENT,
    timeout_s: float | None = None,
    max_redirects: int | None = None,
    keep_body: bool = True,
) -> Request:
    """Build a request from what people write.

    Raises:
        InvalidUrl: see `parse_url`.
        InvalidRequest: see `render_head`.
    """
    endpoint, target = parse_url(url)
    fields = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower(): value for name, value in fields}
    return Request(
        method,
        endpoint,
        target,
        render_head(method, endpoint, target, fields, user_agent=user_agent),
        body,
        timeout_s=timeout_s,
        max_redirects=max_redirects,
        keep_body=keep_body,
        expect_continue=names.get("expect", "").lower() == "100-continue",
        replayable=method in SAFE_METHODS
        or "idempotency-key" in names
        or "x-idempotency-key" in names,
    )


def render_head(
    method: str,
    endpoint: Endpoint,
    target: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    user_agent: str = USER_AGENT,
) -> bytes:
    """Render the constant part of a request's head.

    Host, User-Agent and the Authorization of the URL's credentials are added unless `headers` has them.
    Content-Length, Connection (but for ``close``) and their kin are left out: the client frames the message.

    Raises:
        InvalidRequest: a method or field name that is no token, a value with a line break or NUL.
    """
    check_method(method)
    fields = [field for field in headers if field[0].lower() not in _OURS or _closes(*field)]
    present = {name.lower() for name, _ in fields}
    lines = [f"{method} {target.decode('latin-1')} HTTP/1.1"]
    if "host" not in present:
        lines.append(f"Host: {endpoint.host_header.decode('ascii')}")
    if user_agent and "user-agent" not in present:
        lines.append(f"User-Agent: {user_agent}")
    if endpoint.authorization is not None and "authorization" not in present:
        lines.append(f"Authorization: {endpoint.authorization.decode('ascii')}")
    rendered = "".join(f"{line}\r\n" for line in lines).encode("latin-1")
    return rendered + b"".join(render_field(name, value) for name, value in fields)


def render_field(name: str, value: str) -> bytes:
    """Render one header line; text beyond Latin-1 goes as UTF-8.

    Raises:
        InvalidRequest: no token, or a value with a line break, NUL or lone surrogate (not shown: secrets).
    """
    if not _TOKEN.fullmatch(name):
        raise InvalidRequest(f"header name {name!r} is not a token; use letters, digits and -")
    if _BAD_VALUE.search(value):
        raise InvalidRequest(f"the value of header {name} holds a line break or NUL")
    trimmed = value.strip(" \t")
    try:
        return f"{name}: {trimmed}\r\n".encode()
    except UnicodeEncodeError:
        raise InvalidRequest(
            f"the value of header {name} holds half a character (a surrogate)"
        ) from None


@lru_cache(maxsize=1024)
def content_length(size: int) -> bytes:
    """Return the end of a head before content; kept, because formatting one costs 0.3 µs."""
    return b"Content-Length: %d\r\n\r\n" % size


def _closes(name: str, value: str) -> bool:
    return name.lower() == "connection" and value.strip().lower() == "close"


def check_method(method: str) -> None:
    """Raise InvalidRequest unless the method is a token."""
    if not _TOKEN.fullmatch(method) or method == "CONNECT":
        raise InvalidRequest(f"method {method!r} cannot be sent; write e.g. GET or POST")
