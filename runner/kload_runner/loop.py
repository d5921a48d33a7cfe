"""The event loop of a runner process: uvloop where there is a wheel of it, else asyncio, and which it is.

Called once, by the command line or the pod's entry point; knows nothing of what runs on it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

END_WITHIN_S = 2.0  # s that tasks have to end after their cancellation

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoopChoice:
    """An event loop implementation.

    Attributes:
        name: for people and results: ``uvloop 0.22.1`` or ``asyncio``.
        new_loop: makes one.
    """

    name: str
    new_loop: Callable[[], asyncio.AbstractEventLoop]


def choose_loop() -> LoopChoice:
    """Return uvloop where it is installed (not every system has a wheel), else asyncio."""
    try:
        import uvloop
    except ImportError:
        return LoopChoice("asyncio", asyncio.new_event_loop)
    return LoopChoice(f"uvloop {importlib.metadata.version('uvloop')}", uvloop.new_event_loop)


def run(main: Coroutine[Any, Any, T], choice: LoopChoice | None = None) -> T:
    """Run a coroutine to its end on a fresh loop of the given (default: best) kind, and close the loop.

    Tasks of a script that never end are left where they are, and the loop with them: closing it would wait for them.
    """
    chosen = choice or choose_loop()
    runner = asyncio.Runner(loop_factory=chosen.new_loop)
    try:
        return runner.run(main)
    finally:
        if _all_ended(runner.get_loop()):
            runner.close()


def _all_ended(loop: asyncio.AbstractEventLoop) -> bool:
    """Cancel the tasks that are left; say whether they have ended within `END_WITHIN_S`."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left and not loop.is_closed():
        _, left = loop.run_until_complete(asyncio.wait(left, timeout=END_WITHIN_S))
    if left:
        logger.warning("%d tasks of a script ignore that the test is over", len(left))
    return not left
