"""The runner's one way to read time and to wait: seconds as float on the monotonic clock.

Nobody else in the load path calls ``time`` or ``asyncio.sleep`` with a computed delay. Wall time is not here: it
belongs into logs and results only. Executors, pacing and steps get a Clock handed in, so that tests run in virtual
time (``kload_runner.testing.VirtualClock``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from kload_runner.alarm import TimerFd, has_timer_fd

logger = logging.getLogger(__name__)

# Seconds; what event loops can count. uvloop's timers fire up to 1.2 ms early and asyncio's up to 1 ms late, so a
# shorter rest is rounded up to this instead of being spun away.
TIMER_TICK_S = 0.001


class Waiter(Protocol):
    """Waits for instants, one after another."""

    async def sleep_until(self, instant: float) -> None:
        """Return at the instant or soon after, never before; at once when it has passed."""
        ...


class Clock(Waiter, Protocol):
    """Reads monotonic time and waits for instants on it."""

    def now(self) -> float:
        """Return the current instant, seconds; only differences mean something."""
        ...

    def alarm(self) -> AbstractContextManager[Waiter]:
        """Open a sharper waiter for one coroutine: for a schedule whose lateness is measured."""
        ...


class MonotonicClock:
    """Real time. Waits are up to about 1 ms late; an alarm's about 0.1 ms on Linux, for more CPU per wait."""

    # Not loop.time: uvloop's counts whole milliseconds. An attribute, because a method would double the cost of a call.
    now = staticmethod(time.monotonic)

    async def sleep_until(self, instant: float) -> None:
        """Return at the instant or just after."""
        left = instant - time.monotonic()
        while left > 0:
            await asyncio.sleep(max(left, TIMER_TICK_S))
            left = instant - time.monotonic()

    def alarm(self) -> AbstractContextManager[Waiter]:
        """Open a timer of its own where the system has one to give, else the clock itself."""
        if has_timer_fd():
            try:
                return TimerFd()
            except OSError as error:
                logger.warning("arrivals may start up to 1 ms late: %s", error)
        return nullcontext(self)
