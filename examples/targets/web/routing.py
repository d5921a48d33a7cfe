"""From ASGI to handlers and back: finds the route, reads the body, lets faults act, turns refusals into answers.

Knows no path but its own control endpoint, ``/_faults``, which answers loopback only:

    GET /_faults                                   how all switches stand
    POST /_faults {"events-lost": 0.002}           a rate, or {"rate": ..., "delay_s": ..., "path": ...}
    DELETE /_faults                                all off
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

import pydantic

from examples.targets.faults import Fault, Faults, Setting, UnknownFault
from examples.targets.web.messages import Refusal, Request, Response, json_response

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 1_048_576  # 1 MiB, nginx's default limit too
CONTROL_PATH = "/_faults"

Handler = Callable[[Request], Awaitable[Response]]
# The three arguments of an ASGI application: https://asgi.readthedocs.io/en/latest/specs/www.html
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path; ``{name}`` matches one segment and lands in `Request.params`."""

    method: str
    path: str
    handler: Handler


class Application:
    """An ASGI application over a table of routes."""

    def __init__(self, routes: Iterable[Route], faults: Faults) -> None:
        self._faults = faults
        self._fixed: dict[str, dict[str, Handler]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Handler]]] = []
        patterns: dict[str, dict[str, Handler]] = {}
        for route in (*routes, *self._control_routes()):
            table = patterns if "{" in route.path else self._fixed
            table.setdefault(route.path, {})[route.method] = route.handler
        for path, methods in patterns.items():
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
            self._patterns.append((re.compile(pattern), methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; other ASGI scopes (lifespan, websocket) are not served."""
        if scope["type"] != "http":
            raise NotImplementedError(f"ASGI scope {scope['type']!r} is not served here")
        try:
            response = await self._answer(await _read_request(scope, receive))
        except Refusal as refusal:
            response = refusal.response()
        except Exception:
            logger.exception("%s %s failed", scope["method"], scope["path"])
            response = Refusal(500, "internal_error", "see the server's log").response()
        await _send(response, send, head=scope["method"] == "HEAD")

    async def _answer(self, request: Request) -> Response:
        handler, params = self._find(request.method, request.path)
        if request.path != CONTROL_PATH:
            if delay_s := self._faults.delay_s(request.path):
                await asyncio.sleep(delay_s)
            if self._faults.acts(Fault.SERVER_ERRORS, request.path):
                raise Refusal(503, "unavailable", "switched on: server-errors")
        return await handler(replace(request, params=params) if params else request)

    def _find(self, method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
        params: Mapping[str, str] = {}
        methods = self._fixed.get(path)
        if methods is None:
            for pattern, candidates in self._patterns:
                if match := pattern.fullmatch(path):
                    methods, params = candidates, match.groupdict()
                    break
            else:
                raise Refusal(404, "not_found", f"there is nothing at {path}")
        handler = methods.get("GET" if method == "HEAD" else method)
        if handler is None:
            allowed = ", ".join(sorted(methods))
            raise Refusal(405, "method_not_allowed", f"{path} takes {allowed}, not {method}")
        return handler, params

    def _control_routes(self) -> tuple[Route, ...]:
        return (
            Route("GET", CONTROL_PATH, self._show_faults),
            Route("POST", CONTROL_PATH, self._set_faults),
            Route("DELETE", CONTROL_PATH, self._clear_faults),
        )

    async def _show_faults(self, request: Request) -> Response:
        _require_loopback(request)
        return json_response(self._faults.describe())

    async def _set_faults(self, request: Request) -> Response:
        _require_loopback(request)
        try:
            for name, setting in request.read(_Switches).root.items():
                known = setting if isinstance(setting, Setting) else Setting(rate=setting)
                self._faults.set(name, known)
        except (UnknownFault, pydantic.ValidationError) as error:
            raise Refusal(400, "unknown_fault", str(error)) from error
        return json_response(self._faults.describe())

    async def _clear_faults(self, request: Request) -> Response:
        _require_loopback(request)
        self._faults.clear()
        return json_response(self._faults.describe())


class _Switches(pydantic.RootModel[dict[str, float | Setting]]):
    """The body of ``POST /_faults``."""


def _require_loopback(request: Request) -> None:
    try:
        local = ip_address(request.client).is_loopback
    except ValueError:
        local = False
    if not local:
        raise Refusal(403, "loopback_only", "faults are switched from the server's own machine")


async def _read_request(scope: Scope, receive: Receive) -> Request:
    chunks: list[bytes] = []
    size = 0
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "incomplete_body", "the connection closed before the body ended")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise Refusal(413, "body_too_large", f"at most {MAX_BODY_BYTES} bytes are taken")
        more = message.get("more_body", False)
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    client = scope.get("client")
    return Request(
        method=scope["method"],
        path=unquote(scope["path"]) if "%" in scope["path"] else scope["path"],
        headers=headers,
        query_string=scope["query_string"].decode("latin-1"),
        body=b"".join(chunks),
        client=client[0] if client else "",
    )


async def _send(response: Response, send: Send, *, head: bool) -> None:
    length = (b"content-length", str(len(response.body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [*response.headers, length],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else response.body})
