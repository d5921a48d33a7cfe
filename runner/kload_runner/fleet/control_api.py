"""The control API over HTTP: a small server of its own, in the loop that also loads.

Serves `Runner` as `kload_spec.control` says, and the health, readiness and metrics pages. Small on purpose: HTTP/1.1,
requests of a few KB with a Content-Length, one answer after another; a framework would share the loop with the
load and cost more than all of this.

    open          /healthz /readyz /metrics
    with token    /v1/...                       401 wrong token, 404, 405, 409 wrong phase, 413, 422 not the message
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from pydantic import ValidationError

from kload_runner.engine.account import health_of, kload_version
from kload_runner.fleet.runner import Runner, WrongPhase
from kload_runner.metrics.exposition import CONTENT_TYPE as METRICS_TYPE
from kload_runner.metrics.exposition import Exposition, RunLabels
from kload_spec.control import (
    CANCEL_PATH,
    HEALTH_PATH,
    METRICS_PATH,
    PLAN_PATH,
    READY_PATH,
    RELEASE_PATH,
    RESULT_PATH,
    SETUP_PATH,
    START_PATH,
    STATUS_PATH,
    STOP_PATH,
    TEARDOWN_PATH,
    TOKEN_HEADER,
    CancelRequest,
    Message,
    Refusal,
    StartRequest,
    StopRequest,
    TeardownRequest,
    token_matches,
)

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES = 16 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024  # vars of setup; the operator's own limit is lower
IDLE_S = 60.0  # s; a connection without a request is closed; Prometheus scrapes more often
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
_REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    422: "Unprocessable Content",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    method: str
    path: str
    token: str
    body: bytes
    keep_alive: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """One response."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE


