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
from collections.abc import Iterator

from kload_runner.clock import Clock
from kload_runner.executors.crew import Crew, Member
from kload_spec.shapes import Span

# Seconds. A shorter iteration cannot have waited for anything; without giving way it would lock out all other VUs.
NEVER_WAITED_S = 20e-6
# Iterations after which a VU gives way in any case: long ones may burn CPU and never wait either. A power of two.
GIVE_WAY_EVERY = 16


class Looping:
    """Lets members of a crew loop.

    Args:
        begins_at: instant of the shape's time 0.
        pace_s: least seconds between two starts of one VU; None for back to back.
    """

    def __init__(self, crew: Crew, clock: Clock, begins_at: float, pace_s: float | None) -> None:
        self._crew = crew
        self._clock = clock
        self._begins_at = begins_at
        self._pace_s = pace_s

    async def life(self, member: Member, spans: tuple[Span, ...], indexes: Iterator[int]) -> None:
        """Be active in each span in turn; a span that is over already is skipped (a late runner)."""
        clock, crew = self._clock, self._crew
        for span in spans:
            starts_at, stops_at = self._begins_at + span.start_s, self._begins_at + span.stop_s
            if clock.now() > stops_at:
                continue
            await clock.sleep_until(starts_at)
            if member.released:
                return
            member.until = stops_at
            crew.count_active(+1)
            try:
                if self._pace_s is None:
                    await self._loop(member, indexes)
                else:
                    await self._paced_loop(member, indexes, self._pace_s)
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
        """Count an interrupted iteration; say whether the VU was merely ramped down and may come back."""
        self._crew.note_interrupted()
        if not member.ramped_down:
            return False
        member.ramped_down = False
        member.task.uncancel()
        return True
