"""What is shown never contradicts the verdict beside it."""

from __future__ import annotations

import math
import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.thresholds import (
    Comparison,
    Outcome,
    display_quantile,
    judge,
    parse_threshold,
    show_outcome,
    show_value,
    tally_sorted,
)

METRICS = {
    **BUILTIN,
    "events": MetricDefinition("events", MetricType.COUNTER, per_s=60.0),
    "size": MetricDefinition("size", MetricType.TREND, Unit.BYTES),
    "level": MetricDefinition("level", MetricType.TREND),
}
OPS = {
    Comparison.LESS: operator.lt, Comparison.AT_MOST: operator.le, Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge, Comparison.EQUAL: operator.eq, Comparison.UNEQUAL: operator.ne,
}  # fmt: skip


@settings(max_examples=150)
@given(
    st.lists(st.floats(0.3, 0.7), min_size=1, max_size=30),
    st.sampled_from(["p(95)", "med", "max", "min", "p(1)"]),
    st.sampled_from([op.value for op in Comparison]),
    st.integers(300, 700),
)
def test_a_shown_percentile_agrees_with_the_exact_outcome(
    values: list[float], stat: str, op: str, bound: int
) -> None:
    threshold = parse_threshold("http_req_duration", f"{stat}{op}{bound}ms", METRICS)
    histogram = Histogram()
    histogram.record_sorted(sorted(values))
    quantile = {"p(95)": 0.95, "med": 0.5, "max": 1.0, "min": 0.0, "p(1)": 0.01}[stat]
    outcome = judge(
        threshold, tally_sorted(threshold, sorted(values)), estimate=histogram.quantile(quantile)
    )
    shown = Fraction(show_value(outcome.observed, threshold).removesuffix(" ms"))
    assert OPS[threshold.op](shown, bound) is outcome.held


@pytest.mark.parametrize(
    ("text", "estimate", "held", "shown"),
    [
        pytest.param("p(95)<500ms", 0.49, True, 0.49, id="nothing-to-correct"),
        pytest.param("p(95)<500ms", 0.503, True, 0.4995, id="strictly-below"),
        pytest.param("p(95)<500ms", 0.497, False, 0.5, id="broken-at-the-bound"),
        pytest.param("p(95)<=500ms", 0.503, True, 0.5, id="held-at-the-bound"),
        pytest.param("p(95)<=500ms", 0.497, False, 0.5005, id="strictly-above"),
        pytest.param("p(95)>500ms", 0.497, True, 0.5005, id="held-above"),
        pytest.param("p(95)>=500ms", 0.503, False, 0.4995, id="broken-below"),
        pytest.param("p(95)==500ms", 0.503, True, 0.5, id="equal"),
        pytest.param("p(95)==500ms", 0.5, False, 0.5005, id="not-equal"),
        pytest.param("p(95)>0", 0.0, True, 1e-06, id="bound-at-zero"),
    ],
)
def test_an_estimate_moves_to_the_verdicts_side(
    text: str, estimate: float, held: bool, shown: float
) -> None:
    threshold = parse_threshold("http_req_duration", text, METRICS)
    assert display_quantile(estimate, threshold, held) == pytest.approx(shown)
    assert display_quantile(None, threshold, held) is None


@pytest.mark.parametrize(
    ("key", "text", "value", "shown"),
    [
        pytest.param("http_req_duration", "p(95)<500ms", 0.6123456, "612 ms", id="time"),
        pytest.param("http_req_duration", "p(95)<500ms", 1.2345, "1.23 s", id="seconds"),
        pytest.param("http_req_duration", "p(95)<=1s", 1.0004, "1.0004 s", id="seconds-just-above"),
        pytest.param("http_req_duration", "p(95)<=2m", 120.2, "120.200 s", id="minutes-just-above"),
        pytest.param(
            "http_req_duration",
            "p(95)<500ms",
            0.49999,
            "499.99 ms",
            id="as-many-digits-as-it-takes",
        ),
        pytest.param("http_req_duration", "p(95)<500ms", math.inf, "infinite", id="never-answered"),
        pytest.param("http_req_duration", "p(95)<500ms", None, "unknown", id="no-samples"),
        pytest.param("http_req_failed", "rate<1%", 0.0123456, "1.23 %", id="share"),
        pytest.param("http_req_failed", "rate<1%", 0.0099999, "0.99999 %", id="share-just-below"),
        pytest.param("http_req_failed", "rate==0", 1e-9, "< 0.000001 %", id="share-not-zero"),
        pytest.param("http_reqs", "count>=100", 1234567.0, "1,234,567", id="counts-are-whole"),
        pytest.param("http_reqs", "rate>5", 12.5, "12.5/s", id="rate"),
        pytest.param("http_reqs", "rate>=100", 99.97, "99.97/s", id="rate-just-below"),
        pytest.param("events", "rate>5", 420.0, "420/min", id="rate-per-minute"),
        pytest.param("size", "max<5kB", 4096.0, "4.1 kB", id="bytes"),
        pytest.param("size", "max<4100B", 4096.0, "4.096 kB", id="bytes-just-below"),
        pytest.param("data_sent", "rate<5kB", 4096.0, "4.1 kB/s", id="bytes-per-second"),
        pytest.param("level", "max<5", -3.25, "-3.25", id="plain"),
    ],
)
def test_values_are_shown_in_the_metrics_words(
    key: str, text: str, value: float | None, shown: str
) -> None:
    assert show_value(value, parse_threshold(key, text, METRICS)) == shown


def test_nothing_to_observe_is_said_as_that() -> None:
    threshold = parse_threshold("http_req_duration", "p(95)<500ms", METRICS)
    shown = [show_outcome(Outcome(None, None, samples), threshold) for samples in (0, 7)]
    assert shown == ["no samples", "unknown"]
