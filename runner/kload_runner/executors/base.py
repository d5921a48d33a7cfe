"""What executors share with the rest of the runner: the seams and the facts that cross them.

Holds no scheduling. The engine gives a scenario's VUs (``NewVU``), an ``Observer`` for what only the schedule knows,
and the ``RunFrame``; it gets a ``ScenarioOutcome`` back. What an iteration does, and how it is measured, is not known
here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from kload_runner.clock import Clock
from kload_runner.executors.control import Control
from kload_spec.striping import RunnerIndex


@dataclass(slots=True)
class IterationInfo:
    """What an iteration knows about itself. One object per VU, changed in place: valid until the iteration ends.

    Attributes:
        vu: number of the VU, 1-based, unique over scenarios and runners.
        iter_in_vu: iterations this VU has started before, in this scenario.
        index: 0-based index of the iteration in its scenario, unique over all runners: data rows, arrivals.
        scheduled_at: instant (of the Clock) at which it should start; arrivals: by the plan; else: now.
    """

    vu: int
    iter_in_vu: int = 0
    index: int = 0
    scheduled_at: float = 0.0


class VirtualUser(Protocol):
    """Someone who can run one iteration after another, never two at once."""

    async def run_iteration(self, iteration: IterationInfo) -> None:
        """Run one iteration to its end.

        A failed iteration is measured inside and returns normally; an exception ends the whole scenario. Cancellation
        means that its time is up: let it through. The VU may be asked for another iteration afterwards.
        """
        ...


NewVU = Callable[[int], VirtualUser]
"""Makes the VU of a scenario-wide index (0-based, global); called before the load, or in the middle of it."""


class DropCause(StrEnum):
    """Why a planned iteration never started."""

    NO_IDLE_VU = "no-idle-vu"  # all VUs wait for the target: its fault
    GENERATOR_LATE = "generator-late"  # this runner was late: our fault
    MAX_DURATION = "max-duration"  # counted executors: time was up


class Observer(Protocol):
    """Hears what only the schedule knows about one scenario. Called in the load path: must be quick and not raise."""

    def started_late(self, late_s: float) -> None:
        """An arrival started this many seconds after its instant; called for every arrival, 0 and below included."""

    def dropped(self, count: int, cause: DropCause) -> None:
        """So many planned iterations will never start."""

    def interrupted(self) -> None:
        """An iteration was cut off: its graceful time was over, or the run was killed."""

    def pace_missed(self) -> None:
        """An iteration took longer than the pace; the next starts at once."""

    def vus_changed(self, active: int) -> None:
        """So many VUs are active on this runner from now on (arrivals: VUs in the pool)."""


@dataclass(frozen=True, slots=True)
class RunFrame:
    """What all scenarios of a run have in common on this runner.

    Attributes:
        runner: its place in the fleet.
        clock: the time everything is measured by.
        start_at: instant of the run's time 0; may be in the future (armed) or in the past (a late runner).
        control: how the run is stopped early.
    """

    runner: RunnerIndex
    clock: Clock
    start_at: float
    control: Control


@dataclass(frozen=True, slots=True)
class ScenarioOutcome:
    """What became of one scenario on this runner.

    Attributes:
        started: iterations begun; completed + interrupted.
        completed: iterations run to their end, failed ones included.
        interrupted: iterations cut off.
        dropped: planned iterations that never started, by cause.
        missed_paces: iterations longer than the pace.
        joined_late_s: seconds this runner came late into the scenario; 0 when it was in time.
        abandoned: VUs that did not react to being interrupted.
        stopped_early: the run's Control ended it, not its shape.
    """

    started: int = 0
    completed: int = 0
    interrupted: int = 0
    dropped: dict[DropCause, int] = field(default_factory=dict)
    missed_paces: int = 0
    joined_late_s: float = 0.0
    abandoned: int = 0
    stopped_early: bool = False
