"""Where a response begins and ends, for the cases llhttp leaves to its caller. Pure functions over bytes.

Used off the hot path only: answers to HEAD, bodies that end with the connection, several segments.

Source: RFC 9112 §6.3 (length of a body), §9.3 (persistence).
"""

from __future__ import annotations

import re

from kload_runner.wire.headers import Headers, parse_head

_END = re.compile(rb"\n\r?\n")
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
