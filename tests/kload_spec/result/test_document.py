"""The result document: round trip, schema, size, merging, verdict and totals."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from datetime import UTC, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.buckets import flat
from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN, MetricType, Unit
from kload_spec.result import (
    AnswerCount,
    CheckResult,
    Circumstances,
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
    conclude,
    fitted,
    merge,
    result_json_schema,
    totals,
)
from kload_spec.result.series import SERIES_GRAIN, points_allowed
from kload_spec.thresholds import Tally, parse_threshold, tally_sorted
from kload_spec.verdicts import Fault, Reason, Verdict

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


def test_a_document_survives_being_written_and_read() -> None:
    written = conclude(merge([runner_result(1), runner_result(2)]))
    for data in (written.to_bytes(), written.model_dump_json(by_alias=True).encode()):
        assert Result.from_bytes(data) == written
    assert written.to_bytes() == Result.from_bytes(written.to_bytes()).to_bytes()


def test_a_written_document_fits_the_published_schema() -> None:
    schema = result_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    document = json.loads(conclude(runner_result(1)).model_dump_json(by_alias=True))
    jsonschema.validate(document, schema)
    assert document["schema"] == "kload-result/v1"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**document, "steps": [{"scenario": 1}]}, schema)


def test_readers_ignore_what_they_do_not_know() -> None:
    document = json.loads(runner_result(1).model_dump_json(by_alias=True))
    document["invented_later"] = {"x": 1}
    document["steps"][0]["invented_later"] = True
    assert Result.model_validate(document) == runner_result(1)


def test_an_infinite_sum_is_written_as_a_word() -> None:
    late = parse_threshold("http_req_response_time", "avg<1s", BUILTIN)
    result = conclude(
        Result(
            run=IDENTITY,
            thresholds=[ThresholdResult(definition=late, good=1, samples=2, sum=math.inf)],
        )
    )
    document = json.loads(result.model_dump_json(by_alias=True))
    assert document["thresholds"][0]["sum"] == "Infinity"
    assert document["thresholds"][0]["observed"] == "Infinity"
    assert Result.from_bytes(result.to_bytes()).thresholds[0].sum == math.inf
    assert document["thresholds"][0]["shown"] == "infinite"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"no json", b"\x1f\x8bbroken", b'{"schema": "kload-result/v9"}']
)
def test_what_is_no_result_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Result.from_bytes(data)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 9), st.sampled_from([1, 2, 4]), st.integers(0, 9)),
        min_size=3,
        max_size=4,
    )
)
def test_runners_merge_in_any_grouping(kinds: list[tuple[int, int, int]]) -> None:
    parts = [runner_result(seed, interval_s=step, points=points) for seed, step, points in kinds]
    left = merge([merge(parts[:2]), *parts[2:]])
    right = merge([parts[0], merge(parts[1:])])
    assert left == right == merge(parts)


def test_merging_adds_counts_and_keeps_the_worse_level() -> None:
    merged = merge([runner_result(1), runner_result(3), runner_result(2)])
    assert [runner.index for runner in merged.runners] == [1, 2, 3]
    assert merged.duration_s == 63.0
    assert merged.started_at == datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)
    assert merged.ended_at == datetime(2026, 1, 1, 12, 5, 3, tzinfo=UTC)
    assert merged.phases == [PhaseTime(name="load", start_s=0.0, end_s=63.0)]
    (scenario,) = merged.scenarios
    assert (scenario.iterations, scenario.failed, scenario.vus_max, scenario.dropped) == (
        60,
        6,
        6,
        3,
    )
    assert scenario.duration.count == 60
    assert {(step.name, step.requests) for step in merged.steps} == {("pay", 40), ("order", 20)}
    pay = next(step for step in merged.steps if step.name == "pay")
    assert pay.answers == [AnswerCount(method="GET", status=200, expected=True, count=40)]
    assert pay.expected_duration is not None
    assert pay.expected_duration.count == 36
    (check,) = merged.checks
    assert (check.passes, check.fails, check.errors) == (6, 3, {"no json": 3})
    assert merged.metrics[0].sum == 42.0
    assert merged.thresholds[0].samples == 60
    assert (merged.errors[0].count, merged.errors[0].sample) == (9, "runner 1")
    assert (merged.health.arrivals, merged.health.loop_lag_p99_s) == (6, 0.003)
    assert merged.notes == ["watch out"]
    assert merged.verdict is None


def test_only_results_of_one_plan_merge() -> None:
    other = runner_result(1).model_copy(update={"run": RunIdentity(name="x", plan_hash="other")})
    with pytest.raises(ValueError, match="different plans"):
        merge([runner_result(1), other])
    with pytest.raises(ValueError, match="no result to merge"):
        merge([])
    with pytest.raises(ValueError, match="do not fit"):
        merge([runner_result(1, interval_s=2), runner_result(2, interval_s=3)])


def test_an_unknown_gap_stays_unknown_when_merged() -> None:
    gap = runner_result(1)
    gap = gap.model_copy(
        update={"thresholds": [gap.thresholds[0].model_copy(update={"missing": None})]}
    )
    assert merge([gap, runner_result(2)]).thresholds[0].missing is None


# -- conclusion ------------------------------------------------------------------------------------------------------


def test_a_conclusion_judges_the_merged_numbers() -> None:
    result = conclude(merge([runner_result(1), runner_result(2)]))
    assert result.verdict is not None
    assert result.verdict.verdict is Verdict.FAILED
    assert not result.passed
    assert result.message.startswith("Failed (ThresholdBroken): http_req_duration p(95)<5s is ")
    (threshold,) = result.thresholds
    assert threshold.held is False
    assert threshold.observed is not None
    assert threshold.observed >= 5.0
    assert threshold.key == "http_req_duration"
    assert threshold.shown.endswith(" s")


def test_numbers_of_prometheus_take_the_documents_place() -> None:
    result = runner_result(1)
    name = result.thresholds[0].definition.id
    seen = conclude(result, Circumstances(tallies={name: Tally(20, 20, 40.0)}))
    assert seen.passed, seen.message
    partial = conclude(
        result, Circumstances(tallies={name: Tally(19, 19, 40.0)}, missing={name: 1})
    )
    assert partial.verdict is not None
    assert partial.verdict.reason is Reason.INCOMPLETE_DATA


def test_what_went_wrong_outside_the_numbers_is_heard() -> None:
    lost = conclude(
        runner_result(1), Circumstances(faults=(Fault(Reason.RUNNER_LOST, "runner 1 is gone"),))
    )
    assert lost.verdict is not None
    assert (lost.verdict.verdict, lost.verdict.warnings) == (Verdict.ERROR, ("watch out",))


@pytest.mark.parametrize(("quick", "verdict"), [(False, Verdict.FAILED), (True, Verdict.PASSED)])
def test_a_quick_run_shows_counts_and_does_not_judge_them(quick: bool, verdict: Verdict) -> None:
    counted = parse_threshold("http_reqs", "count>=1000", BUILTIN)
    result = Result(
        run=RunIdentity(name="x", quick=quick),
        steps=[StepResult(scenario="a", name="b", requests=3)],
        thresholds=[ThresholdResult(definition=counted, good=3, samples=3, sum=3.0)],
    )
    concluded = conclude(result)
    assert concluded.verdict is not None
    assert concluded.verdict.verdict is verdict
    assert (concluded.thresholds[0].observed, concluded.thresholds[0].judged) == (3.0, not quick)


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        pytest.param("p(95)<9s", 4.0, id="percentile"),
        pytest.param("med<9s", 2.0, id="median"),
        pytest.param("min<9s", 1.0, id="minimum"),
        pytest.param("max<9s", 4.0, id="maximum"),
        pytest.param("avg<9s", 2.5, id="average"),
    ],
)
def test_every_aggregation_has_a_value_to_show(text: str, observed: float) -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    threshold = parse_threshold("http_req_duration", text, BUILTIN)
    tally = tally_sorted(threshold, values)
    item = ThresholdResult(
        definition=threshold,
        good=tally.good,
        samples=tally.samples,
        sum=tally.sum,
        histogram=histogram(values),
    )
    concluded = conclude(Result(run=IDENTITY, thresholds=[item]))
    assert concluded.thresholds[0].observed == pytest.approx(observed, rel=0.0087)
    assert concluded.thresholds[0].outcome.held is True


# -- totals and readers ------------------------------------------------------------------------------------------------


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


def test_totals_speak_of_the_load_alone() -> None:
    found = totals(full_result())
    assert found["http_reqs"] == {"count": 10.0, "rate": 1.0}
    assert found["http_req_failed"] == {"passes": 2.0, "fails": 8.0, "count": 10.0, "rate": 0.2}
    assert found["http_req_duration"]["max"] == 3.0
    assert found["http_req_duration"]["avg"] == 2.0
    assert found["http_req_response_time"]["count"] == 1.0
    assert found["http_req_waiting"]["sum"] == 1.0
    assert found["checks"]["rate"] == 0.75
    assert found["iterations"]["count"] == 10.0
    assert found["dropped_iterations"]["count"] == 2.0
    assert found["events"] == {"count": 21.0, "rate": 126.0}
    assert found["ok"]["rate"] == 0.75
    assert found["depth"] == {"value": 7.0, "count": 2.0}
    assert found["size"]["med"] == 2.0
    assert found["only_setup"] == {"count": 0.0}


def test_the_summary_holds_the_headline_numbers() -> None:
    summary = conclude(full_result()).summary
    assert (summary.requests, summary.failed, summary.requests_per_s) == (10, 2, 1.0)
    assert (summary.p95_ms, summary.max_ms) == (3000.0, 3000.0)
    assert (summary.checks_passed, summary.checks_failed, summary.dropped) == (3, 1, 2)
    assert conclude(Result(run=IDENTITY)).summary.p95_ms is None


def test_percentiles_are_read_per_step_and_no_data_is_no_number() -> None:
    result = full_result()
    assert result.percentile(95) == 3000.0
    assert result.percentile(0, step="pay") == 1000.0
    assert result.percentile(50, scenario="setup") == 50_000.0
    with pytest.raises(ValueError, match="no request of scenario any, step unknown was measured"):
        result.percentile(95, step="unknown")
    assert Result(run=IDENTITY).message == "no verdict yet"


def test_health_of_runners_adds_up() -> None:
    both = Health(arrivals=10, late_starts=1, loop_lag_p99_s=0.1) + Health(
        arrivals=10, dropped_by_generator=2
    )
    assert both.late_share == 0.15
    assert both.loop_lag_p99_s == 0.1
    assert Health().late_share == 0.0


# -- series --------------------------------------------------------------------------------------------------------

columns = st.lists(st.integers(0, 5), max_size=12)
buckets = st.lists(st.dictionaries(st.integers(-50, 50), st.integers(1, 9), max_size=4), max_size=9)


@settings(max_examples=60)
@given(columns, columns, buckets, buckets, st.sampled_from([1, 2, 4]))
def test_coarsening_and_adding_commute(
    left: list[int],
    right: list[int],
    some: list[dict[int, int]],
    more: list[dict[int, int]],
    factor: int,
) -> None:
    a = StepSeries(requests=left, failed=right, durations=[flat(Counter(point)) for point in some])
    b = StepSeries(requests=right, failed=left, durations=[flat(Counter(point)) for point in more])
    assert (a + b).coarsened(factor) == a.coarsened(factor) + b.coarsened(factor)
    c, d = ScenarioSeries(vus=left, iterations=right), ScenarioSeries(vus=right, iterations=left)
    assert (c + d).coarsened(factor) == c.coarsened(factor) + d.coarsened(factor)


def test_coarser_points_add_counts_and_keep_the_first_level() -> None:
    series = ScenarioSeries(vus=[1, 2, 3], iterations=[10, 20, 30]).coarsened(2)
    assert (series.vus, series.iterations) == ([1, 3], [30, 30])
    metric = MetricSeries(samples=[1, 1], sums=[0.5, 1.5]).coarsened(2)
    assert (metric.samples, metric.sums) == ([2], [2.0])


def test_a_point_knows_its_percentiles() -> None:
    point = histogram([0.1] * 90 + [1.0] * 10).coarsened(SERIES_GRAIN)
    series = StepSeries(requests=[100], durations=[flat(point.positive)])
    assert series.durations_at(0).quantile(0.5) == pytest.approx(0.1, rel=0.035)
    assert series.durations_at(0).quantile(0.95) == pytest.approx(1.0, rel=0.035)
    assert series.durations_at(7).count == 0


def test_an_hour_of_fifty_steps_fits_a_config_map() -> None:
    draw = random.Random(7)
    steps = []
    points = points_allowed(50)
    for number in range(10):
        values = sorted(draw.lognormvariate(-4, 1) for _ in range(4000))
        spread = histogram(values)
        # Every point has its own distribution, as wide as a second of a busy step has.
        columns = [
            flat(histogram(sorted(draw.sample(values, 60))).coarsened(SERIES_GRAIN).positive)
            for _ in range(points)
        ]
        counts = [draw.randint(900, 1100) for _ in range(points)]
        steps.append(
            StepResult(
                scenario=f"scenario-{number % 5}",
                name=f"step-{number}",
                requests=sum(counts),
                duration=spread,
                expected_duration=spread,
                response_time=spread,
                phases=dict.fromkeys(
                    ("sending", "waiting", "receiving", "blocked", "connecting", "tls_handshaking"),
                    spread,
                ),
                series=StepSeries(requests=counts, failed=counts, durations=columns),
            )
        )
    # Copies are too far apart for gzip (32 KiB) to see that they are copies.
    steps = [
        step.model_copy(update={"scenario": f"s{copy}"}) for copy in range(5) for step in steps
    ]
    result = Result(run=IDENTITY, interval_s=16, steps=steps)
    assert points * 16 >= 3600
    assert len(result.to_bytes()) < 900 * 1024


def test_a_document_that_is_too_large_loses_points_and_then_samples_but_no_number() -> None:
    noisy = [
        ErrorResult(
            scenario="buy",
            kind="request",
            message="status 500",
            sample=f"{random.Random(1).random()}" * 9,
        )
    ]
    large = runner_result(1, points=400).model_copy(update={"errors": noisy})
    length = len(large.to_bytes())
    smaller = fitted(large, length - 500)
    assert len(smaller.to_bytes()) <= length - 500
    assert smaller.interval_s > 1
    assert smaller.errors == large.errors
    assert conclude(smaller).summary == conclude(large).summary
    assert fitted(large, length) == large
    least = fitted(large, 1170)
    assert least.errors[0].sample == ""
    assert conclude(least).summary == conclude(large).summary
    with pytest.raises(ValueError, match="the limit is 100"):
        fitted(large, 100)
