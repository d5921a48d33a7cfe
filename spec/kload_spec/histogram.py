"""A mergeable histogram: values of any sign and range, each known to better than 1 %.

Sparse `buckets`, log-spaced, each speaking for its values with at most 0.87 % of error. Zero has its own bucket,
negative values mirror the positive ones, ``+inf`` (an answer that never came) is counted above all. `count`, `sum`,
`minimum` and `maximum` are exact. Verdicts never read this: they come from the counters of `thresholds`. This is what
is shown.

It knows no clock and no unit. The recorder fills it, results merge it, reports read it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil, floor, inf, isfinite, isnan, log2
from typing import Any, Self

from typing_extensions import override

from kload_spec.buckets import (
    BUCKETS_PER_OCTAVE,
    bucket_counts,
    flat,
    from_flat,
    grouped,
    representative,
)


class Histogram:
    """Counts of values by size.

    `grain` is how many of the fine buckets one bucket of this histogram spans: 1 for everything that is reported,
    more for the points of a time series.
    """

    __slots__ = ("_maximum", "_minimum", "above", "grain", "negative", "positive", "sum", "zeros")

    def __init__(self, grain: int = 1) -> None:
        self.grain = grain
        self.positive: Counter[int] = Counter()
        self.negative: Counter[int] = Counter()
        self.zeros = 0
        self.above = 0
        self.sum = 0.0
        self._minimum = inf
        self._maximum = -inf

    # -- recording -----------------------------------------------------------------------------------------------

    def record(self, value: float) -> None:
        """Add one value; NaN is refused with a ValueError."""
        if 0.0 < value < inf:
            self.positive[floor(log2(value) * BUCKETS_PER_OCTAVE) // self.grain] += 1
        else:
            self._record_unusual(value)
        self.sum += value
        if value < self._minimum:
            self._minimum = value
        if value > self._maximum:
            self._maximum = value

    def record_sorted(
        self, values: Sequence[float], buckets: Mapping[int, int] | None = None
    ) -> None:
        """Add many values; several times cheaper than one by one.

        Args:
            values: sorted upwards, no NaN.
            buckets: their `bucket_counts`, if the caller has them already; only where all are positive and finite.
        """
        if not values:
            return
        first, last = values[0], values[-1]
        if first < self._minimum:
            self._minimum = first
        if last > self._maximum:
            self._maximum = last
        self.sum += sum(values)
        if buckets is None:
            if first <= 0.0 or last == inf:
                values = self._strip(values)
            buckets = bucket_counts(values)
        if self.grain == 1:
            self.positive.update(buckets)
        else:
            self.positive.update(grouped(buckets, self.grain))

    def record_zeros(self, count: int) -> None:
        """Add `count` zeros."""
        if count > 0:
            self.zeros += count
            self._minimum = min(self._minimum, 0.0)
            self._maximum = max(self._maximum, 0.0)

    def _record_unusual(self, value: float) -> None:
        if value == 0.0:
            self.zeros += 1
        elif value == inf:
            self.above += 1
        elif isnan(value) or value == -inf:
            raise ValueError(f"{value} cannot be recorded; give a number")
        else:
            self.negative[floor(log2(-value) * BUCKETS_PER_OCTAVE) // self.grain] += 1

    def _strip(self, values: Sequence[float]) -> Sequence[float]:
        """Count what is not a positive finite number and return the rest."""
        start, end = bisect_right(values, 0.0), bisect_left(values, inf)
        below = bisect_left(values, 0.0, 0, start)
        self.negative.update(
            floor(log2(-value) * BUCKETS_PER_OCTAVE) // self.grain for value in values[:below]
        )
        self.zeros += start - below
        self.above += len(values) - end
        return values[start:end]

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many values there are."""
        return self.positive.total() + self.negative.total() + self.zeros + self.above

    @property
    def minimum(self) -> float | None:
        """The smallest value, exact; None without values."""
        return self._minimum if self._minimum <= self._maximum else None

    @property
    def maximum(self) -> float | None:
        """The largest value, exact, infinite where an answer never came; None without values."""
        return self._maximum if self._minimum <= self._maximum else None

    def quantile(self, q: float) -> float | None:
        """Return the value at nearest rank ``ceil(q * count)``, within 0.87 % (`grain` 1); None without values.

        Args:
            q: 0 to 1. 0 and 1 give the exact minimum and maximum.
        """
        found = self.quantiles((q,))
        return found[0]

    def quantiles(self, qs: Sequence[float]) -> list[float | None]:
        """Return several quantiles in one pass; see `quantile`."""
        count = self.count
        if not count:
            return [None for _ in qs]
        ladder = self._ladder()
        cumulative: list[int] = []
        total = 0
        for _, number in ladder:
            total += number
            cumulative.append(total)
        return [self._at_rank(rank(q, count), count, ladder, cumulative) for q in qs]

    def _at_rank(
        self, k: int, count: int, ladder: list[tuple[float, int]], cumulative: list[int]
    ) -> float:
        if k == 1:
            return self._minimum
        if k == count:
            return self._maximum
        value = ladder[bisect_left(cumulative, k)][0]
        return min(max(value, self._minimum), self._maximum)

    def _ladder(self) -> list[tuple[float, int]]:
        """Return (representative value, count) from the smallest bucket to the largest."""
        ladder = [
            (-representative(i, self.grain), n)
            for i, n in sorted(self.negative.items(), reverse=True)
        ]
        if self.zeros:
            ladder.append((0.0, self.zeros))
        ladder += [(representative(i, self.grain), n) for i, n in sorted(self.positive.items())]
        if self.above:
            ladder.append((inf, self.above))
        return ladder

    # -- combining -----------------------------------------------------------------------------------------------

    def add(self, other: Histogram) -> None:
        """Add another histogram's values to this one; the coarser grain wins.

        Raises:
            ValueError: if neither grain is a multiple of the other.
        """
        if other.grain != self.grain:
            grain = max(self.grain, other.grain)
            self._coarsen_in_place(grain)
            other = other.coarsened(grain)
        self.positive.update(other.positive)
        self.negative.update(other.negative)
        self.zeros += other.zeros
        self.above += other.above
        self.sum += other.sum
        self._minimum = min(self._minimum, other._minimum)
        self._maximum = max(self._maximum, other._maximum)

    def __add__(self, other: Histogram) -> Histogram:
        result = self.copy()
        result.add(other)
        return result

    def copy(self) -> Histogram:
        """Return an independent copy."""
        return self.coarsened(self.grain)

    def coarsened(self, grain: int) -> Histogram:
        """Return a copy whose buckets span `grain` fine ones, a multiple of what they span now."""
        result = Histogram(self.grain)
        result.positive, result.negative = self.positive.copy(), self.negative.copy()
        result.zeros, result.above, result.sum = self.zeros, self.above, self.sum
        result._minimum, result._maximum = self._minimum, self._maximum
        result._coarsen_in_place(grain)
        return result

    def _coarsen_in_place(self, grain: int) -> None:
        if grain == self.grain:
            return
        if grain % self.grain:
            raise ValueError(f"buckets of {self.grain} cannot be merged into buckets of {grain}")
        factor = grain // self.grain
        self.positive = grouped(self.positive, factor)
        self.negative = grouped(self.negative, factor)
        self.grain = grain

    @classmethod
    def merged(cls, parts: Sequence[Histogram]) -> Self:
        """Return one histogram with the values of all parts."""
        result = cls(parts[0].grain if parts else 1)
        for part in parts:
            result.add(part)
        return result

    @classmethod
    def from_buckets(cls, pairs: Sequence[int], grain: int) -> Self:
        """Return a histogram of positive values from its `flat` buckets alone; extremes are those of the buckets."""
        result = cls(grain)
        result.positive = from_flat(pairs)
        if result.positive:
            result._minimum = representative(min(result.positive), grain)
            result._maximum = representative(max(result.positive), grain)
            result.sum = sum(representative(i, grain) * n for i, n in result.positive.items())
        return result

    @override
    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]  # mutable

    @override
    def __repr__(self) -> str:
        return (
            f"Histogram(count={self.count}, sum={self.sum}, min={self.minimum}, max={self.maximum})"
        )

    # -- JSON ----------------------------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Return a compact JSON object; empty parts are left out.

        ``positive`` and ``negative`` are written as `buckets.flat` does.
        Infinite numbers have no JSON: `above` says how many there are; what is infinite by them is left out.
        """
        document: dict[str, Any] = {"count": self.count}
        if self.grain != 1:
            document["grain"] = self.grain
        if document["count"]:
            facts = {"sum": self.sum, "min": self._minimum, "max": self._maximum}
            document |= {name: value for name, value in facts.items() if isfinite(value)}
        for name in ("zeros", "above"):
            if getattr(self, name):
                document[name] = getattr(self, name)
        for name in ("positive", "negative"):
            if buckets := getattr(self, name):
                document[name] = flat(buckets)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Return the histogram that `to_json` wrote.

        Raises:
            ValueError: if it is malformed, or its buckets do not add up to its count.
        """
        try:
            result = cls(int(document.get("grain", 1)))
            result.positive = from_flat(document.get("positive", ()))
            result.negative = from_flat(document.get("negative", ()))
            result.zeros = int(document.get("zeros", 0))
            result.above = int(document.get("above", 0))
            count = int(document["count"])
            result.sum = float(document.get("sum", inf if count else 0.0))
            result._minimum = float(document.get("min", inf))
            result._maximum = float(document.get("max", inf if count else -inf))
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"not a histogram: {error}") from error
        if result.count != count or result.grain < 1:
            raise ValueError(
                f"not a histogram: its buckets hold {result.count} values, its count says {count}"
            )
        return result


def rank(q: float, count: int) -> int:
    """Return the nearest rank of quantile `q` among `count` values: ``ceil(q * count)``, at least 1.

    Exact: 0.95 means 95/100, so that rank(0.95, 100) is 95 and not 96.
    """
    return min(max(ceil(Fraction(repr(float(q))) * count), 1), count)
