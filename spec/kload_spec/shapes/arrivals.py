"""Open-loop shapes: the instant of every iteration's start, whatever the target does. Pure arithmetic, no clock.

Arrivals have global indexes n = 0, 1, 2 ...; ``due(n)`` is the instant of the n-th, ``count(t)`` how many are due by t,
so that ``count(t) > n`` and ``due(n) <= t`` always say the same.

    constant   due(n) = n * time_unit / rate          from 0 on, the end excluded
    ramping    due(n): the moment the area under the rate reaches n + 1, the end included

            rate 4|      /|      area(x) = A*x + (B-A)*x^2 / (2*D)    A -> B in D seconds
                  |    /  |      0 -> 4/s in 2 s: x = sqrt(n+1): 1.000, 1.414, 1.732, 2.000 s
                 0|__/____|x     tests: test_a_ramp_of_arrivals_follows_the_square_root
                  0      2

Differs from k6 in the last digit on purpose: k6 truncates the period to nanoseconds, which may add a start at the
very end; here the n-th instant is exact, so 3/s for 1 s is always 3 starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt

from kload_spec.shapes.instants import ceil_div, to_ns, to_s, within
from kload_spec.shapes.virtual_users import Stage


@dataclass(frozen=True, slots=True)
class ConstantArrivalRate:
    """A fixed number of iterations started per time unit.

    Attributes:
        rate: iterations per time unit, >= 0.
        time_unit_s: seconds, > 0.
        duration_s: seconds in which iterations start.
        pre_allocated_vus: VUs made before the load starts.
        max_vus: most VUs at once; an arrival that finds all of them busy is dropped.
    """

    rate: int
    time_unit_s: float
    duration_s: float
    pre_allocated_vus: int
    max_vus: int

    @property
    def vu_limit(self) -> int:
        """Most VUs at once."""
        return self.max_vus

    @property
    def planned_iterations(self) -> int:
        """Arrivals of the whole duration."""
        return ceil_div(to_ns(self.duration_s) * self.rate, to_ns(self.time_unit_s))

    def vus_at(self, t_s: float) -> int:
        """VUs active at most, t_s seconds into the shape."""
        return self.max_vus if within(t_s, self.duration_s) else 0

    def due(self, n: int) -> float:
        """Return the instant of the n-th arrival, seconds into the shape.

        Raises:
            IndexError: n is not planned.
        """
        if not 0 <= n < self.planned_iterations:
            raise IndexError(f"arrival {n} is not planned; there are {self.planned_iterations}")
        return to_s(ceil_div(n * to_ns(self.time_unit_s), self.rate))

    def count(self, t_s: float) -> int:
        """Return how many arrivals are due by t_s, the instant included."""
        t = to_ns(t_s)
        if t < 0 or not self.rate:
            return 0
        return min(t * self.rate // to_ns(self.time_unit_s) + 1, self.planned_iterations)

    def instants(self, indexes: range) -> Iterator[tuple[int, float]]:
        """Yield (index, instant in seconds) for ascending planned indexes; cheaper than ``due`` one by one."""
        unit, rate = to_ns(self.time_unit_s), self.rate
        for n in indexes:
            yield n, to_s(-(-n * unit // rate))


@dataclass(frozen=True, slots=True)
class RampingArrivalRate:
    """Iterations started at a rate that follows straight lines from target to target.

    Attributes:
        start_rate: iterations per time unit at time 0, >= 0.
        time_unit_s: seconds, > 0.
        stages: at least one; targets are rates per time unit.
        pre_allocated_vus: VUs made before the load starts.
        max_vus: most VUs at once; an arrival that finds all of them busy is dropped.
    """

    start_rate: int
    time_unit_s: float
    stages: tuple[Stage, ...]
    pre_allocated_vus: int
    max_vus: int

    @property
    def duration_s(self) -> float:
        """Length of all stages, seconds."""
        return to_s(sum(to_ns(stage.duration_s) for stage in self.stages))

    @property
    def vu_limit(self) -> int:
        """Most VUs at once."""
        return self.max_vus

    @property
    def planned_iterations(self) -> int:
        """Arrivals of the whole duration."""
        return sum(leg.area for leg in self._legs()) // (2 * to_ns(self.time_unit_s))

    def vus_at(self, t_s: float) -> int:
        """VUs active at most, t_s seconds into the shape."""
        return self.max_vus if within(t_s, self.duration_s) else 0

    def due(self, n: int) -> float:
        """Return the instant of the n-th arrival, seconds into the shape.

        Raises:
            IndexError: n is not planned.
        """
        if not 0 <= n < self.planned_iterations:
            raise IndexError(f"arrival {n} is not planned; there are {self.planned_iterations}")
        return next(self.instants(range(n, n + 1)))[1]

    def count(self, t_s: float) -> int:
        """Return how many arrivals are due by t_s, the instant included."""
        t, unit, done = to_ns(t_s), to_ns(self.time_unit_s), 0
        for leg in self._legs():
            if t < leg.start:
                break
            if t < leg.start + leg.length:
                return (done * leg.length + leg.grown(t - leg.start)) // (2 * unit * leg.length)
            done += leg.area
        return done // (2 * unit)

    def instants(self, indexes: range) -> Iterator[tuple[int, float]]:
        """Yield (index, instant in seconds) for ascending planned indexes, walking the stages once."""
        legs, doubled_unit, done = self._legs(), 2 * to_ns(self.time_unit_s), 0
        leg = next(legs)
        for n in indexes:
            needed = doubled_unit * (n + 1)
            while done + leg.area < needed:
                done += leg.area
                leg = next(legs)
            yield n, to_s(leg.start + leg.reaches(needed - done))

    def _legs(self) -> Iterator[_Leg]:
        start, rate = 0, self.start_rate
        for stage in self.stages:
            length = to_ns(stage.duration_s)
            yield _Leg(start, length, rate, stage.target)
            start, rate = start + length, stage.target


@dataclass(frozen=True, slots=True)
class _Leg:
    """One stage in whole numbers; areas are doubled (2 x rate x ns), so that triangles stay whole."""

    start: int
    length: int
    rate: int
    target: int

    @property
    def area(self) -> int:
        return (self.rate + self.target) * self.length

    def grown(self, x: int) -> int:
        """Doubled area up to x, times the length: 2*D*A*x + (B-A)*x^2."""
        return 2 * self.length * self.rate * x + (self.target - self.rate) * x * x

    def reaches(self, area: int) -> int:
        """Return the first whole x at which the doubled area is reached; 0 < area <= self.area.

        With s = B - A and b = D*A, ``grown(x) >= w`` is ``(b + s*x)^2 >= b^2 + s*w`` on a rise and ``<=`` on a fall;
        both sides are whole, so a whole root decides it exactly.
        """
        slope, base = self.target - self.rate, self.length * self.rate
        square = base * base + slope * self.length * area
        if slope > 0:
            return -((base - isqrt(square - 1) - 1) // slope)
        if slope < 0:
            return -((base - isqrt(square)) // slope)
        return -(-area // (2 * self.rate))
