"""Totals as teardown reads them."""

from __future__ import annotations

from kload_runner.engine.phases import totals_in_ms
from kload_spec.metrics import MetricDefinition, MetricType, Unit


def test_times_are_milliseconds_and_counts_whole() -> None:
    declared = (MetricDefinition("wait", MetricType.TREND, Unit.TIME),)
    totals = {
        "wait": {"count": 2.0, "p95": 0.25},
        "http_reqs": {"count": 7.0, "rate": 3.5},
        "http_req_duration": {"count": 7.0, "max": 1.5},
    }
    assert totals_in_ms(totals, declared) == {
        "wait": {"count": 2, "p95": 250.0},
        "http_reqs": {"count": 7, "rate": 3.5},
        "http_req_duration": {"count": 7, "max": 1500.0},
    }


def test_a_metric_that_was_never_recorded_counts_zero() -> None:
    declared = (
        MetricDefinition("orders", MetricType.COUNTER),
        MetricDefinition("errors", MetricType.RATE),
        MetricDefinition("wait", MetricType.TREND, Unit.TIME),
    )
    assert totals_in_ms({}, declared) == {
        "orders": {"count": 0, "rate": 0.0},
        "errors": {"count": 0, "passes": 0, "fails": 0},
        "wait": {"count": 0},
    }
