"""Stopping a run before its plan is over: gently, then for good.

One Control serves all scenarios of a run. Knows nothing of reasons: the engine remembers why it called.

    running --stop()--> stopping: no new iteration, running ones get their gracefulStop
            --kill()--> killed: all is cut off now (also from stopping)
"""

from __future__ import annotations

import asyncio


class Control:
    """The handle by which the engine stops all executors of a run."""

    __slots__ = ("_killed", "_stopped")

    def __init__(self) -> None:
        self._stopped = asyncio.Event()
        self._killed = asyncio.Event()

    @property
    def stopping(self) -> bool:
        """Whether no new iteration may start."""
        return self._stopped.is_set()

    def stop(self) -> None:
        """Start no further iteration; running ones get their gracefulStop. Calling it again changes nothing."""
        self._stopped.set()

    def kill(self) -> None:
        """Cut off everything that runs, now."""
        self._stopped.set()
        self._killed.set()

    async def stopped(self) -> None:
        """Return once ``stop`` or ``kill`` was called."""
        await self._stopped.wait()

    async def killed(self) -> None:
        """Return once ``kill`` was called."""
        await self._killed.wait()
