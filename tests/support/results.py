"""Result documents for tests: what one runner might write, and one with something of everything."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN, MetricType, Unit
from kload_spec.result import (
    AnswerCount,
    CheckResult,
    ErrorResult,
    MetricResult,
    MetricSeries,
    PhaseTime,
    Result,
    RunIdentity,
    RunnerInfo,
    ScenarioResult,
    ScenarioSeries,
    StepResult,
    StepSeries,
    ThresholdResult,
)
from kload_spec.thresholds import parse_threshold, tally_sorted

IDENTITY = RunIdentity(name="tickets", plan_hash="abc")


def histogram(values: list[float]) -> Histogram:
    found = Histogram()
    found.record_sorted(sorted(values))
    return found


def runner_result(seed: int, *, interval_s: int = 1, points: int = 5) -> Result:
    """What one runner might write, all numbers whole so that sums are exact."""
    draw = random.Random(seed)
    values = [float(draw.randint(1, 9)) for _ in range(20)]
    p95 = parse_threshold("http_req_duration", "p(95)<5s", BUILTIN)
    tally = tally_sorted(p95, sorted(values))
    counts = [draw.randint(0, 5) for _ in range(points)]
    return Result(
        run=IDENTITY,
        started_at=datetime(2026, 1, 1, 12, 0, seed % 60, tzinfo=UTC),
        ended_at=datetime(2026, 1, 1, 12, 5, seed % 60, tzinfo=UTC),
        duration_s=float(60 + seed),
        interval_s=interval_s,
        phases=[PhaseTime(name="load", start_s=0.0, end_s=float(60 + seed))],
        runners=[
            RunnerInfo(index=seed, node=f"node-{seed}", health=Health(cpu_seconds=float(seed)))
        ],
        scenarios=[
            ScenarioResult(
                name="buy",
                executor="constant-vus",
                iterations=20,
                failed=seed,
                vus_max=2,
                dropped_by_target=1,
                duration=histogram(values),
                series=ScenarioSeries(vus=counts, iterations=counts, failed=counts, dropped=counts),
            )
        ],
        steps=[
            StepResult(
                scenario="buy",
                name="pay" if seed % 2 else "order",
                requests=20,
                failed=seed,
                data_sent=100,
                answers=[AnswerCount(method="GET", status=200, expected=True, count=20)],
                duration=histogram(values),
                phases={"waiting": histogram(values)},
                expected_duration=histogram(values[:-seed]) if seed else None,
                series=StepSeries(
                    requests=counts, failed=counts, durations=[[n, n] if n else [] for n in counts]
                ),
            )
        ],
        checks=[
            CheckResult(
                name="ok", scenario="buy", step="pay", passes=seed, fails=1, errors={"no json": 1}
            )
        ],
        metrics=[
            MetricResult(
                name="events",
                type=MetricType.COUNTER,
                per_s=60.0,
                scenario="buy",
                samples=2,
                sum=14.0,
                series=MetricSeries(samples=counts, sums=[float(n) for n in counts]),
            ),
        ],
        thresholds=[
            ThresholdResult(
                definition=p95,
                good=tally.good,
                samples=tally.samples,
                sum=tally.sum,
                histogram=histogram(values),
            ),
        ],
        errors=[
            ErrorResult(
                scenario="buy",
                kind="request",
                message="status 500",
                count=seed + 1,
                sample=f"runner {seed}",
            )
        ],
        health=Health(arrivals=seed, loop_lag_p99_s=seed / 1000),
        notes=["watch out"],
    )


def full_result() -> Result:
    load = StepResult(
        scenario="buy",
        name="pay",
        requests=10,
        failed=2,
        data_sent=5,
        duration=histogram([1.0, 3.0]),
        phases={"waiting": histogram([1.0])},
        response_time=histogram([2.0]),
    )
    setup = StepResult(scenario="setup", name="seed", requests=99, duration=histogram([50.0]))
    return Result(
        run=IDENTITY,
        duration_s=12.0,
        measured_from_s=2.0,
        steps=[load, setup],
        scenarios=[
            ScenarioResult(
                name="buy",
                iterations=10,
                failed=1,
                dropped_by_generator=2,
                duration=histogram([1.0]),
            )
        ],
        checks=[
            CheckResult(name="a", scenario="buy", step="pay", passes=3, fails=1),
            CheckResult(name="b", scenario="teardown", step="audit", passes=0, fails=7),
        ],
        metrics=[
            MetricResult(
                name="events",
                type=MetricType.COUNTER,
                per_s=60.0,
                scenario="buy",
                samples=3,
                sum=21.0,
            ),
            MetricResult(
                name="events",
                type=MetricType.COUNTER,
                per_s=60.0,
                scenario="setup",
                samples=1,
                sum=1000.0,
            ),
            MetricResult(name="ok", type=MetricType.RATE, scenario="buy", samples=4, sum=3.0),
            MetricResult(name="depth", type=MetricType.GAUGE, scenario="buy", samples=2, sum=7.0),
            MetricResult(
                name="size",
                type=MetricType.TREND,
                unit=Unit.BYTES,
                scenario="buy",
                samples=2,
                histogram=histogram([2.0, 4.0]),
            ),
            MetricResult(
                name="only_setup",
                type=MetricType.TREND,
                scenario="setup",
                samples=1,
                histogram=histogram([2.0]),
            ),
        ],
    )
