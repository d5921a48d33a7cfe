"""Recorder to result document: the same numbers, and a verdict from them."""

from __future__ import annotations

import random

import pytest
from exchanges import answered, failed

from kload_runner.executors.base import DropCause
from kload_runner.metrics import Recorder
from kload_runner.metrics.reading import fill_in
from kload_runner.wire import ErrorClass
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.result import Result, RunIdentity, conclude, merge
from kload_spec.thresholds import assert_threshold, iterations_failed_threshold, parse_threshold
from kload_spec.verdicts import Verdict

CHECKOUT = MetricDefinition("checkout", MetricType.TREND, Unit.TIME)
EVENTS = MetricDefinition("events", MetricType.COUNTER, per_s=60.0)
METRICS = {**BUILTIN, "checkout": CHECKOUT, "events": EVENTS}
THRESHOLDS = [
    parse_threshold("http_req_duration", "p(95)<500ms", METRICS),
    parse_threshold("http_req_duration{status:200}", "max<1s", METRICS),
    parse_threshold("http_req_failed", "rate<5%", METRICS),
    parse_threshold("events", "count>=100", METRICS),
    assert_threshold("stored"),
    iterations_failed_threshold(),
]


def run_of(seed: int, slowest: float = 0.4) -> Result:
    """What one runner reports after 50 iterations."""
    recorder = Recorder([CHECKOUT, EVENTS], THRESHOLDS)
    recorder.scenario("buy", "ramping-arrival-rate", open_loop=True, tags={"team": "a"})
    step = recorder.step("buy", "pay")
    check, held = step.check("under 500 ms"), step.check("stored", is_assert=True)
    checkout, events = (
        recorder.metric("checkout", "buy", "pay"),
        recorder.metric("events", "buy", "pay"),
    )
    draw = random.Random(seed)
    for second in range(5):
        for _ in range(10):
            value = draw.uniform(0.01, slowest)
            step.exchange(answered(value), True)
            check.record(value < 0.5)
            held.record(True)
            checkout.add(value * 1000)
            events.add(7)
            recorder.iteration("buy", value)
        recorder.tick(second + 1.0)
    step.exchange(failed(ErrorClass.TIMEOUT, "30 s are over", duration=0.1, written=True), False)
    step.exchange(failed(ErrorClass.LOCAL, "no free port"), False)
    check.cause("no json")
    recorder.dropped("buy", 1, DropCause.GENERATOR_LATE)
    recorder.error("buy", "pay", "record", "checkout: no number", "x")
    recorder.end_load(5.5)
    return fill_in(Result(run=RunIdentity(name="x"), duration_s=5.5), recorder)


def test_everything_recorded_is_in_the_document() -> None:
    result = run_of(1)
    (scenario,), (step,) = result.scenarios, result.steps
    assert (scenario.iterations, scenario.dropped_by_generator, scenario.tags) == (
        50,
        1,
        {"team": "a"},
    )
    assert (step.requests, step.failed, step.duration.count) == (51, 1, 51)
    assert step.expected_duration is not None
    assert step.expected_duration.count == 50
    assert step.response_time is not None
    assert (step.response_time.count, step.response_time.above) == (52, 2)
    assert {(answer.status, answer.error, answer.count) for answer in step.answers} == {
        (200, "", 50),
        (0, "timeout", 1),
    }
    assert sum(step.series.requests) == 51
    assert sum(scenario.series.iterations) == 50
    checks = {check.name: check for check in result.checks}
    assert (checks["stored"].passes, checks["stored"].is_assert) == (50, True)
    assert checks["under 500 ms"].errors == {"no json": 1}
    metrics = {metric.name: metric for metric in result.metrics}
    assert metrics["events"].sum == 350.0
    assert metrics["checkout"].histogram is not None
    assert metrics["checkout"].histogram.count == 50
    kinds = {(error.kind, error.message, error.count) for error in result.errors}
    assert kinds == {
        ("request", "timeout", 1),
        ("local", "local", 1),
        ("record", "checkout: no number", 1),
    }


def test_a_document_of_a_recorder_can_be_written_merged_and_judged() -> None:
    alone = conclude(run_of(1))
    assert alone.passed, alone.message
    fleet = conclude(merge([Result.from_bytes(run_of(seed).to_bytes()) for seed in (1, 2, 3)]))
    assert fleet.passed, fleet.message
    assert fleet.summary.requests == 153
    assert fleet.thresholds[3].observed == 1050.0


@pytest.mark.parametrize("runners", [1, 3, 10])
def test_the_verdict_does_not_depend_on_how_many_runners_measured(runners: int) -> None:
    parts = [run_of(seed, slowest=0.8) for seed in range(runners)]
    fleet = conclude(merge(parts))
    assert fleet.verdict is not None
    assert fleet.verdict.verdict is Verdict.FAILED
    durations = fleet.thresholds[0]
    assert durations.observed is not None
    assert durations.observed >= 0.5
    assert durations.held is False


def test_steps_of_setup_that_sent_nothing_are_left_out() -> None:
    recorder = Recorder()
    recorder.scenario("buy")
    recorder.step("setup", "seed")
    recorder.step("buy", "pay")
    result = fill_in(Result(run=RunIdentity(name="x")), recorder)
    assert [step.name for step in result.steps] == ["pay"]
    assert [scenario.name for scenario in result.scenarios] == ["buy"]
