"""The fleet's numbers give the verdict that one process would have given, or none at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import manifest

from kload_operator.evaluation import broken_with_abort, compare, judged
from kload_operator.seen import MetricsSeen
from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN
from kload_spec.model import Progress
from kload_spec.plan import Plan
from kload_spec.planning import plan
from kload_spec.result import (
    Result,
    RunIdentity,
    RunnerInfo,
    ScenarioResult,
    StepResult,
    ThresholdResult,
    conclude,
    merge,
)
from kload_spec.thresholds import Tally, Threshold, parse_threshold, tally_sorted
from kload_spec.verdicts import Reason, Verdict

PLAN = plan(manifest(thresholds={"http_req_duration": ["p(95)<500ms"]}))
THRESHOLDS = [
    "p(95)<500ms", "p(95)<=500ms", "med<500ms", "avg<500ms", "max<500ms", "min>=500ms",
    "p(99.9)<500ms", "p(50)>500ms",
]  # fmt: skip


def runner(index: int, values: list[float], thresholds: list[Threshold]) -> Result:
    """Return the document of one runner that measured these durations."""
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    step = StepResult(scenario="buy", name="GET /", requests=len(values), duration=histogram)
    items = []
    for threshold in thresholds:
        tally = tally_sorted(threshold, sorted(values))
        items.append(
            ThresholdResult(
                definition=threshold, good=tally.good, samples=tally.samples, sum=tally.sum,
                histogram=histogram,
            )
        )  # fmt: skip
    return Result(
        run=RunIdentity(name="shop", plan_hash="p"),
        duration_s=10.0,
        runners=[RunnerInfo(index=index)],
        scenarios=[ScenarioResult(name="buy", iterations=len(values))],
        steps=[step],
        thresholds=items,
    )


def scraped(merged: Result) -> MetricsSeen:
    """Return what Prometheus says when it has everything."""
    return MetricsSeen(
        runners=len(merged.runners),
        finished=len(merged.runners),
        tallies={item.definition.id: item.tally for item in merged.thresholds},
        requests=float(sum(step.requests for step in merged.steps)),
    )


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.sampled_from([0.1, 0.4999, 0.5, 0.5001, 0.9]), min_size=1, max_size=40),
    text=st.sampled_from(THRESHOLDS),
    runners=st.sampled_from([1, 2, 3, 10]),
)
def test_the_same_threshold_gives_the_same_verdict_on_a_laptop_and_over_any_fleet(
    values: list[float], text: str, runners: int
) -> None:
    thresholds = [parse_threshold("http_req_duration", text, BUILTIN)]
    alone = conclude(runner(0, values, thresholds))
    merged = merge([runner(index, values[index::runners], thresholds) for index in range(runners)])
    fleet, totals = judged(PLAN, merged, scraped(merged), Progress(), ())
    assert totals.complete, totals.message
    assert fleet.verdict is not None
    assert alone.verdict is not None
    assert (fleet.verdict.verdict, fleet.verdict.reason) == (
        alone.verdict.verdict,
        alone.verdict.reason,
    )
    assert [item.shown for item in fleet.thresholds] == [item.shown for item in alone.thresholds]


GOOD = merge([runner(index, [0.1] * 10, list(PLAN.thresholds[:1])) for index in range(3)])
KNOWN = GOOD.thresholds[0]


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        pytest.param(MetricsSeen(problem="down"), "could not be asked: down", id="no answer"),
        pytest.param(MetricsSeen(), "no series", id="no series"),
        pytest.param(
            replace(scraped(GOOD), tallies={KNOWN.definition.id: Tally(20, 20, 2.0)}),
            "Prometheus has 20 samples, the runners counted 30",
            id="a runner not scraped to its end",
        ),
        pytest.param(
            replace(scraped(GOOD), tallies={KNOWN.definition.id: Tally(60, 60, 6.0)}),
            "Prometheus has 60 samples, the runners counted 30",
            id="counted twice",
        ),
        pytest.param(
            replace(scraped(GOOD), requests=29.0),
            "requests: Prometheus has 29",
            id="a request short",
        ),
        pytest.param(
            replace(scraped(GOOD), requests=None), "requests: Prometheus has none", id="no requests"
        ),
    ],
)
def test_numbers_that_differ_are_never_a_pass(metrics: MetricsSeen, said: str) -> None:
    totals = compare(GOOD, metrics)
    assert not totals.complete
    assert said in totals.message
    result, _ = judged(PLAN, GOOD, metrics, Progress(), ())
    assert result.verdict is not None
    assert (result.verdict.verdict, result.verdict.reason) == (
        Verdict.INCONCLUSIVE,
        Reason.INCOMPLETE_DATA,
    )


def test_numbers_that_are_all_there_pass() -> None:
    result, totals = judged(PLAN, GOOD, scraped(GOOD), Progress(), ())
    assert (totals.complete, totals.missing) == (True, {})
    assert result.passed


def test_numbers_that_are_counted_twice_break_nothing() -> None:
    few = parse_threshold("http_reqs", "count<100", BUILTIN)
    own = ThresholdResult(definition=few, good=60, samples=60, sum=60.0)
    merged = GOOD.model_copy(update={"thresholds": [*GOOD.thresholds, own]})
    doubled = {few.id: Tally(120, 120, 120.0), KNOWN.definition.id: KNOWN.tally}
    metrics = replace(scraped(merged), tallies=doubled)
    result, totals = judged(PLAN, merged, metrics, Progress(), ())
    assert (totals.complete, result.verdict and result.verdict.reason) == (
        False,
        Reason.INCOMPLETE_DATA,
    )


def test_sums_may_differ_by_the_order_of_adding_only() -> None:
    close = {KNOWN.definition.id: Tally(30, 30, KNOWN.sum * (1 + 1e-12))}
    off = {KNOWN.definition.id: Tally(30, 30, KNOWN.sum * (1 + 1e-6))}
    assert compare(GOOD, replace(scraped(GOOD), tallies=close)).complete
    assert not compare(GOOD, replace(scraped(GOOD), tallies=off)).complete


def test_what_is_broken_whatever_is_missing_fails_even_with_prometheus_away() -> None:
    threshold = parse_threshold("http_req_failed", "rate<10%", BUILTIN)
    broken = ThresholdResult(definition=threshold, good=30, samples=30, sum=30.0)
    merged = GOOD.model_copy(update={"thresholds": [broken]})
    gone = MetricsSeen(tallies={threshold.id: Tally(20, 20, 20.0)}, requests=30.0)
    result, _ = judged(PLAN, merged, gone, Progress(), ())
    assert result.verdict is not None
    assert result.verdict.verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("progress", "named"),
    [
        pytest.param({"fault_reason": "StartFailed"}, (Verdict.ERROR, "StartFailed"), id="in part"),
        pytest.param({"fault_reason": "RunnerLost"}, (Verdict.ERROR, "RunnerLost"), id="lost"),
        pytest.param({"fault_reason": "AbortedByPerson"}, (Verdict.CANCELLED, "AbortedByPerson"), id="person"),
        pytest.param({"fault_reason": "AbortStep"}, (Verdict.CANCELLED, "AbortStep"), id="step"),
        pytest.param({"aborted_by": (KNOWN.definition.id,)}, (Verdict.FAILED, "ThresholdAborted"), id="abort"),
        pytest.param({"fault_reason": "Unheard"}, (Verdict.ERROR, "EngineError"), id="a reason of the future"),
    ],
)  # fmt: skip
def test_why_a_run_was_stopped_decides(
    progress: dict[str, object], named: tuple[Verdict, str]
) -> None:
    intents = Progress.model_validate({"fault_message": "m", **progress})
    result, _ = judged(PLAN, GOOD, scraped(GOOD), intents, ())
    assert result.verdict is not None
    assert (result.verdict.verdict, result.verdict.reason.value) == named


ABORTING = plan(
    manifest(thresholds={"http_req_failed": ["rate<10% abort after 5s"]}, measure={"after": "2s"})
)


@pytest.mark.parametrize(
    ("good", "elapsed_s", "aborts"),
    [
        pytest.param(50, 6.0, True, id="broken"),
        pytest.param(5, 6.0, False, id="held"),
        pytest.param(50, 4.9, False, id="too early"),
        pytest.param(50, 1.0, False, id="warm-up"),
        pytest.param(0, 6.0, False, id="no failure"),
    ],
)
def test_abort_thresholds_are_watched_over_the_whole_fleet(
    good: int, elapsed_s: float, aborts: bool
) -> None:
    first: Plan = ABORTING
    tallies = {first.thresholds[0].id: Tally(good, 100, float(good))}
    assert bool(broken_with_abort(first, tallies, elapsed_s)) is aborts
    assert broken_with_abort(first, {}, elapsed_s) == []


def test_numbers_of_different_scrapes_stop_nothing_that_the_runners_do_not_see() -> None:
    (rule, *_) = ABORTING.thresholds
    mixed = {rule.id: Tally(good=100, samples=500)}  # a scrape fell between the two queries
    assert broken_with_abort(ABORTING, mixed, 60, {rule.id: Tally(good=40, samples=1000)}) == []
    assert broken_with_abort(ABORTING, mixed, 60, {rule.id: Tally(good=400, samples=1000)}) == [
        rule.id
    ]


@pytest.mark.parametrize(
    ("text", "total", "own", "aborts"),
    [
        pytest.param("rate>10 abort", 300.0, 900.0, False, id="an-old-sum-is-always-low"),
        pytest.param("rate>10 abort", 300.0, None, False, id="and-nobody-knows-better"),
        pytest.param("rate>10 abort", 300.0, 310.0, True, id="low-indeed"),
        pytest.param("rate<1 abort", 300.0, None, True, id="an-old-sum-that-is-too-high-already"),
    ],
)
def test_a_sum_of_some_time_ago_is_not_taken_for_a_low_rate(
    text: str, total: float, own: float | None, aborts: bool
) -> None:
    watched = plan(manifest(thresholds={"http_reqs": [text]}))
    (rule, *_) = watched.thresholds
    theirs = None if own is None else {rule.id: Tally(0, 900, own)}
    found = broken_with_abort(watched, {rule.id: Tally(0, 300, total)}, 60.0, theirs)
    assert bool(found) is aborts
