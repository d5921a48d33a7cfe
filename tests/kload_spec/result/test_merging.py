"""Results of several runners made one: sums, levels, unknown gaps, and a size that fits."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from results import IDENTITY, histogram, runner_result

from kload_spec.buckets import flat
from kload_spec.result import (
    AnswerCount,
    ErrorResult,
    PhaseTime,
    Result,
    RunIdentity,
    StepResult,
    StepSeries,
    conclude,
    fitted,
    merge,
)
from kload_spec.result.series import SERIES_GRAIN, points_allowed


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


def test_answers_of_a_runner_without_a_failure_count_as_expected() -> None:
    pay = runner_result(1).steps[0]
    spotless = pay.model_copy(update={"failed": 0, "expected_duration": None})
    for runners in ([pay, spotless], [spotless, pay]):
        (merged,) = merge(
            [runner_result(1).model_copy(update={"steps": [step]}) for step in runners]
        ).steps
        assert merged.expected_duration is not None
        assert merged.expected_duration.count == 19 + 20
    (both,) = merge(
        [runner_result(1).model_copy(update={"steps": [spotless]}) for _ in range(2)]
    ).steps
    assert both.expected_duration is None


def test_only_results_of_one_plan_merge() -> None:
    other = runner_result(1).model_copy(update={"run": RunIdentity(name="x", plan_hash="other")})
    with pytest.raises(ValueError, match="different plans"):
        merge([runner_result(1), other])
    with pytest.raises(ValueError, match="no result to merge"):
        merge([])
    with pytest.raises(ValueError, match="do not fit"):
        merge([runner_result(1, interval_s=2), runner_result(2, interval_s=3)])


def test_known_gaps_add_up() -> None:
    gaps = [
        runner_result(seed).model_copy(
            update={
                "thresholds": [
                    runner_result(seed).thresholds[0].model_copy(update={"missing": seed})
                ]
            }
        )
        for seed in (3, 4)
    ]
    assert merge(gaps).thresholds[0].missing == 7


def test_a_distribution_that_one_runner_alone_has_is_kept() -> None:
    alone = runner_result(1)
    timed = alone.steps[0].model_copy(update={"response_time": histogram([2.0])})
    for steps in ([timed, alone.steps[0]], [alone.steps[0], timed]):
        (merged,) = merge([alone.model_copy(update={"steps": [step]}) for step in steps]).steps
        assert merged.response_time == histogram([2.0])


def test_an_unknown_gap_stays_unknown_when_merged() -> None:
    gap = runner_result(1)
    gap = gap.model_copy(
        update={"thresholds": [gap.thresholds[0].model_copy(update={"missing": None})]}
    )
    assert merge([gap, runner_result(2)]).thresholds[0].missing is None


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
            sample="".join(str(random.Random(n).random()) for n in range(30)),
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
    least = fitted(large, 1200)
    assert least.errors[0].sample == ""
    assert conclude(least).summary == conclude(large).summary
    with pytest.raises(ValueError, match="the limit is 100"):
        fitted(large, 100)
