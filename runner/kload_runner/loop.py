"""The event loop of a runner process: uvloop where there is a wheel of it, else asyncio, and which it is.

Called once, by the command line or the pod's entry point; knows nothing of what runs on it.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

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
    """Run a coroutine to its end on a fresh loop of the given (default: best) kind, and close the loop."""
    chosen = choice or choose_loop()
    with asyncio.Runner(loop_factory=chosen.new_loop) as runner:
        return runner.run(main)
