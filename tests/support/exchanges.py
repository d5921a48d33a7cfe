"""Finished exchanges as the wire client returns them, made without a wire."""

from __future__ import annotations

from kload_runner.wire import ErrorClass, Request, Response, build_request

REQUEST = build_request("GET", "http://127.0.0.1/things")


def answered(
    duration: float = 0.1,
    status: int = 200,
    *,
    request: Request = REQUEST,
    fresh: bool = False,
    started_at: float = 0.0,
    body: bytes = b"",
    redirects: tuple[Response, ...] = (),
) -> Response:
    """Return a complete response: 10 % sending, 60 % waiting, 30 % receiving; a fresh connection costs 3 ms before."""
    response = Response(request, started_at, 1 << 20)
    response.status, response.written, response.connection_reused = status, True, not fresh
    response.sending, response.waiting, response.receiving = (
        0.1 * duration,
        0.6 * duration,
        0.3 * duration,
    )
    response.duration = duration
    response.bytes_sent, response.bytes_received = 100, 1000
    response.raw, response.redirects = body, redirects
    if fresh:
        response.blocked = response.connecting = response.tls = 0.001
    return response


def failed(
    error: ErrorClass, detail: str = "went wrong", *, duration: float = 0.0, written: bool = False
) -> Response:
    """Return an exchange that got no response."""
    response = Response(REQUEST, 0.0, 1 << 20)
    response.error, response.error_detail = error, detail
    response.written, response.duration, response.blocked = written, duration, 0.002
    return response
