"""Pass/fail rules over metrics: the language they are written in and how they are judged.

model      a threshold as data
selectors  key -> metric and selector
grammar    text -> Threshold, with errors that say what to write
implicit   the thresholds nobody writes: asserts, failed iterations
display    numbers as people read them
judging    three numbers -> held or broken, exactly
"""

from kload_spec.thresholds.display import display_quantile, show_outcome, show_value
from kload_spec.thresholds.grammar import parse_threshold
from kload_spec.thresholds.implicit import assert_threshold, iterations_failed_threshold
from kload_spec.thresholds.judging import certainly_broken, judge, must_abort, tally_sorted
from kload_spec.thresholds.model import (
    Aggregation,
    Comparison,
    Outcome,
    Selector,
    Tally,
    Threshold,
    ThresholdError,
)

__all__ = [
    "Aggregation",
    "Comparison",
    "Outcome",
    "Selector",
    "Tally",
    "Threshold",
    "ThresholdError",
    "assert_threshold",
    "certainly_broken",
    "display_quantile",
    "iterations_failed_threshold",
    "judge",
    "must_abort",
    "parse_threshold",
    "show_outcome",
    "show_value",
    "tally_sorted",
]
