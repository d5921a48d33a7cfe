"""constant-vus, ramping-vus, per-vu-iterations, shared-iterations: a VU starts its next iteration when it is done.

Turns a shape and this runner's share of it into lives of VUs; ``scenario`` ends them. Every VU of the share is made and
hired before the load begins and sleeps until its span, so that a step of the curve costs one timer.

    ramping-vus   span over, iteration runs      -> it may go on for gracefulRampDown
                  ... and a new span begins      -> the VU was reclaimed, nothing is cut off
                  ... and the time is over       -> ramp_down: the iteration is cut off, the VU stays for later spans
                  shape over                     -> gracefulStop for all, in ``scenario``
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count, zip_longest

from kload_runner.clock import TIMER_TICK_S
from kload_runner.executors.base import DropCause, NewVU, RunFrame
from kload_runner.executors.crew import Crew, Member
from kload_runner.executors.looping import Looping
from kload_spec.shapes import (
    ConstantVUs,
    PerVUIterations,
    RampingVUs,
    ScenarioLoad,
    SharedIterations,
    Span,
)
from kload_spec.striping import Share, share_of

HIRED_AT_ONCE = 100  # VUs made before other tasks get a turn; the control API must answer meanwhile

# Seconds for a VU that is due at the very end of a ramp to begin the one iteration it makes there, as in k6.
STARTS_AT_THE_END_S = 2 * TIMER_TICK_S

ClosedShape = ConstantVUs | RampingVUs | PerVUIterations | SharedIterations


class ClosedLoop:
    """One closed-loop scenario on this runner."""

    def __init__(self, load: ScenarioLoad, shape: ClosedShape, frame: RunFrame, crew: Crew) -> None:
        self._load = load
        self._shape = shape
        self._clock = frame.clock
        self._crew = crew
        self._begins_at = frame.start_at + load.start_time_s
        self._share = share_of(load, frame.runner)

    async def prepare(self, new_vu: NewVU) -> None:
        """Make and hire every VU of this runner's share."""
        looping = Looping(self._crew, self._clock, self._begins_at, self._load.pace_s)
        common = _common_indexes(self._shape, self._share)
        for made, vu in enumerate(self._vus(), start=1):
            member = Member(vu, self._load.vu_number(vu), new_vu(vu))
            indexes = common
            if isinstance(self._shape, PerVUIterations):
                first = vu * self._shape.iterations
                indexes = iter(range(first, first + self._shape.iterations))
            self._crew.hire(member, looping.life(member, _spans(self._shape, vu), indexes))
            if made % HIRED_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def admit(self) -> None:
        """Return when no iteration may start any more; members start them by themselves."""
        over_at = self._begins_at + self._shape.duration_s
        if isinstance(self._shape, RampingVUs):
            await self._cut_off_ramped_down(self._shape)
            if any(
                span.start_s == span.stop_s for vu in self._vus() for span in self._shape.spans(vu)
            ):
                over_at += STARTS_AT_THE_END_S
        await self._clock.sleep_until(over_at)

    async def used_up(self) -> None:
        """Return when every VU has made its iterations, or one has failed."""
        await self._crew.empty()

    def settle(self, *, in_time: bool) -> None:
        """Count what will never start; nothing is dropped when the run was stopped from outside."""
        if isinstance(self._shape, PerVUIterations | SharedIterations) and in_time:
            if isinstance(self._shape, PerVUIterations):
                planned = self._share.count(self._shape.vus) * self._shape.iterations
            else:
                planned = self._share.count(self._shape.iterations)
            self._crew.drop(planned - self._crew.started, DropCause.MAX_DURATION)

    def _vus(self) -> range:
        return self._share.indexes(self._shape.vu_limit)

    async def _cut_off_ramped_down(self, shape: RampingVUs) -> None:
        """Interrupt each iteration that outlives its VU's span by gracefulRampDown."""
        moments = sorted(
            (
                (moment, member)
                for member in self._crew.members
                for moment in _ends_of_grace(shape.spans(member.vu), shape)
            ),
            key=lambda entry: entry[0],
        )
        for moment, member in moments:
            await self._clock.sleep_until(self._begins_at + moment)
            self._crew.ramp_down(member)


def _spans(shape: ClosedShape, vu: int) -> tuple[Span, ...]:
    match shape:
        case ConstantVUs() | RampingVUs():
            return shape.spans(vu)
        case PerVUIterations() | SharedIterations():
            return (Span(0.0, shape.max_duration_s),)


def _common_indexes(shape: ClosedShape, share: Share) -> Iterator[int]:
    """Iterations that any VU of this runner may take; global indexes, so that no two runners use the same data row."""
    match shape:
        case SharedIterations():
            return iter(share.indexes(shape.iterations))
        case ConstantVUs() | RampingVUs() | PerVUIterations():
            return count(share.first, share.step)


def _ends_of_grace(spans: tuple[Span, ...], shape: RampingVUs) -> Iterator[float]:
    """Yield the instants at which a VU's running iteration is cut off after a ramp down, seconds into the shape."""
    for span, following in zip_longest(spans, spans[1:]):
        moment = span.stop_s + shape.graceful_ramp_down_s
        reclaimed = following is not None and following.start_s <= moment
        if span.stop_s < shape.duration_s and not reclaimed:
            yield moment
