"""Runs a demo server inside an event loop, or in a thread beside a test.

The only module that knows uvicorn. `command` is the way in from a shell.

    async with running(blueprint) as server:        in the caller's event loop
    with running_in_thread(blueprint) as server:    in a loop of its own
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import tempfile
import threading
from collections.abc import (
    AsyncIterator,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from typing_extensions import override

from examples.targets.blueprint import Blueprint
from examples.targets.faults import Faults, parse_switch
from examples.targets.storage import open_database
from examples.targets.web import Application

BACKLOG = 2048  # connections that wait to be accepted: hundreds of VUs connect at once
STARTED_POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Options:
    """How to run a server.

    Attributes:
        port: 0 takes a free one.
        database: see `storage.open_database`; None keeps one in a temporary directory for as long as the server runs.
        environment: overrides of the blueprint's variables.
        switches: faults that are on from the start, as on the command line.
        seed_size: how much to seed; 0 for nothing, None for the blueprint's own size.
    """

    host: str = "127.0.0.1"
    port: int = 0
    database: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    switches: tuple[str, ...] = ()
    seed_size: int | None = None


@dataclass(frozen=True, slots=True)
class RunningTarget:
    """A server that is up."""

    url: str
    faults: Faults
    seeded: tuple[str, ...]


@contextlib.asynccontextmanager
async def running(
    blueprint: Blueprint, options: Options | None = None
) -> AsyncIterator[RunningTarget]:
    """Serve in the caller's event loop until the block ends; requests under way are finished first."""
    options = options or Options()
    faults = switched(blueprint, options.switches)
    environment = {**blueprint.environment, **options.environment}
    async with contextlib.AsyncExitStack() as stack:
        if options.database is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix=blueprint.name))
            url = f"sqlite:{Path(folder) / 'target.db'}"
        else:
            url = options.database
        database = await open_database(url)
        stack.push_async_callback(database.close)
        await database.prepare(blueprint.schema)
        size = blueprint.seed_size if options.seed_size is None else options.seed_size
        seeded = await blueprint.seed(database, environment, size)
        parts = blueprint.build(database, faults, environment)
        tasks = [asyncio.create_task(job.run()) for job in parts.jobs]
        stack.push_async_callback(_cancel, tasks)
        listener = socket.create_server((options.host, options.port), backlog=BACKLOG)
        await stack.enter_async_context(_served(Application(parts.routes, faults), listener))
        host, port = listener.getsockname()[:2]
        yield RunningTarget(f"http://{host}:{port}", faults, tuple(seeded))


@contextlib.contextmanager
def running_in_thread(
    blueprint: Blueprint, options: Options | None = None
) -> Iterator[RunningTarget]:
    """Serve from a thread with its own event loop, for callers that block; stops when the block ends."""
    started: Future[RunningTarget] = Future()
    loop = new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        try:
            async with running(blueprint, options) as server:
                started.set_result(server)
                await stop.wait()
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = threading.Thread(target=run_to_end, args=(loop, serve()), name=blueprint.name)
    thread.start()
    try:
        yield started.result()
    finally:
        with contextlib.suppress(RuntimeError):  # the loop is closed: serving ended by itself
            loop.call_soon_threadsafe(stop.set)
        thread.join()


def switched(blueprint: Blueprint, switches: Iterable[str]) -> Faults:
    """Return the blueprint's faults with `switches` on; raises `UnknownFault`."""
    faults = Faults(blueprint.faults)
    for text in switches:
        faults.set(*parse_switch(text))
    return faults


@contextlib.asynccontextmanager
async def _served(application: Application, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        application,
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=5,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(STARTED_POLL_S)
        yield
    finally:
        server.should_exit = True
        await task


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: whoever embeds it decides what ends it."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone."""
        yield


async def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run_to_end(loop: asyncio.AbstractEventLoop, main: Coroutine[None, None, None]) -> None:
    """Run a coroutine in a loop of its own and close the loop."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(main)


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of uvloop, or asyncio's own where it has no wheel."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
