"""Time series of a result: columns of equal length on a grid that starts with the load.

Point ``k`` covers the seconds ``[k * interval, (k + 1) * interval)`` since the start, the same instant on every runner.
The interval is a power of two seconds and only grows: two points become one, so that the series of a long run and of
many steps stay small, and series of different runners always fit.
Counts add up; a gauge keeps the first value of the interval; distributions are coarse histograms (3.5 %).

Coarsening and adding commute, which makes `merging` independent of the order of runners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from kload_spec.buckets import flat, from_flat
from kload_spec.histogram import Histogram

SERIES_GRAIN = 4  # fine buckets to one of a point: 10 to the octave, 3.5 % off at most
MAX_POINTS = 12_000  # over all steps of a run; about 450 KiB gzipped with wide distributions
MOST_POINTS_PER_SERIES, FEWEST_POINTS_PER_SERIES = 1800, 120

Buckets = list[int]  # as `buckets.flat` writes them


def points_allowed(series: int) -> int:
    """Return how many points each of `series` series may have before the grid gets coarser."""
    share = MAX_POINTS // max(series, 1)
    return min(max(share, FEWEST_POINTS_PER_SERIES), MOST_POINTS_PER_SERIES)


class _Columns(BaseModel):
    """Columns of one grid; subclasses say which are counts and which gauges."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)

    def coarsened(self, factor: int) -> Self:
        """Return the columns with `factor` points made one."""
        if factor == 1:
            return self
        return self.model_copy(
            update={
                name: _coarse(name, getattr(self, name), factor) for name in type(self).model_fields
            }
        )

    def __add__(self, other: Self) -> Self:
        """Return the columns of both runners together; both on the same grid."""
        return self.model_copy(
            update={
                name: _added(name, getattr(self, name), getattr(other, name))
                for name in type(self).model_fields
            }
        )


class ScenarioSeries(_Columns):
    """What a scenario did, point by point."""

    vus: list[int] = Field(default=[], description="VUs running, at the start of the interval")
    iterations: list[int] = Field(default=[], description="iterations that ended")
    failed: list[int] = Field(default=[], description="iterations that failed")
    dropped: list[int] = Field(default=[], description="iterations that could not be started")


class StepSeries(_Columns):
    """What a step did, point by point."""

    requests: list[int] = Field(default=[], description="requests that ended")
    failed: list[int] = Field(default=[], description="requests without an expected answer")
    durations: list[Buckets] = Field(
        default=[],
        description="http_req_duration as a coarse histogram: flat pairs of index distance and count",
    )

    def durations_at(self, point: int) -> Histogram:
        """Return the distribution of one point; empty where there is none."""
        buckets = self.durations[point] if point < len(self.durations) else []
        return Histogram.from_buckets(buckets, SERIES_GRAIN)


class MetricSeries(_Columns):
    """What a custom metric recorded, point by point."""

    samples: list[int] = Field(default=[], description="samples recorded")
    sums: list[float] = Field(default=[], description="their sum; for a rate: how many were true")


_GAUGES = frozenset({"vus"})
_DISTRIBUTIONS = frozenset({"durations"})


def _coarse(name: str, column: Sequence[Any], factor: int) -> list[Any]:
    groups = [column[start : start + factor] for start in range(0, len(column), factor)]
    if name in _GAUGES:
        return [group[0] for group in groups]
    if name in _DISTRIBUTIONS:
        return [_joined(group) for group in groups]
    return [sum(group) for group in groups]


def _added(name: str, left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    if name in _DISTRIBUTIONS:
        empty: Buckets = []
        return [_joined(pair) for pair in zip_longest(left, right, fillvalue=empty)]
    return [a + b for a, b in zip_longest(left, right, fillvalue=0)]


def _joined(parts: Sequence[Buckets]) -> Buckets:
    filled = [part for part in parts if part]
    if len(filled) < 2:
        return list(filled[0]) if filled else []
    total: Counter[int] = Counter()
    for part in filled:
        total.update(from_flat(part))
    return flat(total)
