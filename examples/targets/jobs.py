"""Work that is done after the answer: one background job of a demo server, in batches, until nothing is left.

Knows no database and no domain: it calls a step again and again. A server accepts (202), calls `wake`, and its step
takes a batch from the table of what waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

logger = logging.getLogger(__name__)

IDLE_S = 1.0  # how often to look without being woken: work left by a process that died
RETRY_S = 0.2  # after a step that failed


class Job:
    """Runs `step` until it reports nothing done, then waits to be woken.

    Args:
        step: does one batch and returns how many items it did; 0 means nothing is waiting.
    """

    def __init__(self, name: str, step: Callable[[], Awaitable[int]]) -> None:
        self._name = name
        self._step = step
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Say that there is work."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; a step that fails is logged and tried again."""
        while True:
            self._woken.clear()
            try:
                done = await self._step()
            except Exception:
                logger.exception(
                    "job %s: a batch failed; trying again in %s s", self._name, RETRY_S
                )
                await asyncio.sleep(RETRY_S)
                continue
            if done == 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), IDLE_S)
            else:
                # A breath between batches: requests come first, jobs catch up in the gaps.
                await asyncio.sleep(0)
