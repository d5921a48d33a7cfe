"""Three numbers -> held or broken, without rounding.

What `good`, `samples` and `sum` count, and when the threshold holds (n = samples, g = good, s = sum):

    =====================  ============================  ====================================
    aggregation, op        good counts                   holds if
    =====================  ============================  ====================================
    min med max p  <  <=   values within the bound       g >= k
    min med max p  >  >=   values within the bound       g >= n - k + 1
    min med max p  == !=   values at or below it         s < k <= g   (s: values below it)
    avg                    values within the bound       s / n op bound
    rate (of a rate)       samples that are true         g / n op bound
    count (of a counter)   not used                      s op bound
    rate (of a counter)    not used                      s / duration x per op bound
    =====================  ============================  ====================================

``k`` is the nearest rank: 1 for min, n for max, ``ceil(q n)`` for a percentile (med is p(50)). k6 interpolates.
Bounds and percentiles are taken as the decimals that were written, all arithmetic is on fractions, so that 1 of 100
does break ``rate<1%`` and p(95) of 100 values is the 95th.
All three numbers add up over runners, so a fleet is judged by the same lines as a laptop.

For a counter `samples` is how often something was counted, or how many iterations of its scenarios ended, whichever is
more: ``count==0`` holds if nothing happened in a run that ran, and is unknown in one that did not.

`tally_sorted` is what the recorder applies to raw values; tests hold both ends together.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, isinf, isnan

from kload_spec.metrics import MetricType
from kload_spec.thresholds.display import display_quantile
from kload_spec.thresholds.model import Aggregation, Comparison, Outcome, Tally, Threshold

_ORDER_STATISTICS = frozenset(
    {Aggregation.MIN, Aggregation.MED, Aggregation.MAX, Aggregation.PERCENTILE}
)


def tally_sorted(threshold: Threshold, values: Sequence[float]) -> Tally:
    """Return what the values of a trend, sorted upwards, add to the threshold's tally."""
    n, bound = len(values), threshold.bound
    match threshold.op:
        case Comparison.LESS:
            good = bisect_left(values, bound)
        case Comparison.AT_MOST:
            good = bisect_right(values, bound)
        case Comparison.MORE:
            good = n - bisect_right(values, bound)
        case Comparison.AT_LEAST:
            good = n - bisect_left(values, bound)
        case Comparison.EQUAL | Comparison.UNEQUAL:
            good = bisect_right(values, bound)
            if threshold.aggregation in _ORDER_STATISTICS:
                return Tally(good, n, float(bisect_left(values, bound)))
    return Tally(good, n, sum(values))


def judge(
    threshold: Threshold,
    tally: Tally,
    *,
    duration_s: float | None = None,
    estimate: float | None = None,
) -> Outcome:
    """Return whether the threshold holds, and the value to show.

    Args:
        tally: of the whole fleet.
        duration_s: last end minus start, for the rate of a counter; None or 0: it cannot be judged yet.
        estimate: the aggregate as a histogram of the same samples shows it, for what three numbers do not tell
            (min, med, max, percentiles); it is moved to the verdict's side of the bound.
    """
    if tally.samples <= 0:
        return Outcome(None, None, 0)
    if threshold.aggregation in _ORDER_STATISTICS:
        held = _order_statistic_holds(threshold, tally, rank_of(threshold, tally.samples))
        return Outcome(display_quantile(estimate, threshold, held), held, tally.samples)
    aggregate = _aggregate(threshold, tally, duration_s)
    if aggregate is None:
        return Outcome(None, None, tally.samples)
    held = threshold.op.holds(aggregate, exact(threshold.bound))
    return Outcome(float(aggregate), held, tally.samples)


def rank_of(threshold: Threshold, samples: int) -> int:
    """Return the nearest rank that an order statistic looks at among `samples` values."""
    match threshold.aggregation:
        case Aggregation.MIN:
            return 1
        case Aggregation.MAX:
            return samples
        case Aggregation.MED:
            share = Fraction(1, 2)
        case _:
            share = exact(threshold.percentile or 0.0) / 100
    return min(max(ceil(share * samples), 1), samples)


def exact(number: float) -> Fraction:
    """Return the decimal that was written, not the float next to it: 0.01 is 1/100."""
    return Fraction(repr(number))


def _order_statistic_holds(threshold: Threshold, tally: Tally, k: int) -> bool:
    match threshold.op:
        case Comparison.LESS | Comparison.AT_MOST:
            return tally.good >= k
        case Comparison.MORE | Comparison.AT_LEAST:
            return tally.good >= tally.samples - k + 1
        case Comparison.EQUAL:
            return tally.sum < k <= tally.good
        case Comparison.UNEQUAL:
            return not tally.sum < k <= tally.good


