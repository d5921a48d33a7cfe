"""How exchanges end badly: for each way the fault, with a sentence that says what was seen. Pure.

The connection notices, this module finds the words; nothing here decides whether it is a fault.

Source: RFC 9113 §4.1 (HTTP/2 frames), RFC 8446 §5.1 (TLS records).
"""

from __future__ import annotations

import ssl

from kload_runner.wire import tls
from kload_runner.wire.errors import ErrorClass, Fault, local_fault
from kload_runner.wire.framing import head_end

_H2_SETTINGS, _H2_GOAWAY = 0x04, 0x07

STOPPED = Fault(ErrorClass.RESET, "the virtual user's connections were closed")
SWITCHED = Fault(ErrorClass.PROTOCOL, "the target switched protocols (101), which nobody asked for")


def expired(limit_s: float, received: int) -> Fault:
    """The request's time is over."""
    return Fault(
        ErrorClass.TIMEOUT, f"no complete response within {limit_s:.3g} s{_progress(received)}"
    )


def ended(exc: Exception | None, received: int) -> Fault:
    """The connection ended before the response did: by FIN (None), RST, a TLS alert, our own exhaustion."""
    if isinstance(exc, ssl.SSLError):
        return tls.describe(exc)
    if isinstance(exc, OSError) and (local := local_fault(exc)) is not None:
        return local
    how = "closed" if exc is None else "reset"
    return Fault(
        ErrorClass.RESET,
        f"the target {how} the connection before the response was complete{_progress(received)}",
    )


def stillborn(early: bytes) -> Fault:
    """The connection ended before anything was sent; `early` is what the target said unasked."""
    if early:
        return Fault(ErrorClass.PROTOCOL, _describe_garbage(early, "unasked"))
    return Fault(ErrorClass.RESET, "the target closed the connection as soon as it was made")


def malformed(head: bytes, interim: int, reason: str) -> Fault:
    """What came is no HTTP/1.x."""
    if head[:5] == b"HTTP/" and head_end(head, interim) >= 0:
        return Fault(ErrorClass.PROTOCOL, f"the response is malformed behind its head: {reason}")
    return Fault(ErrorClass.PROTOCOL, _describe_garbage(head, reason))


def describe_excess(end: int, head: int, received: int, limits: tuple[int, int]) -> str:
    """Return what is beyond the limits (head, body), empty when nothing is.

    Args:
        end: where the head ends, -1 while it does not.
        head, received: bytes of head so far, bytes in all.
        limits: bytes of a head and of a body.
    """
    max_header_bytes, max_body_bytes = limits
    if (head if end < 0 else end) > max_header_bytes:
        return f"the response's head is longer than {max_header_bytes} bytes"
    if end >= 0 and received - end > max_body_bytes:
        return f"the response's body is longer than {max_body_bytes} bytes"
    return ""


def _describe_garbage(data: bytes, reason: str) -> str:
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


def _progress(received: int) -> str:
    return f" ({received} bytes came)" if received else " (nothing came)"
