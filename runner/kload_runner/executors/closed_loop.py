"""constant-vus and ramping-vus: so many VUs loop at each moment.

Every VU of this runner's share is made and hired before the load begins and sleeps until its span, so that a step of
the curve costs one timer.

    span over, an iteration runs      it may go on for gracefulRampDown
    ... and a new span begins         the VU was reclaimed: nothing is cut off, it goes on
    ... and that time is over         ramp_down: the iteration is cut off, the VU stays for later spans
    shape over                        gracefulStop for all (``scenario``), which cuts a longer gracefulRampDown short
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, zip_longest

from kload_runner.clock import TIMER_TICK_S
from kload_runner.executors.base import NewVU, RunFrame
from kload_runner.executors.crew import Crew
from kload_runner.executors.looping import Looping
from kload_spec.shapes import ConstantVUs, RampingVUs, ScenarioLoad, Span
from kload_spec.striping import share_of

# Seconds for a VU that is due at the very end of a ramp to begin the one iteration it makes there, as in k6.
STARTS_AT_THE_END_S = 2 * TIMER_TICK_S


class ClosedLoop:
    """One scenario of looping VUs on this runner."""

    def __init__(
        self, load: ScenarioLoad, shape: ConstantVUs | RampingVUs, frame: RunFrame, crew: Crew
    ) -> None:
        self._shape = shape
        self._clock = frame.clock
        self._crew = crew
        self._looping = Looping(load, frame, crew)
        self._share = share_of(load, frame.runner)
        self._spans = {vu: shape.spans(vu) for vu in self._share.indexes(shape.vu_limit)}

    async def prepare(self, new_vu: NewVU) -> None:
        """Make and hire every VU of this runner's share."""
        # One count for all VUs, striped: no two runners number an iteration, or use a data row, alike.
        indexes = count(self._share.first, self._share.step)
        vus = self._share.indexes(self._shape.vu_limit)
        await self._looping.hire(vus, new_vu, lambda vu: (self._spans[vu], indexes))

    async def admit(self) -> None:
        """Return when no iteration may start any more; VUs start them by themselves."""
        over_at = self._looping.begins_at + self._shape.duration_s
        if any(span.start_s == span.stop_s for spans in self._spans.values() for span in spans):
            over_at += STARTS_AT_THE_END_S
        await self._clock.sleep_until(over_at)

    async def alongside(self) -> None:
        """Cut off each iteration that outlives its VU's span by gracefulRampDown, also while draining."""
        if not isinstance(self._shape, RampingVUs):
            return
        moments = sorted(
            (moment, place)
            for place, member in enumerate(self._crew.members)
            for moment in _ends_of_grace(self._spans[member.vu], self._shape)
        )
        for moment, place in moments:
            await self._clock.sleep_until(self._looping.begins_at + moment)
            self._crew.ramp_down(self._crew.members[place])

    async def used_up(self) -> None:
        """Return when a VU has failed: a closed loop lasts as long as its stages, VUs or not."""
        await self._crew.failed()

    def settle(self, *, in_time: bool) -> None:
        """Nothing to count: a closed loop plans no number of iterations."""


def _ends_of_grace(spans: tuple[Span, ...], shape: RampingVUs) -> Iterator[float]:
    """Yield the instants at which a VU's running iteration is cut off after a ramp down, seconds into the shape."""
    for span, following in zip_longest(spans, spans[1:]):
        moment = span.stop_s + shape.graceful_ramp_down_s
        reclaimed = following is not None and following.start_s <= moment
        if span.stop_s < shape.duration_s and not reclaimed:
            yield moment
