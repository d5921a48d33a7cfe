"""The load of a whole run: scenarios with their shapes on one time axis, and what can be said before it starts.

Pure; built by planning, executed by the runner's executors, printed by ``kload validate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from kload_spec.shapes.arrivals import ConstantArrivalRate, RampingArrivalRate
from kload_spec.shapes.instants import to_ns, to_s
from kload_spec.shapes.iterations import PerVUIterations, SharedIterations
from kload_spec.shapes.virtual_users import ConstantVUs, RampingVUs, StepKind

VUShape = ConstantVUs | RampingVUs
IterationShape = PerVUIterations | SharedIterations
ArrivalShape = ConstantArrivalRate | RampingArrivalRate
Shape = VUShape | IterationShape | ArrivalShape

DEFAULT_GRACEFUL_STOP_S = 30.0  # seconds; k6's default for every executor


@dataclass(frozen=True, slots=True)
class ScenarioLoad:
    """One scenario's load, global: the same on every runner.

    Attributes:
        name: the scenario.
        shape: what its executor follows.
        start_time_s: seconds after the run's start.
        graceful_stop_s: seconds a running iteration may go on after the shape has ended.
        pace_s: least seconds between two iteration starts of one VU; None for back to back. Not for arrivals.
        ordinal: position among the run's scenarios sorted by name; Schedule.of sets it.
        first_vu: number of the VU with index 0, unique in the run, 1-based; Schedule.of sets it.
    """

    name: str
    shape: Shape
    start_time_s: float = 0.0
    graceful_stop_s: float = DEFAULT_GRACEFUL_STOP_S
    pace_s: float | None = None
    ordinal: int = 0
    first_vu: int = 1

    @property
    def end_s(self) -> float:
        """Latest start of an iteration, seconds after the run's start."""
        return to_s(to_ns(self.start_time_s) + to_ns(self.shape.duration_s))

    @property
    def longest_s(self) -> float:
        """Latest end of an iteration, graceful stop included, seconds after the run's start."""
        return to_s(to_ns(self.end_s) + to_ns(self.graceful_stop_s))

    def vus_at(self, t_s: float) -> int:
        """VUs active (at most, for counted shapes and arrivals) t_s seconds into the run."""
        return self.shape.vus_at(to_s(to_ns(t_s) - to_ns(self.start_time_s)))

    def vu_number(self, vu: int) -> int:
        """Return the run-wide number (1-based) of this scenario's VU index."""
        return self.first_vu + vu


@dataclass(frozen=True, slots=True)
class Moment:
    """VUs active from this moment on: ``at_s`` seconds into the run."""

    at_s: float
    vus: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """All scenarios of a run, sorted by name. Build it with ``Schedule.of``."""

    loads: tuple[ScenarioLoad, ...]

    @classmethod
    def of(cls, loads: Iterable[ScenarioLoad]) -> Schedule:
        """Sort scenarios by name, number them and give each its own range of VU numbers."""
        numbered: list[ScenarioLoad] = []
        first_vu = 1
        for ordinal, load in enumerate(sorted(loads, key=lambda load: load.name)):
            numbered.append(replace(load, ordinal=ordinal, first_vu=first_vu))
            first_vu += load.shape.vu_limit
        return cls(tuple(numbered))

    def load(self, name: str) -> ScenarioLoad:
        """Return one scenario's load.

        Raises:
            KeyError: no such scenario.
        """
        for load in self.loads:
            if load.name == name:
                return load
        raise KeyError(name)

    @property
    def duration_s(self) -> float:
        """Latest start of any iteration, seconds after the run's start."""
        return max((load.end_s for load in self.loads), default=0.0)

    @property
    def longest_s(self) -> float:
        """Longest the load can take, graceful stops included, seconds."""
        return max((load.longest_s for load in self.loads), default=0.0)

    @property
    def max_vus(self) -> int:
        """Most VUs at once, over all scenarios, at the busiest moment."""
        return max((moment.vus for moment in self.vus_over_time()), default=0)

    @property
    def planned_iterations(self) -> int | None:
        """Iterations at most; None when a closed loop leaves that to the target."""
        counts = [load.shape.planned_iterations for load in self.loads]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def vus_at(self, t_s: float) -> int:
        """VUs active (at most) t_s seconds into the run."""
        return sum(load.vus_at(t_s) for load in self.loads)

    def vus_over_time(self) -> tuple[Moment, ...]:
        """Return every change of the number of VUs, in order of time: exact, one entry per instant."""
        changes = sorted(change for load in self.loads for change in _changes(load))
        instants = [
            (at, sum(delta for _, delta in group))
            for at, group in groupby(changes, key=lambda c: c[0])
        ]
        totals = accumulate(delta for _, delta in instants)
        return tuple(
            Moment(to_s(at), vus)
            for (at, delta), vus in zip(instants, totals, strict=True)
            if delta
        )


def _changes(load: ScenarioLoad) -> Iterator[tuple[int, int]]:
    """Yield (instant in ns, change of the number of VUs) of one scenario."""
    start = to_ns(load.start_time_s)
    match load.shape:
        case ConstantVUs() | RampingVUs():
            for step in load.shape.steps():
                yield start + to_ns(step.at_s), 1 if step.kind is StepKind.START else -1
        case PerVUIterations() | SharedIterations() | ConstantArrivalRate() | RampingArrivalRate():
            yield start, load.shape.vu_limit
            yield start + to_ns(load.shape.duration_s), -load.shape.vu_limit
