"""Numbers as people read them, never contradicting the verdict beside them.

A percentile that is shown comes from a histogram and is up to 1 % off; whether the threshold held is exact. Where the
two disagree, the shown value moves to the verdict's side of the bound, and it is printed with as many digits as it
takes to stay there.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from math import isinf

from kload_spec import numbers
from kload_spec.metrics import MetricType, Unit
from kload_spec.thresholds.model import Aggregation, Comparison, Outcome, Threshold

_NUDGE = 1e-3  # of the bound: how far a value is moved to be strictly on one side; a tenth of the histogram's error


def display_quantile(estimate: float | None, threshold: Threshold, held: bool) -> float | None:
    """Return an estimate, moved to the verdict's side of the bound if it is on the other.

    Args:
        estimate: of the aggregate that the threshold compares, within the histogram's error; None: unknown.
        threshold: what was judged.
        held: the exact outcome.
    """
    bound = threshold.bound
    if estimate is None or threshold.op.holds(estimate, bound) == held:
        return estimate
    if threshold.op.holds(bound, bound) == held:
        return bound
    nudge = abs(bound) * _NUDGE or _NUDGE * _NUDGE
    below = (threshold.op is Comparison.LESS) or (threshold.op is Comparison.AT_LEAST)
    return bound - nudge if below else bound + nudge


def show_outcome(outcome: Outcome, threshold: Threshold) -> str:
    """Return what was observed in the words of the threshold's metric, or that there was nothing to observe."""
    if outcome.observed is None and not outcome.samples:
        return "no samples"
    return show_value(outcome.observed, threshold)


def show_value(value: float | None, threshold: Threshold) -> str:
    """Return a value in the words of the threshold's metric: ``612 ms``, ``1.25 %``, ``1.5 MB``, ``17``, ``17/min``.

    Written as everywhere else (`numbers`), with more digits where rounding would carry it over the bound.
    """
    if value is None:
        return "unknown"
    if isinf(value):
        return "infinite"
    write, factor = _writer(threshold)
    compare, bound = threshold.op.holds, Fraction(repr(threshold.bound)) * factor
    holds = compare(value, threshold.bound)
    for finer in range(numbers.MOST_FINER):
        figure = write(value * factor, finer)
        if compare(figure.value, bound) == holds:
            return figure.text
    return write(value * factor, numbers.MOST_FINER).text


def _writer(threshold: Threshold) -> tuple[numbers.Writer, int]:
    """Return how a metric's values are written, and what they are multiplied with before."""
    if threshold.type is MetricType.RATE:
        return numbers.share_figure, 1
    if threshold.type is MetricType.COUNTER and threshold.aggregation is Aggregation.RATE:
        if threshold.unit is Unit.BYTES:
            return partial(_size_per, numbers.per(threshold.per_s)), 1
        return partial(numbers.rate_figure, per_s=threshold.per_s), 1
    match threshold.unit:
        case Unit.TIME:
            return numbers.time_figure, 1000
        case Unit.BYTES:
            return numbers.size_figure, 1
        case Unit.NONE:
            return numbers.plain_figure, 1


def _size_per(per: str, value: float, finer: int) -> numbers.Figure:
    figure = numbers.size_figure(value, finer)
    return numbers.Figure(figure.text + per, figure.value)
