"""per-vu-iterations and shared-iterations: so many iterations, within a longest time.

Done early, the scenario ends early. What has not begun when the time is over is dropped (cause max-duration); what runs
then has gracefulStop, like everywhere.
"""

from __future__ import annotations

from kload_runner.executors.base import DropCause, NewVU, RunFrame
from kload_runner.executors.crew import Crew
from kload_runner.executors.looping import Looping, Part
from kload_spec.shapes import PerVUIterations, ScenarioLoad, SharedIterations, Span
from kload_spec.striping import share_of


class Counted:
    """One scenario of counted iterations on this runner."""

    def __init__(
        self,
        load: ScenarioLoad,
        shape: PerVUIterations | SharedIterations,
        frame: RunFrame,
        crew: Crew,
    ) -> None:
        self._shape = shape
        self._clock = frame.clock
        self._crew = crew
        self._looping = Looping(load, frame, crew)
        self._share = share_of(load, frame.runner)

    async def prepare(self, new_vu: NewVU) -> None:
        """Make and hire every VU of this runner's share."""
        shape, spans = self._shape, (Span(0.0, self._shape.max_duration_s),)
        vus = self._share.indexes(shape.vus)
        match shape:
            case PerVUIterations():

                def own_block(vu: int) -> Part:
                    return spans, iter(range(vu * shape.iterations, (vu + 1) * shape.iterations))

                await self._looping.hire(vus, new_vu, own_block)
            case SharedIterations():
                remaining = iter(self._share.indexes(shape.iterations))
                await self._looping.hire(vus, new_vu, lambda _: (spans, remaining))

    async def admit(self) -> None:
        """Return when the time is over; VUs start iterations by themselves."""
        await self._clock.sleep_until(self._looping.begins_at + self._shape.max_duration_s)

    async def alongside(self) -> None:
        """Nothing happens beside the iterations."""

    async def used_up(self) -> None:
        """Return when every VU has made its iterations, or one has failed."""
        await self._crew.empty()

    def settle(self, *, in_time: bool) -> None:
        """Count what never began; a run that was stopped from outside drops nothing."""
        if not in_time:
            return
        match self._shape:
            case PerVUIterations(iterations=per_vu):
                planned = self._share.count(self._shape.vus) * per_vu
            case SharedIterations(iterations=iterations):
                planned = self._share.count(iterations)
        self._crew.drop(planned - self._crew.started, DropCause.MAX_DURATION)
