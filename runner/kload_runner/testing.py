"""Aids for tests of load code, public: time that passes only when nothing else is left to do.

Never imported by the runner itself. ``run_virtual(main())`` runs hours of schedule in milliseconds, and every run of it
is the same: timers fire exactly at their instants. Do not mix it with real sockets, whose answers take real time.
"""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from typing_extensions import override

from kload_runner.clock import Waiter

T = TypeVar("T")

REAL_WAIT_S = 1.0  # seconds; how long a loop without timers waits for a thread before it calls the wait a deadlock


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock starts at 0 and jumps to the next timer instead of waiting for it."""

    def __init__(self) -> None:
        self.virtual_now = 0.0
        super().__init__(_JumpingSelector(self))

    @override
    def time(self) -> float:
        """Return virtual seconds since the loop was made."""
        return self.virtual_now

    def jump(self) -> None:
        """Move the clock to the earliest timer."""
        # The timer's own instant, not now + timeout: a sum that rounds down would leave it unripe for ever. asyncio
        # takes timers up to now + resolution: the least step of now wakes nobody early, and does not vanish beside it.
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # not in typeshed
        self.virtual_now = max(self.virtual_now, scheduled[0].when())
        self._clock_resolution = math.ulp(self.virtual_now)


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualTimeLoop) -> None:
        super().__init__()
        self._loop = loop

    @override
    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(REAL_WAIT_S if timeout is None else 0)
        if timeout is None and not ready:
            raise RuntimeError(
                "deadlock in virtual time: nothing is scheduled and nothing is ready"
            )
        if timeout and not ready:
            self._loop.jump()
        return ready


class VirtualClock:
    """A ``kload_runner.clock.Clock`` on the running VirtualTimeLoop; waits end exactly at their instants."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time

    async def sleep_until(self, instant: float) -> None:
        """Return at the instant; at once when it has passed."""
        if instant > self.now():
            reached = self._loop.create_future()
            timer = self._loop.call_at(instant, reached.set_result, None)
            try:
                await reached
            finally:
                timer.cancel()

    def alarm(self) -> AbstractContextManager[Waiter]:
        """Return the clock itself: it is as sharp as can be."""
        return nullcontext(self)


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in virtual time, from instant 0."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
