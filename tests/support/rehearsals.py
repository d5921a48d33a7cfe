"""Runs load in virtual time with VUs that only take time, and writes down what happened when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from kload_runner.clock import Clock
from kload_runner.executors import (
    Control,
    DropCause,
    IterationInfo,
    RunFrame,
    ScenarioOutcome,
    run_scenario,
)
from kload_runner.testing import VirtualClock, run_virtual
from kload_spec.shapes import ScenarioLoad, Schedule, Shape
from kload_spec.striping import RunnerIndex

Takes = float | Callable[[ScenarioLoad, IterationInfo, float], float]


@dataclass(frozen=True)
class Ran:
    """One iteration: what it knew, when it began and ended; ended_at is None while it runs and when it was cut off."""

    scenario: str
    runner: int
    vu: int
    iter_in_vu: int
    index: int
    scheduled_at: float
    began_at: float
    ended_at: float | None


@dataclass
class Notes:
    """An Observer that keeps everything it hears, with the instant where that matters."""

    clock: Clock
    late_s: list[float] = field(default_factory=list)
    drops: list[tuple[float, int, DropCause]] = field(default_factory=list)
    interruptions: list[float] = field(default_factory=list)
    missed_paces: int = 0
    active: list[tuple[float, int]] = field(default_factory=list)

    def started_late(self, late_s: float) -> None:
        self.late_s.append(late_s)

    def dropped(self, count: int, cause: DropCause) -> None:
        self.drops.append((self.clock.now(), count, cause))

    def interrupted(self) -> None:
        self.interruptions.append(self.clock.now())

    def pace_missed(self) -> None:
        self.missed_paces += 1

    def vus_changed(self, active: int) -> None:
        self.active.append((self.clock.now(), active))


@dataclass
class Rehearsal:
    """What happened: by (scenario, runner) where a runner speaks for itself."""

    iterations: list[Ran] = field(default_factory=list)
    outcomes: dict[tuple[str, int], ScenarioOutcome] = field(default_factory=dict)
    notes: dict[tuple[str, int], Notes] = field(default_factory=dict)
    ended_at: float = 0.0

    @property
    def outcome(self) -> ScenarioOutcome:
        """The only outcome there is."""
        (only,) = self.outcomes.values()
        return only

    @property
    def note(self) -> Notes:
        """The only notes there are."""
        (only,) = self.notes.values()
        return only

    def began(self) -> list[float]:
        """When each iteration began, in order."""
        return sorted(ran.began_at for ran in self.iterations)


@dataclass(frozen=True)
class Plot:
    """How to rehearse: what iterations take, how many runners, who comes late, and when somebody stops it all."""

    takes_s: Takes = 0.0
    runners: int = 1
    late_s: tuple[float, ...] = ()  # by runner; missing: in time
    stop_at: float | None = None
    kill_at: float | None = None
    start_at: float = 0.0


def rehearse(what: Schedule | ScenarioLoad | Shape, plot: Plot = Plot()) -> Rehearsal:
    """Run every scenario on every runner of a fleet, side by side in one virtual time."""
    if isinstance(what, Schedule):
        schedule = what
    else:
        load = what if isinstance(what, ScenarioLoad) else ScenarioLoad("s", what)
        schedule = Schedule.of([load])
    return run_virtual(_perform(schedule, plot))


async def _perform(schedule: Schedule, plot: Plot) -> Rehearsal:
    rehearsal, clock, control = Rehearsal(), VirtualClock(), Control()
    loop = asyncio.get_running_loop()
    if plot.stop_at is not None:
        loop.call_at(plot.stop_at, control.stop)
    if plot.kill_at is not None:
        loop.call_at(plot.kill_at, control.kill)
    parts: list[Coroutine[Any, Any, None]] = []
    for index in range(plot.runners):
        frame = RunFrame(RunnerIndex(index, plot.runners), clock, plot.start_at, control)
        joins_at = plot.late_s[index] if index < len(plot.late_s) else 0.0
        parts += [_part(load, frame, plot, joins_at, rehearsal) for load in schedule.loads]
    await asyncio.gather(*parts)
    rehearsal.ended_at = clock.now()
    return rehearsal


async def _part(
    load: ScenarioLoad, frame: RunFrame, plot: Plot, joins_at: float, rehearsal: Rehearsal
) -> None:
    notes = Notes(frame.clock)
    rehearsal.notes[load.name, frame.runner.index] = notes
    await frame.clock.sleep_until(joins_at)

    def new_vu(vu: int) -> TimeTaker:
        return TimeTaker(load, vu, frame, plot.takes_s, rehearsal)

    outcome = await run_scenario(load, frame, new_vu=new_vu, observer=notes)
    rehearsal.outcomes[load.name, frame.runner.index] = outcome


class TimeTaker:
    """A VU whose iterations take time and do nothing."""

    def __init__(
        self, load: ScenarioLoad, vu: int, frame: RunFrame, takes_s: Takes, rehearsal: Rehearsal
    ) -> None:
        self.load = load
        self.number = load.vu_number(vu)
        self.frame = frame
        self.takes_s = takes_s
        self.rehearsal = rehearsal

    async def run_iteration(self, iteration: IterationInfo) -> None:
        assert iteration.vu == self.number
        clock = self.frame.clock
        began_at, ended_at = clock.now(), None
        known = (iteration.vu, iteration.iter_in_vu, iteration.index, iteration.scheduled_at)
        takes_s = self.takes_s
        try:
            if callable(takes_s):
                takes_s = takes_s(self.load, iteration, began_at)
            await clock.sleep_until(began_at + takes_s)
            ended_at = clock.now()
        finally:
            ran = Ran(self.load.name, self.frame.runner.index, *known, began_at, ended_at)
            self.rehearsal.iterations.append(ran)
