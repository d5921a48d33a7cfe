"""Where a response begins and ends, for the cases llhttp leaves to its caller. Pure functions over bytes.

Used off the hot path only: answers to HEAD, bodies that end with the connection, several segments, garbage.

Source: RFC 9112 §6.3 (length of a body), §9.3 (persistence); RFC 9113 §4.1 (HTTP/2 frames).
"""

from __future__ import annotations

import re

from kload_runner.wire.headers import Headers, parse_head

_END = re.compile(rb"\n\r?\n")
_H2_SETTINGS, _H2_GOAWAY = 0x04, 0x07
_NO_BODY = frozenset({204, 304})


def head_end(head: bytes, interim: int, start: int = 0) -> int:
    """Return the offset behind the empty line of the final response's head, -1 while it is incomplete.

    Args:
        head: from the first byte of the response.
        interim: how many 1xx heads come first.
        start: where to begin looking, when `interim` is 0 and the bytes before are known.
    """
    lead = len(head) - len(head.lstrip(b"\r\n"))
    at = max(start, lead)
    for _ in range(interim + 1):
        found = _END.search(head, at)
        if found is None:
            return -1
        at = found.end()
    return at


def ends_with_connection(head: bytes, interim: int, status: int) -> bool:
    """Return whether the body of this response has no other end than the connection's."""
    if status in _NO_BODY:
        return False
    fields = Headers(parse_head(head, interim))
    codings = fields.get("transfer-encoding", "")
    if codings:
        return codings.rsplit(",", 1)[-1].strip().lower() != "chunked"
    return "content-length" not in fields


def keeps_alive(head: bytes, interim: int, version: str) -> bool:
    """Return whether the connection persists, by version and Connection field (RFC 9112 §9.3)."""
    options = Headers(parse_head(head, interim)).get("connection", "").lower()
    tokens = {token.strip() for token in options.split(",")}
    return "close" not in tokens and (version != "1.0" or "keep-alive" in tokens)


def describe_garbage(data: bytes, reason: str) -> str:
    """Return a sentence about bytes that are no HTTP/1.x response, naming what they are where that shows."""
    if _looks_like_http2(data):
        return (
            "the target answered with HTTP/2 frames; kload speaks HTTP/1.1 only for now, "
            "let the target (or the proxy before it) accept HTTP/1.1"
        )
    if data[:2] in (b"\x15\x03", b"\x16\x03"):
        return "the target answered with TLS; write https:// in the URL"
    if data.startswith(b"SSH-"):
        return "an SSH server answered; check the port"
    shown = data[:40].decode("latin-1").encode("unicode_escape").decode("ascii")
    return f"the response is not valid HTTP/1.x ({reason or 'malformed'}); it begins with '{shown}'"


def _looks_like_http2(data: bytes) -> bool:
    if data.startswith(b"PRI * HTTP/2"):
        return True
    if len(data) < 9:
        return False
    length, kind, stream = int.from_bytes(data[:3], "big"), data[3], data[5:9]
    if stream != b"\0\0\0\0":
        return False
    return (kind == _H2_SETTINGS and length % 6 == 0) or (kind == _H2_GOAWAY and length >= 8)
