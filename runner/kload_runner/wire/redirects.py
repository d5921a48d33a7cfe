"""What follows a 3xx: the next request, or a reason why there is none. Pure.

    status          method of the next request      body
    301 302 303     GET, HEAD stays HEAD            dropped, with the fields that describe it
    307 308         unchanged                       sent again
    others          none: the response is final

As in Go's net/http (so in k6). To another origin, Authorization, Cookie and Proxy-Authorization of the
caller are dropped, as the Fetch standard does; cookies of the jar go by their own rules anyway.
"""

from __future__ import annotations

from kload_runner.wire.errors import ErrorClass
from kload_runner.wire.request import SAFE_METHODS, Request, render_field
from kload_runner.wire.response import Response
from kload_runner.wire.url import Endpoint, parse_url, resolve_reference

_TO_GET = frozenset({301, 302, 303})
_AS_IS = frozenset({307, 308})
_PRIVATE = frozenset({"authorization", "cookie", "cookie2", "proxy-authorization"})
_OF_BODY = frozenset(
    {"content-type", "content-encoding", "content-language", "content-location", "expect"}
)


def next_request(response: Response) -> Request | None:
    """Return the request a redirect asks for, None when the response is final. The body is the caller's to carry.

    A Location that cannot be requested turns the response into a `protocol` error: the target's fault.
    """
    if response.status not in _TO_GET and response.status not in _AS_IS:
        return None
    location = response.headers.get("location", "")
    if not location:
        return None
    request = response.request
    try:
        endpoint, target = parse_url(resolve_reference(response.url, location))
    except ValueError as exc:  # InvalidUrl, or urljoin's about brackets
        status, response.status, response.error = response.status, 0, ErrorClass.PROTOCOL
        response.error_detail = (
            f"the target redirects ({status}) to what cannot be requested: {exc}"
        )
        return None
    method = request.method
    if response.status in _TO_GET and method not in ("GET", "HEAD"):
        method = "GET"
    head = _render(request, method, endpoint, target)
    return Request(
        method,
        endpoint,
        target,
        head,
        timeout_s=request.timeout_s,
        max_redirects=request.max_redirects,
        keep_body=request.keep_body,
        expect_continue=request.expect_continue and keeps_body(response),
        replayable=method in SAFE_METHODS or (request.replayable and method == request.method),
    )


def keeps_body(response: Response) -> bool:
    """Return whether the body is sent again after this redirect."""
    return response.status in _AS_IS


def _render(request: Request, method: str, endpoint: Endpoint, target: bytes) -> bytes:
    dropped: set[str] = set()
    if method != request.method:
        dropped |= _OF_BODY
    if endpoint.origin != request.endpoint.origin:
        dropped |= _PRIVATE | {"host"}
    if endpoint.authorization is not None:
        dropped.add("authorization")
    lines = [f"{method} {target.decode('latin-1')} HTTP/1.1\r\n".encode("latin-1")]
    if "host" in dropped:
        lines.append(b"Host: %b\r\n" % endpoint.host_header)
    for line in request.head.split(b"\r\n")[1:]:
        name = line.partition(b":")[0].decode("latin-1").lower()
        if line and name not in dropped:
            lines.append(line + b"\r\n")
    if endpoint.authorization is not None:
        lines.append(render_field("Authorization", endpoint.authorization.decode("ascii")))
    return b"".join(lines)
