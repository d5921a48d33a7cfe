"""Points of time series while a run lasts: one grid for all of them, its interval doubling when it is full.

Nothing here is touched per sample. Once a second the recorder moves what has accumulated into each series' open
point; the point is closed when the grid's interval is over.
"""

from __future__ import annotations

from collections import Counter

from kload_spec.buckets import flat
from kload_spec.histogram import Histogram
from kload_spec.result.series import (
    SERIES_GRAIN,
    Buckets,
    MetricSeries,
    ScenarioSeries,
    StepSeries,
    points_allowed,
)

_TINY = -1200  # fine bucket of 2^-30 s, 1 ns: where a point keeps the durations that are 0


class ScenarioPoints:
    """The series of one scenario."""

    __slots__ = ("_dropped", "_failed", "_iterations", "_last", "_vus")

    def __init__(self) -> None:
        self._vus: list[int] = []
        self._iterations: list[int] = []
        self._failed: list[int] = []
        self._dropped: list[int] = []
        self._last = (0, 0, 0)

    def skip(self, points: int) -> None:
        """Begin after this many points in which nothing happened."""
        self._vus, self._iterations = [0] * points, [0] * points
        self._failed, self._dropped = [0] * points, [0] * points

    def close(self, vus: int, iterations: int, failed: int, dropped: int) -> None:
        """Close a point; counts are totals since the start."""
        last_iterations, last_failed, last_dropped = self._last
        self._vus.append(vus)
        self._iterations.append(iterations - last_iterations)
        self._failed.append(failed - last_failed)
        self._dropped.append(dropped - last_dropped)
        self._last = (iterations, failed, dropped)

    def columns(self) -> ScenarioSeries:
        """Return the closed points."""
        return ScenarioSeries(
            vus=list(self._vus),
            iterations=list(self._iterations),
            failed=list(self._failed),
            dropped=list(self._dropped),
        )

    def coarsen(self) -> None:
        """Make one point of two."""
        columns = self.columns().coarsened(2)
        self._vus, self._iterations = columns.vus, columns.iterations
        self._failed, self._dropped = columns.failed, columns.dropped


class StepPoints:
    """The series of one step."""

    __slots__ = ("_durations", "_failed", "_last", "_open", "_requests")

    def __init__(self) -> None:
        self._requests: list[int] = []
        self._failed: list[int] = []
        self._durations: list[Buckets] = []
        self._open: Counter[int] = Counter()
        self._last = (0, 0)

    def skip(self, points: int) -> None:
        """Begin after this many points in which nothing happened."""
        self._requests, self._failed = [0] * points, [0] * points
        self._durations = [[] for _ in range(points)]

    def add(self, durations: Histogram) -> None:
        """Add values to the open point."""
        point = self._open
        for index, number in durations.positive.items():
            point[index // SERIES_GRAIN] += number
        if durations.zeros:
            point[_TINY // SERIES_GRAIN] += durations.zeros

    def close(self, requests: int, failed: int) -> None:
        """Close a point; counts are totals since the start."""
        last_requests, last_failed = self._last
        self._requests.append(requests - last_requests)
        self._failed.append(failed - last_failed)
        self._durations.append(flat(self._open))
        self._open = Counter()
        self._last = (requests, failed)

    def columns(self) -> StepSeries:
        """Return the closed points."""
        return StepSeries(
            requests=list(self._requests),
            failed=list(self._failed),
            durations=list(self._durations),
        )

    def coarsen(self) -> None:
        """Make one point of two."""
        columns = self.columns().coarsened(2)
        self._requests, self._failed, self._durations = (
            columns.requests,
            columns.failed,
            columns.durations,
        )


class MetricPoints:
    """The series of one custom metric in one step."""

    __slots__ = ("_last", "_samples", "_sums")

    def __init__(self) -> None:
        self._samples: list[int] = []
        self._sums: list[float] = []
        self._last: tuple[int, float] = (0, 0.0)

    def skip(self, points: int) -> None:
        """Begin after this many points in which nothing happened."""
        self._samples, self._sums = [0] * points, [0.0] * points

    def close(self, samples: int, total: float) -> None:
        """Close a point; both are totals since the start."""
        last_samples, last_total = self._last
        self._samples.append(samples - last_samples)
        self._sums.append(total - last_total)
        self._last = (samples, total)

    def columns(self) -> MetricSeries:
        """Return the closed points."""
        return MetricSeries(samples=list(self._samples), sums=list(self._sums))

    def coarsen(self) -> None:
        """Make one point of two."""
        columns = self.columns().coarsened(2)
        self._samples, self._sums = columns.samples, columns.sums


class Grid:
    """When points end: every `interval_s` seconds of load, twice as long each time the series are full."""

    __slots__ = ("closed", "interval_s")

    def __init__(self) -> None:
        self.interval_s = 1
        self.closed = 0

    def due(self, elapsed_s: float) -> int:
        """Return how many points are over after `elapsed_s` seconds of load and not closed yet."""
        return max(int(elapsed_s / self.interval_s) - self.closed, 0)

    def is_full(self, series: int) -> bool:
        """Tell whether the series have to be coarsened: only when their points are even in number."""
        return self.closed >= points_allowed(series) and self.closed % 2 == 0

    def coarsen(self) -> None:
        """Double the interval."""
        self.interval_s *= 2
        self.closed //= 2
