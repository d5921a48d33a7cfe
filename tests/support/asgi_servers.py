"""Real servers around an ASGI application, each in a thread of its own and on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

App = Callable[..., Awaitable[None]]
DEADLINE_S = 10.0


@contextlib.contextmanager
def run_uvicorn(app: App) -> Iterator[str]:
    """Serve with uvicorn (h11 or httptools, whichever it chooses)."""
    import uvicorn

    sock = bound_socket()
    config = uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1, ws="none")
    server = uvicorn.Server(config)

    async def serve(stop: asyncio.Event) -> None:
        task = asyncio.create_task(server.serve(sockets=[sock]))
        await stop.wait()
        server.should_exit = True
        await task

    with in_thread(serve, sock.getsockname()[1]) as url:
        yield url


@contextlib.contextmanager
def run_hypercorn(app: App) -> Iterator[str]:
    """Serve with hypercorn (h11)."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    sock = bound_socket()
    config = Config()
    config.bind = [f"fd://{sock.fileno()}"]
    config.graceful_timeout = 0.1
    config.shutdown_timeout = 0.5
    config.errorlog = logging.getLogger("hypercorn.quiet")

    async def serve(stop: asyncio.Event) -> None:
        await hypercorn_serve(app, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]  # ASGI

    with in_thread(serve, sock.getsockname()[1]) as url:
        yield url
    sock.detach()  # closed by hypercorn, which knows it by its number


@contextlib.contextmanager
def run_granian(app: App) -> Iterator[str]:
    """Serve with granian (hyper, in Rust)."""
    from granian.constants import Interfaces
    from granian.server.embed import Server

    with bound_socket() as sock:
        port = sock.getsockname()[1]
    server = Server(app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)

    async def serve(stop: asyncio.Event) -> None:
        task = asyncio.create_task(server.serve())
        await stop.wait()
        server.stop()
        await task

    with in_thread(serve, port) as url:
        yield url


def bound_socket() -> socket.socket:
    """Return a socket bound to a free loopback port."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    return sock


@contextlib.contextmanager
def in_thread(serve: Callable[[asyncio.Event], Awaitable[Any]], port: int) -> Iterator[str]:
    """Run a server until the block is left; raise what it raised."""
    stop: list[Callable[[], None]] = []
    failures: list[BaseException] = []

    async def main() -> None:
        event = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(event.set))
        await serve(event)

    def body() -> None:
        try:
            asyncio.run(main())
        except BaseException as exc:
            failures.append(exc)

    thread = threading.Thread(target=body, name="server", daemon=True)
    thread.start()
    try:
        wait_for_port(port, failures)
        yield f"http://127.0.0.1:{port}"
    finally:
        if stop:
            stop[0]()
        thread.join(DEADLINE_S)
    if failures:
        raise failures[0]
    assert not thread.is_alive(), "the server did not stop"


def wait_for_port(port: int, failures: list[BaseException]) -> None:
    """Return when somebody listens."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until and not failures:
        with socket.socket() as sock:
            sock.settimeout(1.0)
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise AssertionError(f"nobody listens on {port}: {failures}")
