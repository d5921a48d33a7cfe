"""Deadlines of exchanges, kept for all connections together: a timer per request would cost 1 µs each.

Knows nothing of HTTP. Whoever starts an exchange sets its `Deadline.at` (free) and enters it here only when
it is not entered for an earlier instant already. When that instant comes, the sweep looks: idle owners are
forgotten, busy ones entered again for their present deadline. So a connection with a constant timeout of
30 s costs one entry per 30 s, whatever its rate.

    entered for 12.00 ── exchange ── exchange ── 12.00: deadline now 41.70 ── entered for 41.70 ── ...

Deadlines are met up to `RESOLUTION_S` (and the loop's own lag) late, never early. A loop that was held up looks at its
sockets before its timers count: an answer that came meanwhile is none that came too late. tests: test_timeouts.py.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable
from typing import Protocol

RESOLUTION_S = 0.02  # entries are kept in slots of this width; one wake-up per occupied slot
STALLED_S = 0.1  # a sweep that is later than this comes from a loop that was held up
NEVER = math.inf


class Owner(Protocol):
    """Whose time can be over."""

    @property
    def busy(self) -> bool:
        """Whether an exchange is in flight."""
        ...

    def expire(self) -> None:
        """End the exchange in flight: its time is over."""
        ...


class Deadline:
    """The time limit of a connection's present exchange; outlives the connection, see `Client`.

    Attributes:
        at: instant the exchange in flight must be over.
        check_at: instant the sweep will look; `NEVER` when it is not entered.
        owner: who is told; None when nobody uses it.
    """

    __slots__ = ("at", "check_at", "owner")

    def __init__(self) -> None:
        self.at = NEVER
        self.check_at = NEVER
        self.owner: Owner | None = None


class Sweep:
    """One per loop; see the module."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        self._loop = loop
        self._clock = clock
        self._slots: dict[int, list[Deadline]] = {}
        self._order: list[int] = []  # heap of the slots' numbers
        self._timer: asyncio.TimerHandle | None = None
        self._timer_slot = -1
        self._waking = False
        self._held_up = False

    def enter(self, deadline: Deadline) -> None:
        """Enter a deadline; call it when `deadline.at < deadline.check_at`."""
        slot = math.ceil(deadline.at / RESOLUTION_S)
        deadline.check_at = slot * RESOLUTION_S
        entries = self._slots.get(slot)
        if entries is not None:
            entries.append(deadline)
            return
        self._slots[slot] = [deadline]
        heapq.heappush(self._order, slot)
        if not self._waking and (self._timer is None or slot < self._timer_slot):
            self._arm()

    def close(self) -> None:
        """Forget everything; nothing expires any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._slots.clear()
        self._order.clear()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._order:
            self._timer_slot = self._order[0]
            delay = self._timer_slot * RESOLUTION_S - self._clock()
            # 1 ms more: loops round to milliseconds, and waking early would only mean to wake again.
            self._timer = self._loop.call_later(max(0.0, delay) + 0.001, self._wake)

    def _wake(self) -> None:
        self._timer = None
        late = self._clock() - self._timer_slot * RESOLUTION_S > STALLED_S
        if late and not self._held_up:
            # Loops run timers before they read sockets, and the answers may be waiting there.
            self._held_up = True
            self._timer = self._loop.call_later(RESOLUTION_S, self._wake)
            return
        self._held_up = False
        self._waking = True  # what is entered again meanwhile is armed for once, at the end
        now = self._clock()
        while self._order and self._order[0] * RESOLUTION_S <= now:
            slot = heapq.heappop(self._order)
            for deadline in self._slots.pop(slot):
                # An entry is stale when its deadline has been entered for an earlier slot since.
                if deadline.check_at == slot * RESOLUTION_S:
                    self._look(deadline, now)
        self._waking = False
        self._arm()

    def _look(self, deadline: Deadline, now: float) -> None:
        deadline.check_at = NEVER
        owner = deadline.owner
        if owner is None or not owner.busy:
            return
        if deadline.at <= now:
            owner.expire()
        else:
            self.enter(deadline)
