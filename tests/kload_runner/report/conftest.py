"""A small finished run, with something of everything a report can show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN_METRICS, MetricType, Unit
from kload_spec.result import (
    AnswerCount,
    CheckResult,
    ErrorResult,
    MetricResult,
    Result,
    RunIdentity,
    ScenarioResult,
    ScenarioSeries,
    StepResult,
    StepSeries,
    ThresholdResult,
    summary,
)
from kload_spec.thresholds import parse_threshold
from kload_spec.verdicts import Judgement, Reason, Verdict

SECONDS = 30


def histogram(*values_s: float) -> Histogram:
    made = Histogram()
    for value in values_s:
        made.record(value)
    return made


@pytest.fixture
def result() -> Result:
    """A run that failed: one threshold held, one broken, a custom metric, a failed check, an error."""
    durations = histogram(*(0.010 + 0.001 * (k % 90) for k in range(900)))
    metrics = {metric.name: metric for metric in BUILTIN_METRICS}
    held = parse_threshold("http_req_duration", "p(95)<500ms", metrics)
    broken = parse_threshold("http_req_failed{scenario:purchase}", "rate<0.1%", metrics)
    unfinished = Result(
        run=RunIdentity(name="ticket-purchase", params={"peak": 100}, seed=7),
        target="http://127.0.0.1:54321",
        started_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        duration_s=SECONDS,
        scenarios=[
            ScenarioResult(
                name="purchase",
                executor="ramping-vus",
                iterations=900,
                dropped_by_target=3,
                vus_max=20,
                duration=histogram(1.2, 1.4),
                series=ScenarioSeries(vus=[min(20, k) for k in range(SECONDS)]),
            )
        ],
        steps=[
            StepResult(
                scenario="purchase",
                name="create-checkout-session",
                requests=900,
                failed=9,
                data_sent=90_000,
                data_received=450_000,
                answers=[
                    AnswerCount(method="POST", status=200, expected=True, count=891),
                    AnswerCount(method="POST", status=0, expected=False, error="timeout", count=9),
                ],
                duration=durations,
                series=StepSeries(
                    requests=[30] * SECONDS,
                    failed=[0] * 20 + [1] * 9 + [0],
                    durations=[[-200 + k % 5, 15, 12, 14, 20, 1] for k in range(SECONDS)],
                ),
            )
        ],
        checks=[
            CheckResult(
                name="status is 200",
                scenario="purchase",
                step="create-checkout-session",
                passes=891,
                fails=9,
            ),
            CheckResult(
                name="a <b> & c",
                scenario="purchase",
                step="create-checkout-session",
                is_assert=True,
                passes=900,
            ),
        ],
        metrics=[
            MetricResult(
                description="tickets bought",
                name="events",
                type=MetricType.COUNTER,
                per_s=60,
                scenario="purchase",
                samples=900,
                sum=6300,
            ),
            MetricResult(
                name="checkout_duration",
                type=MetricType.TREND,
                unit=Unit.TIME,
                scenario="purchase",
                samples=900,
                sum=49.05,
                histogram=durations,
            ),
            MetricResult(
                name="purchase_errors",
                type=MetricType.RATE,
                scenario="purchase",
                samples=900,
                sum=9,
            ),
        ],
        thresholds=[
            ThresholdResult(
                definition=held, good=900, samples=900, sum=49.05, observed=0.0951, held=True
            ),
            ThresholdResult(
                definition=broken, good=9, samples=900, sum=9, observed=0.01, held=False
            ),
        ],
        health=Health(cpu_share=0.31, loop_lag_p99_s=0.0004),
        errors=[
            ErrorResult(
                scenario="purchase",
                step="create-checkout-session",
                kind="request",
                message="timeout: no answer within 30 s",
                count=9,
                sample="POST /functions/v1/create-checkout-session",
            )
        ],
        verdict=Judgement(
            Verdict.FAILED,
            Reason.THRESHOLD_BROKEN,
            "http_req_failed{scenario:purchase} rate<0.1% is 1 %",
            ("1 % of answers came late",),
            99,
        ),
    )
    return unfinished.model_copy(update={"summary": summary(unfinished)})