class Malformed(Exception):
    """What came is no request that is served here; the status says why."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


Handler = Callable[[bytes], Awaitable[Answer]]


class MetricsPage(Protocol):
    """What is served as /metrics."""

    finished: bool

    async def render_sliced(self) -> bytes:
        """Return the page."""
        ...


class ControlServer:
    """Serves one runner.

    Args:
        token_sha256: hash of the token that /v1 wants; empty: /v1 is not served (metrics only).
        page: its /metrics; None: of what its engine counts.
    """

    def __init__(self, runner: Runner, token_sha256: str, page: MetricsPage | None = None) -> None:
        self._runner = runner
        self._token_sha256 = token_sha256
        self._page = page  # the engine's is made when it is first asked for
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self._open: dict[tuple[str, str], Handler] = {
            ("GET", HEALTH_PATH): self._healthy,
            ("GET", READY_PATH): self._healthy,
            ("GET", METRICS_PATH): self._metrics,
        }
        self._guarded: dict[tuple[str, str], Handler] = {
            ("GET", PLAN_PATH): self._plan,
            ("POST", SETUP_PATH): self._setup,
            ("POST", START_PATH): self._start,
            ("POST", CANCEL_PATH): self._cancel,
            ("POST", STOP_PATH): self._stop,
            ("POST", TEARDOWN_PATH): self._teardown,
            ("GET", STATUS_PATH): self._status,
            ("GET", RESULT_PATH): self._result,
            ("POST", RELEASE_PATH): self._release,
        }
        self.scrapes_when_finished = 0

    async def start(self, host: str, port: int = 0) -> int:
        """Listen, and return the port.

        Raises:
            OSError: the port is taken.
        """
        self._server = await asyncio.start_server(self._talk, host, port, limit=MAX_HEAD_BYTES)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening and end all connections."""
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    # -- connections ---------------------------------------------------------------------------------------------

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            await self._serve(reader, writer)
        except (ConnectionError, TimeoutError, asyncio.IncompleteReadError):
            pass  # the peer is gone, or silent
        except asyncio.CancelledError:
            pass  # `close` ends us: streams would log it as a failure
        finally:
            self._talks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                async with asyncio.timeout(IDLE_S):
                    asked = await _read(reader)
                if asked is None:
                    return
                answer, keep_alive = await self._answer(asked), asked.keep_alive
            except Malformed as exc:
                answer, keep_alive = _refusal(exc.status, str(exc)), False
            writer.write(_rendered(answer, keep_alive))
            await writer.drain()
            if not keep_alive:
                return

    async def _answer(self, asked: Asked) -> Answer:
        key = (asked.method, asked.path)
        handler = self._open.get(key)
        if handler is None:
            refused = self._refuse(asked)
            if refused is not None:
                return refused
            handler = self._guarded[key]
        try:
            return await handler(asked.body)
        except WrongPhase as exc:
            return _json(409, Refusal(error=str(exc), phase=exc.phase))
        except ValidationError as exc:
            return _refusal(
                422, f"not the message that {asked.path} takes: {exc.error_count()} faults"
            )
        except Exception:  # a bug of ours must not take the leader's connection with it
            logger.exception("request failed", extra={"path": asked.path})
            return _refusal(500, "the runner failed to answer; its log says why")

    def _refuse(self, asked: Asked) -> Answer | None:
        if not self._token_sha256:
            return _refusal(404, f"{asked.path} is not served here")
        if asked.path.startswith("/v1/") and not token_matches(asked.token, self._token_sha256):
            return _refusal(401, f"the token in {TOKEN_HEADER} is not this run's")
        paths = {path for _, path in (*self._open, *self._guarded)}
        if asked.path not in paths:
            return _refusal(404, f"{asked.path} is not served here")
        if (asked.method, asked.path) not in self._guarded:
            return _refusal(405, f"{asked.path} does not take {asked.method}")
        return None

    # -- pages ---------------------------------------------------------------------------------------------------

    async def _healthy(self, _: bytes) -> Answer:
        return Answer(200, b"ok\n", TEXT_TYPE)

    async def _metrics(self, _: bytes) -> Answer:
        if self._page is None:
            self._page = _page_of(self._runner)
        finished = self._page.finished = self._runner.finished
        page = await self._page.render_sliced()
        if finished:
            self.scrapes_when_finished += 1
        return Answer(200, page, METRICS_TYPE)

    async def _plan(self, _: bytes) -> Answer:
        return _json(200, self._runner.plan())

    async def _setup(self, _: bytes) -> Answer:
        return _json(200, self._runner.setup())

    async def _start(self, body: bytes) -> Answer:
        return _json(200, self._runner.start(StartRequest.model_validate_json(body)))

    async def _cancel(self, body: bytes) -> Answer:
        return _json(200, self._runner.cancel(CancelRequest.model_validate_json(body)))

    async def _stop(self, body: bytes) -> Answer:
        return _json(200, self._runner.stop(StopRequest.model_validate_json(body)))

    async def _teardown(self, body: bytes) -> Answer:
        request = TeardownRequest.model_validate_json(body or b"{}")
        return _json(200, self._runner.teardown(request))

    async def _status(self, _: bytes) -> Answer:
        return _json(200, self._runner.status())

    async def _result(self, _: bytes) -> Answer:
        return Answer(200, self._runner.result().model_dump_json(by_alias=True).encode())

    async def _release(self, _: bytes) -> Answer:
        return _json(200, self._runner.release())


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    """Read one request; None where the peer has said goodbye."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as exc:
        if not exc.partial:
            return None
        raise
    except asyncio.LimitOverrunError:
        raise Malformed(413, f"the head is longer than {MAX_HEAD_BYTES} bytes") from None
    line, *fields = head.decode("latin-1").split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise Malformed(400, "not an HTTP/1.1 request")
    headers = {
        name.strip().lower(): value.strip()
        for name, colon, value in (field.partition(":") for field in fields)
        if colon
    }
    if "transfer-encoding" in headers:
        raise Malformed(400, "give a Content-Length; chunked bodies are not taken")
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        raise Malformed(400, f"Content-Length {length!r} is no number")
    if int(length) > MAX_BODY_BYTES:
        raise Malformed(413, f"the body is longer than {MAX_BODY_BYTES} bytes")
    body = await reader.readexactly(int(length))
    close = headers.get("connection", "").lower() == "close" or parts[2] == "HTTP/1.0"
    token = headers.get(TOKEN_HEADER.lower(), "")
    return Asked(parts[0], parts[1].partition("?")[0], token, body, not close)


def _page_of(runner: Runner) -> Exposition:
    engine = runner.engine
    run = engine.facts.run
    return Exposition(
        engine.recorder,
        RunLabels(run.uid, run.loadtest or engine.plan.name, str(engine.facts.runner.index)),
        health=lambda: health_of(engine),
        version=kload_version(),
    )


def _rendered(answer: Answer, keep_alive: bool) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {_REASONS[answer.status]}\r\nContent-Type: {answer.content_type}\r\n"
        f"Content-Length: {len(answer.body)}\r\nConnection: {'keep-alive' if keep_alive else 'close'}\r\n\r\n"
    )
    return head.encode("latin-1") + answer.body


def _json(status: int, message: Message) -> Answer:
    return Answer(status, message.to_json().encode())


def _refusal(status: int, error: str) -> Answer:
    return _json(status, Refusal(error=error))
