"""Closed-loop shapes: how many virtual users loop at each moment, as a pure function of time.

Must not know runners, clocks or coroutines. A virtual user (VU) has an index, 0-based and the same on every runner;
the shape says in which spans of time that index is active. VUs form a stack: at every moment the active ones are
exactly the indexes ``0 .. vus_at(t) - 1``, so the highest one leaves first and comes back first.

    VUs   RampingVUs(0, [2s -> 2, 2s -> 2, 2s -> 0])        vus_at(t) = floor(line) going up
     2 |    ____                                                        ceil(line)  going down
     1 |  __    __                                          index 0: 1s .. 6s   index 1: 2s .. 5s
     0 |__        __  t                                     tests: test_a_trapezoid_matches_its_drawing
       0 1 2 3 4 5 6

Source: k6's documented executors and their measured instants (first VU of 0 -> 10 in 10 s at 1 s, the last at 10 s).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kload_spec.shapes.instants import ceil_div, to_ns, to_s, within


@dataclass(frozen=True, slots=True)
class Stage:
    """One leg of a ramp.

    Attributes:
        duration_s: how long the leg takes, seconds, >= 0; 0 is a jump.
        target: VUs, or arrivals per time unit, at its end, >= 0.
    """

    duration_s: float
    target: int


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which one VU index is active: from start_s (included) to stop_s (excluded), seconds.

    Only the last instant of a shape may start and stop at once: a VU due there makes one iteration, as in k6.
    """

    start_s: float
    stop_s: float


class StepKind(StrEnum):
    """What happens to a VU at a step of the curve."""

    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Step:
    """One VU index starting or stopping, ``at_s`` seconds into the shape."""

    at_s: float
    vu: int
    kind: StepKind


@dataclass(frozen=True, slots=True)
class ConstantVUs:
    """A fixed number of VUs, each looping for the whole duration.

    Attributes:
        vus: how many, >= 0.
        duration_s: seconds in which iterations may start.
    """

    vus: int
    duration_s: float

    @property
    def vu_limit(self) -> int:
        """Most VUs at once."""
        return self.vus

    @property
    def planned_iterations(self) -> None:
        """None: a closed loop makes as many iterations as the target allows."""
        return None

    def vus_at(self, t_s: float) -> int:
        """VUs active t_s seconds into the shape."""
        return self.vus if within(t_s, self.duration_s) else 0

    def spans(self, vu: int) -> tuple[Span, ...]:
        """Return when this VU index is active."""
        return (Span(0.0, self.duration_s),) if 0 <= vu < self.vus else ()

    def steps(self) -> tuple[Step, ...]:
        """Return every start and stop of the whole curve, in order of time."""
        return _steps_of([self.spans(vu) for vu in range(self.vus)])


@dataclass(frozen=True, slots=True)
class RampingVUs:
    """VUs that follow straight lines from target to target.

    Attributes:
        start_vus: VUs at time 0, >= 0.
        stages: at least one.
        graceful_ramp_down_s: seconds a running iteration may go on after its VU was ramped down.
    """

    start_vus: int
    stages: tuple[Stage, ...]
    graceful_ramp_down_s: float = 30.0

    @property
    def duration_s(self) -> float:
        """Length of all stages, seconds."""
        return to_s(self._duration_ns)

    @property
    def _duration_ns(self) -> int:
        return sum(to_ns(stage.duration_s) for stage in self.stages)

    @property
    def vu_limit(self) -> int:
        """Most VUs at once."""
        return max((self.start_vus, *(stage.target for stage in self.stages)))

    @property
    def planned_iterations(self) -> None:
        """None: a closed loop makes as many iterations as the target allows."""
        return None

    def vus_at(self, t_s: float) -> int:
        """VUs active t_s seconds into the shape: the line rounded down while rising, up while falling."""
        rest, level = to_ns(t_s), self.start_vus
        if rest < 0:
            return 0
        for stage in self.stages:
            length = to_ns(stage.duration_s)
            if rest < length:
                # The change is rounded down: f + floor(y) is the floor of the line, f - floor(y) its ceiling.
                change = abs(stage.target - level) * rest // length
                return level + change if stage.target >= level else level - change
            rest, level = rest - length, stage.target
        return 0

    def spans(self, vu: int) -> tuple[Span, ...]:
        """Return when this VU index is active, in order of time."""
        number, began, level, end = vu + 1, 0 if vu < self.start_vus else None, self.start_vus, 0
        spans: list[tuple[int, int]] = []
        for stage in self.stages:
            start, target, length = end, stage.target, to_ns(stage.duration_s)
            if level < number <= target:
                began = start + ceil_div(length * (number - level), target - level)
            elif target < number <= level and began is not None:
                spans.append(
                    (began, start + ceil_div(length * (level - number + 1), level - target))
                )
                began = None
            level, end = target, start + length
        if began is not None:
            spans.append((began, end))
        return _joined(spans, end)

    def steps(self) -> tuple[Step, ...]:
        """Return every start and stop of the whole curve, in order of time."""
        return _steps_of([self.spans(vu) for vu in range(self.vu_limit)])


def _joined(spans: list[tuple[int, int]], end: int) -> tuple[Span, ...]:
    """Merge spans that touch (a VU taken back at once never left) and drop empty ones before the end."""
    merged: list[tuple[int, int]] = []
    for start, stop in spans:
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], stop)
        elif start < stop or stop == end:
            merged.append((start, stop))
    return tuple(Span(to_s(start), to_s(stop)) for start, stop in merged)


def _steps_of(spans_by_vu: Sequence[tuple[Span, ...]]) -> tuple[Step, ...]:
    return tuple(sorted(_each_step(spans_by_vu), key=_step_order))


def _each_step(spans_by_vu: Sequence[tuple[Span, ...]]) -> Iterator[Step]:
    for vu, spans in enumerate(spans_by_vu):
        for span in spans:
            yield Step(span.start_s, vu, StepKind.START)
            yield Step(span.stop_s, vu, StepKind.STOP)


def _step_order(step: Step) -> tuple[float, bool, int]:
    # A stack grows upwards and is taken down from the top, also among steps of one instant. Starts come first: only
    # at the very end can a VU start and stop at once.
    starts = step.kind is StepKind.START
    return (step.at_s, not starts, step.vu if starts else -step.vu)
