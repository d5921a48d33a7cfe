"""Counted shapes: a number of iterations, bounded by a longest time. Pure arithmetic, no clock.

Iterations have global indexes (0-based): ``per-vu`` VU k makes the indexes ``k*iterations .. (k+1)*iterations - 1``,
``shared`` hands the next index to whichever VU is free.
"""

from __future__ import annotations

from dataclasses import dataclass

from kload_spec.shapes.instants import within


@dataclass(frozen=True, slots=True)
class _Counted:
    """What both have in common: VUs that are there from the start, and a longest time."""

    vus: int
    iterations: int
    max_duration_s: float = 600.0

    @property
    def duration_s(self) -> float:
        """Longest time in which iterations may start, seconds."""
        return self.max_duration_s

    @property
    def vu_limit(self) -> int:
        """Most VUs at once."""
        return self.vus

    def vus_at(self, t_s: float) -> int:
        """VUs active at most, t_s seconds into the shape."""
        return self.vus if within(t_s, self.max_duration_s) else 0


@dataclass(frozen=True, slots=True)
class PerVUIterations(_Counted):
    """Every VU makes the same number of iterations.

    Attributes:
        vus: how many VUs, >= 1.
        iterations: iterations of each VU, >= 1.
        max_duration_s: seconds after which no iteration starts; what is left counts as dropped.
    """

    @property
    def planned_iterations(self) -> int:
        """Iterations of all VUs together."""
        return self.vus * self.iterations


@dataclass(frozen=True, slots=True)
class SharedIterations(_Counted):
    """VUs take iterations from one common number until none is left.

    Attributes:
        vus: how many VUs, >= 1.
        iterations: iterations of all VUs together, >= vus.
        max_duration_s: seconds after which no iteration starts; what is left counts as dropped.
    """

    @property
    def planned_iterations(self) -> int:
        """Iterations of all VUs together."""
        return self.iterations
