"""The thresholds nobody writes: every assert holds, and fewer than 1 % of iterations fail.

They are ordinary thresholds, counted and judged like the user's own; the planner adds them to the plan.
"""

from __future__ import annotations

from dataclasses import replace

from kload_spec.metrics import BUILTIN
from kload_spec.thresholds.grammar import build_threshold, parse_expression
from kload_spec.thresholds.model import Threshold


def assert_threshold(name: str) -> Threshold:
    """Return ``checks{check:NAME} rate==1``, which counts in setup, teardown and warm-up too."""
    threshold = build_threshold(
        BUILTIN["checks"], (("check", name),), parse_expression("rate==1"), "rate==1"
    )
    return replace(threshold, implicit=True, always=True)


def iterations_failed_threshold() -> Threshold:
    """Return ``iterations_failed rate<1%``: a test whose iterations raise must not pass for lack of requests."""
    threshold = build_threshold(
        BUILTIN["iterations_failed"], (), parse_expression("rate<1%"), "rate<1%"
    )
    return replace(threshold, implicit=True)
