"""Numbers as people read them, never contradicting the verdict beside them.

A percentile that is shown comes from a histogram and is up to 1 % off; whether the threshold held is exact. Where the
two disagree, the shown value moves to the verdict's side of the bound, and it is printed with as many digits as it
takes to stay there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction
from math import isinf

from kload_spec.metrics import MetricType, Unit
from kload_spec.thresholds.model import Aggregation, Comparison, Threshold

COMPARE: Mapping[Comparison, Callable[[Fraction | float, Fraction | float], bool]] = {
    Comparison.LESS: operator.lt,
    Comparison.AT_MOST: operator.le,
    Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge,
    Comparison.EQUAL: operator.eq,
    Comparison.UNEQUAL: operator.ne,
}

_NUDGE = 1e-3  # of the bound: how far a value is moved to be strictly on one side; a tenth of the histogram's error
_DIGITS = (4, 6, 9, 17)  # significant; 17 tell any two floats apart


def display_quantile(estimate: float | None, threshold: Threshold, held: bool) -> float | None:
    """Return an estimate, moved to the verdict's side of the bound if it is on the other.

    Args:
        estimate: of the aggregate that the threshold compares, within the histogram's error; None: unknown.
        threshold: what was judged.
        held: the exact outcome.
    """
    bound = threshold.bound
    if estimate is None or COMPARE[threshold.op](estimate, bound) == held:
        return estimate
    if COMPARE[threshold.op](bound, bound) == held:
        return bound
    nudge = abs(bound) * _NUDGE or _NUDGE * _NUDGE
    below = (threshold.op is Comparison.LESS) or (threshold.op is Comparison.AT_LEAST)
    return bound - nudge if below else bound + nudge


def show_value(value: float | None, threshold: Threshold) -> str:
    """Return a value in the words of the threshold's metric: ``612ms``, ``1.25%``, ``1.5e+06B``, ``17``, ``17/min``.

    It has four significant digits, and more where rounding would carry it over the bound.
    """
    if value is None:
        return "unknown"
    if isinf(value):
        return "infinite"
    factor, suffix = _scale(threshold)
    if threshold.aggregation is Aggregation.COUNT and value.is_integer():
        return f"{value:.0f}{suffix}"
    holds = COMPARE[threshold.op](value, threshold.bound)
    text = ""
    for digits in _DIGITS:
        text = f"{value * factor:.{digits}g}"
        if (
            COMPARE[threshold.op](
                Fraction(text) / Fraction(factor), Fraction(repr(threshold.bound))
            )
            == holds
        ):
            break
    return _without_exponent(text) + suffix


def _without_exponent(text: str) -> str:
    return f"{float(text):.0f}" if "e+" in text else text


def _scale(threshold: Threshold) -> tuple[int, str]:
    if threshold.type is MetricType.RATE:
        return 100, "%"
    if threshold.type is MetricType.COUNTER and threshold.aggregation is Aggregation.RATE:
        unit = {1.0: "/s", 60.0: "/min", 3600.0: "/h"}.get(
            threshold.per_s, f"/{threshold.per_s:g}s"
        )
        return 1, ("B" if threshold.unit is Unit.BYTES else "") + unit
    match threshold.unit:
        case Unit.TIME:
            return 1000, "ms"
        case Unit.BYTES:
            return 1, "B"
        case Unit.NONE:
            return 1, ""
