"""Declared metrics: units, types, what is refused."""

from __future__ import annotations

import math

import pytest

from kload_runner.metrics import MetricRecorder, Recorder, RefusedSample
from kload_runner.metrics.trends import BATCH
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.thresholds import Tally, parse_threshold

DEFINITIONS = {
    definition.name: definition
    for definition in (
        MetricDefinition("checkout", MetricType.TREND, Unit.TIME),
        MetricDefinition("size", MetricType.TREND, Unit.BYTES),
        MetricDefinition("events", MetricType.COUNTER, per_s=60.0),
        MetricDefinition("errors", MetricType.RATE),
        MetricDefinition("depth", MetricType.GAUGE),
    )
}
METRICS = {**BUILTIN, **DEFINITIONS}


def metric(name: str, *rules: str) -> tuple[Recorder, MetricRecorder, list[str]]:
    thresholds = [parse_threshold(name, text, METRICS) for text in rules]
    recorder = Recorder(DEFINITIONS.values(), thresholds)
    recorder.scenario("buy")
    return recorder, recorder.metric(name, "buy", "pay"), [threshold.id for threshold in thresholds]


def test_times_are_milliseconds_outside_and_seconds_inside() -> None:
    recorder, checkout, (name, median) = metric("checkout", "p(95)<500ms", "med==0.25s")
    for value in (250, 499.999, 500):
        checkout.add(value)
    found = recorder.thresholds()
    assert (found[name].good, found[name].samples) == (2, 3)
    assert (found[median].good, found[median].sum) == (1, 0.0)
    assert checkout.trend is not None
    assert checkout.trend.total.maximum == 0.5


def test_a_full_batch_of_a_trend_is_worked_off_at_once() -> None:
    _, size, _ = metric("size")
    for number in range(BATCH):
        size.add(number)
    assert size.samples == BATCH
    assert size.trend is not None
    assert size.trend.window.zeros == 1


def test_a_counter_adds_up_and_never_goes_back() -> None:
    recorder, events, (name,) = metric("events", "count<100")
    events.add(7)
    events.add(True)
    events.add(False)
    with pytest.raises(RefusedSample, match="only grows; -1 is below 0"):
        events.add(-1)
    assert recorder.thresholds()[name] == Tally(3, 3, 8.0)
    assert (events.sum, events.refused) == (8.0, 1)


def test_a_rate_counts_what_is_true_or_not_zero() -> None:
    recorder, errors, (name,) = metric("errors", "rate<1%")
    for value in (True, False, 0, 2.5, 0.0):
        errors.add(value)
    assert recorder.thresholds()[name] == Tally(2, 5, 2.0)


@pytest.mark.parametrize("name", ["checkout", "depth"])
def test_true_is_no_value_of_a_trend_or_gauge(name: str) -> None:
    _, sampled, _ = metric(name)
    with pytest.raises(RefusedSample, match="takes numbers, not True"):
        sampled.add(True)


def test_a_gauge_keeps_the_latest_value_over_the_warm_up() -> None:
    recorder, depth, _ = metric("depth")
    depth.add(5)
    depth.add(3)
    recorder.begin_measuring()
    assert depth.measured() == (0, 0, 3.0)


@pytest.mark.parametrize("value", ["12", None, [1], math.nan, math.inf, 10**400, {}])
@pytest.mark.parametrize("name", sorted(DEFINITIONS))
def test_what_is_no_number_is_refused_and_counted(name: str, value: object) -> None:
    recorder, sampled, _ = metric(name)
    with pytest.raises(RefusedSample, match=f"{name} takes numbers"):
        sampled.add(value)
    recorder.roll()
    assert (sampled.samples, sampled.refused) == (0, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("checkout", 10), ("events", 4), ("errors", True), ("size", 1.5)],
)
def test_a_warm_up_is_left_out(name: str, value: object) -> None:
    recorder, sampled, _ = metric(name)
    sampled.add(value)
    recorder.begin_measuring()
    assert sampled.measured()[1] == 0
    sampled.add(value)
    recorder.tick(1.0)
    assert sampled.measured()[1] == 1
    assert sampled.points.columns().samples == [2]


def test_a_metric_is_bound_per_step_and_tags() -> None:
    recorder, sampled, _ = metric("events")
    assert recorder.metric("events", "buy", "pay") is sampled
    assert recorder.metric("events", "buy", "other") is not sampled
    assert recorder.metric("events", "buy", "pay", tags={"kind": "x"}) is not sampled
