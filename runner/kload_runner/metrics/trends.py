"""Distributions: raw values in batches -> histograms and thresholds.

Recording a value is appending it to a list. A full batch is sorted once, and then everything is cheap: minimum and
maximum are its ends, a threshold is one bisection, and so is each histogram bucket (`buckets.bucket_counts`).
Measured here per value: 85 ns in batches of 1024, 150 ns in batches of 64, 350 ns one by one; larger batches gain
nothing and would stall the event loop for longer than the 0.1 ms that this takes.

A trend keeps three things: the `window` since the last look, the measured total, and the public buckets of /metrics,
which include the warm-up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from math import inf

from kload_runner.metrics.tallies import Submetric
from kload_spec.buckets import bucket_counts, representative
from kload_spec.histogram import Histogram
from kload_spec.metrics import Unit

BATCH = 1024  # values; about 0.1 ms

# Fixed public layouts: 1-2.5-5 from 1 ms to a minute; 64 B to 64 MiB; and plain numbers of any size.
PUBLIC_BOUNDS: dict[Unit, tuple[float, ...]] = {
    Unit.TIME: (
        0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.035, 0.05, 0.075, 0.1, 0.15, 0.25, 0.35, 0.5, 0.75,
        1.0, 1.5, 2.5, 5.0, 10.0, 15.0, 30.0, 60.0,
    ),
    Unit.BYTES: tuple(64.0 * 4**power for power in range(11)),
    Unit.NONE: (
        -1e3, -100.0, -10.0, -1.0, 0.0, 1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1e3, 1e4, 1e5, 1e6,
    ),
}  # fmt: skip


class PublicHistogram:
    """Counts per public bucket, filled from the fine ones once a second; for graphs."""

    __slots__ = ("_slots", "bounds", "counts", "sum")

    def __init__(self, unit: Unit) -> None:
        self.bounds = PUBLIC_BOUNDS[unit]
        self.counts = [0] * (len(self.bounds) + 1)
        self.sum = 0.0
        self._slots: dict[int, int] = {}

    def add(self, window: Histogram) -> None:
        """Add the values of a window."""
        slots, counts = self._slots, self.counts
        for index, number in window.positive.items():
            slot = slots.get(index)
            if slot is None:
                slot = slots[index] = bisect_left(self.bounds, representative(index))
            counts[slot] += number
        for index, number in window.negative.items():
            counts[bisect_left(self.bounds, -representative(index))] += number
        if window.zeros:
            counts[bisect_left(self.bounds, 0.0)] += window.zeros
        counts[-1] += window.above
        self.sum += window.sum


class Batch:
    """Values of one column worked off once, for everybody who counts them."""

    __slots__ = ("buckets", "values")

    def __init__(self, values: list[float]) -> None:
        """Sort the values (in place) and count them by bucket; not empty, no NaN."""
        values.sort()
        self.values = values
        self.buckets: Mapping[int, int] | None = None
        if values[0] > 0.0 and values[-1] < inf:
            self.buckets = bucket_counts(values)


class Trend:
    """One distribution of one step or scenario.

    `window` holds what came since the last look, `total` what is measured; the public buckets include the warm-up and
    may be shared with another trend.
    """

    __slots__ = ("public", "total", "window")

    def __init__(self, public: PublicHistogram | None = None) -> None:
        self.window = Histogram()
        self.total = Histogram()
        self.public = public

    def add(self, values: list[float], submetrics: Sequence[Submetric]) -> None:
        """Add values in any order, which it may change; not empty."""
        batch = Batch(values)
        self.window.record_sorted(batch.values, batch.buckets)
        for submetric in submetrics:
            submetric.add_sorted(batch.values, batch.buckets)

    def roll(self) -> Histogram | None:
        """Move the window into the total and return it; None if it is empty."""
        window = self.window
        if window.minimum is None:
            return None
        self.window = Histogram()
        self.total.add(window)
        if self.public is not None:
            self.public.add(window)
        return window

    def restart(self) -> None:
        """Forget the measured total; what is public stays."""
        self.roll()
        self.total = Histogram()


class Phase:
    """The distribution of one phase of a step's requests; on /metrics it has a sum and a count only."""

    __slots__ = ("_count_before", "_sum_before", "total")

    def __init__(self) -> None:
        self.total = Histogram()
        self._sum_before = 0.0
        self._count_before = 0

    def add(self, values: list[float], submetrics: Sequence[Submetric]) -> None:
        """Add values in any order, which it may change; not empty."""
        batch = Batch(values)
        self.total.record_sorted(batch.values, batch.buckets)
        for submetric in submetrics:
            submetric.add_sorted(batch.values, batch.buckets)

    def add_zeros(self, count: int, submetrics: Sequence[Submetric]) -> None:
        """Add values that are all 0, as those of kept-alive connections are."""
        self.total.record_zeros(count)
        for submetric in submetrics:
            submetric.add_sorted([0.0] * count, None)

    @property
    def public(self) -> tuple[int, float]:
        """Count and sum, warm-up included."""
        return self._count_before + self.total.count, self._sum_before + self.total.sum

    def restart(self) -> None:
        """Forget the measured total; what is public stays."""
        self._count_before, self._sum_before = self.public
        self.total = Histogram()


class Column:
    """Values of one kind waiting to be worked off into a trend or phase, and the thresholds they concern."""

    __slots__ = ("limit", "submetrics", "target", "values")

    def __init__(self, target: Trend | Phase, submetrics: Sequence[Submetric], limit: int) -> None:
        self.target, self.submetrics, self.limit = target, submetrics, limit
        self.values: list[float] = []

    def extend(self, values: Iterable[float]) -> None:
        """Add values; enough of them are worked off at once."""
        self.values.extend(values)
        if len(self.values) >= self.limit:
            self.flush()

    def flush(self) -> None:
        """Work off what is waiting."""
        if self.values:
            self.target.add(self.values, self.submetrics)
            self.values = []