def _aggregate(
    threshold: Threshold, tally: Tally, duration_s: float | None
) -> Fraction | float | None:
    """Return the exact value that is compared; a float only where it is infinite."""
    if threshold.type is MetricType.RATE:
        return Fraction(tally.good, tally.samples)
    if isnan(tally.sum):  # of infinities of both signs: nobody knows
        return None
    if isinf(tally.sum):
        return tally.sum
    if threshold.aggregation is Aggregation.AVG:
        return Fraction(tally.sum) / tally.samples
    if threshold.aggregation is Aggregation.COUNT:
        return Fraction(tally.sum)
    if not duration_s:
        return None
    return Fraction(tally.sum) * exact(threshold.per_s) / Fraction(duration_s)


def must_abort(
    threshold: Threshold, tally: Tally, *, elapsed_s: float, duration_s: float | None = None
) -> bool:
    """Return whether the run has to stop now.

    A threshold with `abort` that is broken as things stand stops the run once `abort_after_s` of load have passed
    (k6's delayAbortEval). A rule that more samples alone will fulfil (``count==5`` while there are 3) does not.

    Args:
        elapsed_s: time since the load started.
        duration_s: for rates of counters; None: the elapsed time.
    """
    if not threshold.abort or elapsed_s < threshold.abort_after_s:
        return False
    if judge(threshold, tally, duration_s=duration_s or elapsed_s).held is not False:
        return False
    if threshold.aggregation is Aggregation.COUNT:
        return certainly_broken(threshold, tally, None)
    return True


def certainly_broken(
    threshold: Threshold, tally: Tally, missing: int | None, *, duration_s: float | None = None
) -> bool:
    """Return whether the threshold is broken whatever `missing` further samples would have been.

    Args:
        tally: of the samples there are.
        missing: how many samples are missing; None: nobody knows how many.
        duration_s: for rates of counters.
    """
    held = judge(threshold, tally, duration_s=duration_s).held
    if missing == 0:
        return held is False
    if tally.samples == 0 or threshold.aggregation is Aggregation.AVG:
        return False
    if threshold.type is MetricType.COUNTER:
        return held is False and _only_grows_worse(threshold, tally, duration_s)
    if threshold.type is MetricType.RATE:
        return _share_out_of_reach(threshold, tally, missing)
    return _rank_out_of_reach(threshold, tally, missing)


def _only_grows_worse(threshold: Threshold, tally: Tally, duration_s: float | None) -> bool:
    """Whether a broken rule about a sum stays broken while the sum grows."""
    match threshold.op:
        case Comparison.LESS | Comparison.AT_MOST:
            return True
        case Comparison.EQUAL:
            aggregate = _aggregate(threshold, tally, duration_s)
            return aggregate is not None and aggregate > exact(threshold.bound)
        case Comparison.MORE | Comparison.AT_LEAST | Comparison.UNEQUAL:
            return False


def _share_out_of_reach(threshold: Threshold, tally: Tally, missing: int | None) -> bool:
    """Whether no outcome of the missing samples brings the share of true ones to where it should be."""
    bound = exact(threshold.bound)
    if missing is None:
        # Endlessly many could pull the share arbitrarily near to 0 or 1, but one sample keeps it from the end itself.
        lowest_is_zero, highest_is_one = tally.good == 0, tally.good == tally.samples
        low, high = Fraction(0), Fraction(1)
    else:
        total = tally.samples + missing
        low, high = Fraction(tally.good, total), Fraction(tally.good + missing, total)
        lowest_is_zero = highest_is_one = True
    match threshold.op:
        case Comparison.LESS:
            return low >= bound
        case Comparison.AT_MOST:
            return low > bound or (low == bound and not lowest_is_zero)
        case Comparison.MORE:
            return high <= bound
        case Comparison.AT_LEAST:
            return high < bound or (high == bound and not highest_is_one)
        case Comparison.EQUAL:
            return (
                not low <= bound <= high
                or (low == bound and not lowest_is_zero)
                or (high == bound and not highest_is_one)
            )
        case Comparison.UNEQUAL:
            return False  # one sample more moves the share off the bound


def _rank_out_of_reach(threshold: Threshold, tally: Tally, missing: int | None) -> bool:
    """Whether an order statistic stays outside its bound even if all missing values were good ones."""
    if threshold.op in (Comparison.EQUAL, Comparison.UNEQUAL):
        return False
    if missing is None:
        # Endlessly many good values move every rank but the first and the last.
        end = Aggregation.MAX if threshold.is_upper_bound else Aggregation.MIN
        share = exact(threshold.percentile) / 100 if threshold.percentile is not None else None
        at_the_end = threshold.aggregation is end or share == (1 if threshold.is_upper_bound else 0)
        return at_the_end and tally.good < tally.samples
    total = tally.samples + missing
    best = Tally(tally.good + missing, total, tally.sum)
    return not _order_statistic_holds(threshold, best, rank_of(threshold, total))
