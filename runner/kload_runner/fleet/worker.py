"""A worker process of a local run: `python -m kload_runner.fleet.worker`, started by `workers`.

Reads one line of JSON from standard input (what it is given, secrets included: not from the environment, which others
can read), writes one line of JSON per thing to tell to standard output, and ends when its input closes: a worker never
outlives whoever started it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from pathlib import Path

from pydantic import Field

from kload_runner.fleet.hosting import Assignment, Host
from kload_runner.loop import choose_loop, run
from kload_runner.script.loading import ScriptError
from kload_spec.control import Message, RunDescription
from kload_spec.errors import InvalidSpec

EXIT_INVALID, EXIT_SCRIPT, EXIT_ORPHANED = 104, 107, 1


class Task(Message):
    """The first line of a worker's input."""

    description: RunDescription
    index: int
    base_dir: str
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    port: int = 0


class Told(Message):
    """One line of a worker's output; exactly one field is set.

    Attributes:
        port: where it serves the control API.
        log: a line of the run's log.
        refused: why it cannot run.
    """

    port: int | None = None
    log: str | None = None
    refused: str | None = None


def main() -> int:
    """Serve one runner until it is released; return the exit code."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    # The terminal's Ctrl-C reaches the whole process group; who leads us decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    task = Task.model_validate_json(sys.stdin.readline())
    choice = choose_loop()
    assignment = Assignment(
        description=task.description,
        index=task.index,
        env=task.env,
        base_dir=Path(task.base_dir),
        loop_name=choice.name,
    )
    return run(_serve(assignment, task.port), choice)


async def _serve(assignment: Assignment, port: int) -> int:
    try:
        host = Host(assignment, lambda line: _tell(Told(log=line)))
    except InvalidSpec as exc:
        _tell(Told(refused=str(exc)))
        return EXIT_INVALID
    except ScriptError as exc:
        _tell(Told(refused=str(exc)))
        return EXIT_SCRIPT
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, host.terminate)
    orphaned = asyncio.create_task(_input_closed())
    living: asyncio.Task[int] | None = None
    try:
        _tell(Told(port=await host.serve("127.0.0.1", port)))
        living = asyncio.create_task(host.live())
        await asyncio.wait({living, orphaned}, return_when=asyncio.FIRST_COMPLETED)
        return living.result() if living.done() else EXIT_ORPHANED
    finally:
        for task in (orphaned, living):
            if task is not None:
                task.cancel()
        await host.close()


async def _input_closed() -> None:
    """Return when whoever started us is gone."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


def _tell(told: Told) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody listens: the end of our input says so, too
        print(told.model_dump_json(by_alias=True, exclude_none=True), flush=True)


if __name__ == "__main__":
    sys.exit(main())
