"""The life of a VU that loops: one iteration after another until its time or its indexes run out.

Shared by four executors; they differ in the spans in which a VU is active and in where its iteration indexes come from:

    constant-vus, ramping-vus   endless indexes, counted per runner and striped    spans from the shape
    per-vu-iterations           the VU's own block of indexes                      one span of maxDuration
    shared-iterations           the runner's part, taken by whichever VU is free   one span of maxDuration

This is the hot path of closed loops, about 0.3 us per iteration on top of the iteration itself (measured, see
tests/kload_runner/executors/test_overhead.py); hence locals, no allocation, and one clock reading per iteration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from kload_runner.executors.base import NewVU, RunFrame
from kload_runner.executors.crew import Crew, Member
from kload_spec.shapes import ScenarioLoad, Span

Part = tuple[tuple[Span, ...], Iterator[int]]
"""When a VU is active, and where the global indexes of its iterations come from."""

HIRED_AT_ONCE = 100  # VUs made before other tasks get a turn; the control API must answer meanwhile

# Seconds. A shorter iteration cannot have waited for anything; without giving way it would lock out all other VUs.
NEVER_WAITED_S = 20e-6
# Iterations after which a VU gives way in any case: long ones may burn CPU and never wait either. A power of two.
GIVE_WAY_EVERY = 16


class Looping:
    """Hires VUs that loop, and is their life."""

    def __init__(self, load: ScenarioLoad, frame: RunFrame, crew: Crew) -> None:
        self.begins_at = frame.start_at + load.start_time_s
        self._load = load
        self._crew = crew
        self._clock = frame.clock

    async def hire(self, vus: range, new_vu: NewVU, part_of: Callable[[int], Part]) -> None:
        """Make and hire VUs, each with its part; other tasks get a turn meanwhile."""
        for made, vu in enumerate(vus, start=1):
            member = Member(vu, self._load.vu_number(vu), new_vu(vu))
            self._crew.hire(member, self._life(member, *part_of(vu)))
            if made % HIRED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _life(self, member: Member, spans: tuple[Span, ...], indexes: Iterator[int]) -> None:
        """Be active in each span in turn; a span that is over already is skipped (a late runner)."""
        clock, crew = self._clock, self._crew
        for span in spans:
            starts_at, stops_at = self.begins_at + span.start_s, self.begins_at + span.stop_s
            if clock.now() > stops_at:
                continue
            await clock.sleep_until(starts_at)
            if member.released:
                return
            member.until = stops_at
            crew.count_active(+1)
            try:
                if self._load.pace_s is None:
                    await self._loop(member, indexes)
                else:
                    await self._paced_loop(member, indexes, self._load.pace_s)
            finally:
                crew.count_active(-1)

    async def _loop(self, member: Member, indexes: Iterator[int]) -> None:
        now, info, run = self._clock.now, member.info, member.run_iteration
        began = now()
        for info.index in indexes:
            info.scheduled_at = began
            member.busy = True
            try:
                await run(info)
            except asyncio.CancelledError:
                if not self._goes_on(member):
                    raise
            finally:
                info.iter_in_vu += 1
                member.busy = False
            ended = now()
            if ended - began < NEVER_WAITED_S or not info.iter_in_vu % GIVE_WAY_EVERY:
                await asyncio.sleep(0)
                ended = now()
            if ended >= member.until:
                return
            began = ended

    async def _paced_loop(self, member: Member, indexes: Iterator[int], pace_s: float) -> None:
        clock, info = self._clock, member.info
        planned = max(clock.now(), member.not_before)
        # The index is taken before the wait: a VU that has none left must not wait for its pace to find out.
        while planned < member.until and (index := next(indexes, None)) is not None:
            await clock.sleep_until(planned)
            info.index, info.scheduled_at = index, clock.now()
            member.busy = True
            try:
                await member.run_iteration(info)
            except asyncio.CancelledError:
                if not self._goes_on(member):
                    raise
            finally:
                info.iter_in_vu += 1
                member.busy = False
            ended = clock.now()
            # From the planned start, not the actual one: timers that are a little late would add up to less load.
            planned += pace_s
            if ended > planned:
                planned = ended
                if ended < member.until:
                    self._crew.note_missed_pace()
                await asyncio.sleep(0)
            member.not_before = planned

    def _goes_on(self, member: Member) -> bool:
        """Count an interrupted iteration; say whether the VU may start another."""
        self._crew.note_interrupted()
        if member.ramped_down:
            member.ramped_down = False
            member.task.uncancel()
        # What is left are requests to end the task. None: it was ramped down, or something inside was cancelled.
        return not member.task.cancelling()
