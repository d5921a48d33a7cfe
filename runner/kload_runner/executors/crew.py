"""The VUs of one scenario on this runner, as tasks: hiring them, letting them go, cutting them off.

One task per VU for its whole life, never one per iteration. Does not know when an iteration should start: that is the
life (a coroutine) an executor gives each member. Keeps the counts that become the ScenarioOutcome.

    member    idle: waits for a start, its pace, an arrival      release: its task ends at once
              busy: inside run_iteration                         release: it ends after the iteration
                                                                 ramp_down: the iteration is cancelled, the VU stays
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
from collections.abc import Coroutine

from kload_runner.clock import Clock
from kload_runner.executors.base import DropCause, IterationInfo, Observer, VirtualUser

logger = logging.getLogger(__name__)

INSIST_EVERY_S = 1.0  # seconds between two attempts to cut off a VU that swallows its cancellation
INSIST_TIMES = 5  # after that it is abandoned: a script that catches everything must not keep the run from ending


class Member:
    """One VU with its task. The life of a member writes ``busy`` and ``info``; the crew writes the rest.

    An iteration is counted once: by ``busy`` while it runs, by ``info.iter_in_vu`` afterwards.

    Attributes:
        vu: index of the VU in its scenario, global.
        until: instant from which no further iteration may start.
        busy: whether an iteration runs, or is about to.
        released: whether its life should end.
        ramped_down: whether the cancellation under way ends the iteration only, not the VU.
        not_before: earliest instant of the next iteration by the scenario's pace.
        wakeup: what an idle member of an arrival-rate executor waits for; set by its executor.
        task: set when it is hired.
    """

    __slots__ = (
        "busy",
        "info",
        "not_before",
        "ramped_down",
        "released",
        "run_iteration",
        "task",
        "until",
        "vu",
        "wakeup",
    )

    wakeup: asyncio.Future[None]
    task: asyncio.Task[None]

    def __init__(self, vu: int, number: int, user: VirtualUser) -> None:
        self.vu = vu
        self.info = IterationInfo(number)
        self.run_iteration = user.run_iteration
        self.until = math.inf
        self.busy = False
        self.released = False
        self.ramped_down = False
        self.not_before = -math.inf


class Crew:
    """All members of one scenario on this runner."""

    def __init__(self, observer: Observer) -> None:
        self.members: list[Member] = []
        self.observer = observer
        self.active = 0
        self.interrupted = 0
        self.missed_paces = 0
        self.dropped: dict[DropCause, int] = {}
        self.failure: BaseException | None = None
        self._present = 0
        self._empty = asyncio.Event()
        self._failed = asyncio.Event()

    @property
    def started(self) -> int:
        """Iterations begun by all members, those that run now included."""
        return sum(member.info.iter_in_vu + member.busy for member in self.members)

    def hire(self, member: Member, life: Coroutine[None, None, None]) -> None:
        """Start a member's task."""
        member.task = asyncio.get_running_loop().create_task(life)
        member.task.add_done_callback(self._left)
        self.members.append(member)
        self._present += 1
        self._empty.clear()

    def _left(self, task: asyncio.Task[None]) -> None:
        self._present -= 1
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failure = self.failure or error
            self._failed.set()
        if self._present == 0 or self.failure is not None:
            self._empty.set()

    async def empty(self) -> None:
        """Return when every member's task has ended, or one has failed."""
        if self._present:
            await self._empty.wait()

    async def failed(self) -> None:
        """Return when a member's task has ended with an error, which is then ``failure``."""
        await self._failed.wait()

    def count_active(self, change: int) -> None:
        """Note VUs that became active or inactive."""
        self.active += change
        self.observer.vus_changed(self.active)

    def drop(self, count: int, cause: DropCause) -> None:
        """Note planned iterations that will never start."""
        if count > 0:
            self.dropped[cause] = self.dropped.get(cause, 0) + count
            self.observer.dropped(count, cause)

    def note_interrupted(self) -> None:
        """Note an iteration that was cut off."""
        self.interrupted += 1
        self.observer.interrupted()

    def note_missed_pace(self) -> None:
        """Note an iteration that took longer than the pace."""
        self.missed_paces += 1
        self.observer.pace_missed()

    def release(self) -> None:
        """Let no member start another iteration; idle ones leave now, busy ones after their iteration."""
        for member in self.members:
            member.released = True
            member.until = -math.inf
            if not member.busy:
                member.task.cancel()

    def ramp_down(self, member: Member) -> None:
        """Cut off what a member runs, if anything; the VU itself stays, for a later ramp up."""
        if member.busy:
            member.ramped_down = True
            member.task.cancel()

    async def disband(self, clock: Clock) -> int:
        """End all tasks, now; return how many VUs had to be abandoned."""
        self.release()
        for _ in range(INSIST_TIMES):
            left = [member.task for member in self.members if not member.task.done()]
            if not left:
                return 0
            for task in left:
                task.cancel()
            # Tasks may need a turn or two to close their connections.
            await _all_done(left, clock, INSIST_EVERY_S)
        left = [member.task for member in self.members if not member.task.done()]
        stubborn = [member.info.vu for member in self.members if not member.task.done()]
        failure = self.failure
        for task in left:
            _close(task)
        if stubborn:
            await _all_done(left, clock, INSIST_EVERY_S)
            self.failure = failure  # how a closed coroutine ends is no failure
            logger.warning(
                "%d VUs ignore their cancellation and are abandoned, e.g. VU %d",
                len(stubborn),
                stubborn[0],
            )
        return len(stubborn)


def _close(task: asyncio.Task[None]) -> None:
    """End a coroutine from below: what swallows its cancellation must not go on sending when the load is over."""
    with contextlib.suppress(Exception):  # what it says to that, or that it ignores that too
        task.get_coro().close()
    task.cancel()


async def _all_done(tasks: list[asyncio.Task[None]], clock: Clock, within_s: float) -> None:
    """Wait for tasks, at most so many seconds; their results are looked at elsewhere."""
    timer = asyncio.ensure_future(clock.sleep_until(clock.now() + within_s))
    everything = asyncio.ensure_future(asyncio.wait(tasks))
    await asyncio.wait((timer, everything), return_when=asyncio.FIRST_COMPLETED)
    for waiting in (timer, everything):
        waiting.cancel()
    await asyncio.gather(timer, everything, return_exceptions=True)
