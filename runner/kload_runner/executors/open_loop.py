"""constant-arrival-rate, ramping-arrival-rate: iterations start at their instants, whatever the target does.

One dispatcher hands each arrival to an idle VU; VUs take turns. A VU that is missing is made at once, up to this
runner's share of maxVUs; an arrival that finds them all busy is dropped, never queued. The schedule is absolute: an
arrival that is late is handed out at once, and its iteration knows the instant it should have started at.

    due(n) --- idle VU ------------------------------------> handed over
           --- none idle, pool below maxVUs ---------------> VU made, handed over
           --- all busy, on time --------------------------> dropped: no-idle-vu (the target's fault)
           --- all busy, and we are later than BLAMED_AFTER_S -> dropped: generator-late (ours: on time, one might
                                                             have been idle)
           --- passed before this runner joined ------------> dropped: generator-late
           --- still not handed over OVERTIME_S after the end -> dropped: generator-late

Measured cost: see tests/kload_runner/executors/test_overhead.py.
"""

from __future__ import annotations

import asyncio
from collections import deque

from kload_runner.executors.base import DropCause, NewVU, RunFrame
from kload_runner.executors.crew import Crew, Member
from kload_runner.executors.looping import HIRED_AT_ONCE
from kload_spec.shapes import ArrivalShape, ScenarioLoad
from kload_spec.striping import share_of

JOINED_LATE_S = 0.1  # seconds behind time 0 up to which a runner still catches up instead of joining the current phase
OVERTIME_S = 0.1  # seconds after the end of the shape in which a late dispatcher may still hand out what was due
BLAMED_AFTER_S = 0.01  # seconds of our own lateness that make a drop no fault of the target
HANDED_AT_ONCE = 16  # arrivals handed out while behind before VUs get a turn


class OpenLoop:
    """One arrival-rate scenario on this runner."""

    def __init__(
        self, load: ScenarioLoad, shape: ArrivalShape, frame: RunFrame, crew: Crew
    ) -> None:
        self._load = load
        self._shape = shape
        self._clock = frame.clock
        self._crew = crew
        self._begins_at = frame.start_at + load.start_time_s
        self._share = share_of(load, frame.runner)
        self._vus = iter(self._share.indexes(shape.max_vus))
        self._idle: deque[Member] = deque()
        self._new_vu: NewVU | None = None

    async def prepare(self, new_vu: NewVU) -> None:
        """Make this runner's share of the pre-allocated VUs."""
        self._new_vu = new_vu
        for made in range(1, self._share.count(self._shape.pre_allocated_vus) + 1):
            member = self._hire()
            if member is None:
                break
            self._idle.append(member)
            if made % HIRED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def admit(self) -> None:
        """Hand out every arrival of this runner at its instant; return at the end of the shape."""
        begins_at, now, idle = self._begins_at, self._clock.now, self._idle
        over_at = begins_at + self._shape.duration_s
        arrivals = self._still_to_come()
        with self._clock.alarm() as alarm:
            handed = 0  # arrivals since VUs had a turn
            for place, (index, due_s) in enumerate(self._shape.instants(arrivals)):
                due = begins_at + due_s
                if (at := now()) < due:
                    await alarm.sleep_until(due)
                    handed = 0
                elif at > over_at + OVERTIME_S:
                    self._crew.drop(len(arrivals) - place, DropCause.GENERATOR_LATE)
                    return
                elif handed >= HANDED_AT_ONCE:
                    await asyncio.sleep(0)
                    handed = 0
                member = idle.popleft() if idle else self._hire()
                if member is None and handed:
                    await asyncio.sleep(0)
                    handed, member = 0, idle.popleft() if idle else None
                if member is None:
                    late = now() - due > BLAMED_AFTER_S
                    self._crew.drop(1, DropCause.GENERATOR_LATE if late else DropCause.NO_IDLE_VU)
                else:
                    member.info.index, member.info.scheduled_at = index, due
                    member.busy = True
                    member.wakeup.set_result(None)
                    handed += 1
        await self._clock.sleep_until(over_at)

    async def alongside(self) -> None:
        """Nothing happens beside the arrivals."""

    async def used_up(self) -> None:
        """Return when a VU has failed; an open loop is never done before its time."""
        await self._crew.failed()

    def settle(self, *, in_time: bool) -> None:
        """Nothing is left to count: every arrival was handed out or dropped at its instant."""

    def _still_to_come(self) -> range:
        """Return this runner's arrivals, without those that passed before it joined."""
        arrivals = self._share.indexes(self._shape.planned_iterations)
        late_s = self._clock.now() - self._begins_at
        if late_s <= JOINED_LATE_S:
            return arrivals
        missed = self._share.count(self._shape.count(late_s))
        self._crew.drop(missed, DropCause.GENERATOR_LATE)
        return arrivals[missed:]

    def _hire(self) -> Member | None:
        """Make one more VU; None when the share of maxVUs is used up."""
        vu = next(self._vus, None)
        if vu is None or self._new_vu is None:
            return None
        member = Member(vu, self._load.vu_number(vu), self._new_vu(vu))
        member.wakeup = asyncio.get_running_loop().create_future()
        self._crew.hire(member, self._life(member))
        return member

    async def _life(self, member: Member) -> None:
        """Wait for an arrival, run it, get in line again."""
        now, info, run = self._clock.now, member.info, member.run_iteration
        started_late, get_in_line = self._crew.observer.started_late, self._idle.append
        create_future = asyncio.get_running_loop().create_future
        self._crew.count_active(+1)
        try:
            while True:
                await member.wakeup
                started_late(now() - info.scheduled_at)
                try:
                    await run(info)
                except asyncio.CancelledError:
                    if member.task.cancelling():
                        raise
                    self._crew.note_interrupted()  # something inside was cancelled, not the VU
                info.iter_in_vu += 1
                member.busy = False
                if member.released:
                    return
                member.wakeup = create_future()
                get_in_line(member)
        except asyncio.CancelledError:
            if member.busy:
                self._crew.note_interrupted()
            raise
        finally:
            if member.busy:
                info.iter_in_vu += 1
                member.busy = False
            self._crew.count_active(-1)
