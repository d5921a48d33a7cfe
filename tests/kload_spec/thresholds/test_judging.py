"""Judging from three numbers: equal to judging from all values, for every aggregation and comparison."""

from __future__ import annotations

import math
import operator
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.thresholds import (
    Comparison,
    Tally,
    Threshold,
    certainly_broken,
    judge,
    must_abort,
    parse_threshold,
    tally_sorted,
)

METRICS = {
    **BUILTIN,
    "size": MetricDefinition("size", MetricType.TREND),
    "events": MetricDefinition("events", MetricType.COUNTER, per_s=60.0),
    "ok": MetricDefinition("ok", MetricType.RATE),
}
OPS = {
    Comparison.LESS: operator.lt, Comparison.AT_MOST: operator.le, Comparison.MORE: operator.gt,
    Comparison.AT_LEAST: operator.ge, Comparison.EQUAL: operator.eq, Comparison.UNEQUAL: operator.ne,
}  # fmt: skip

numbers = st.integers(-5, 5).map(float)
trend_rules = st.builds(
    "{}{}{}".format,
    st.sampled_from(
        ["avg", "min", "med", "max", "p(0)", "p(1)", "p(50)", "p(95)", "p(99.9)", "p(100)"]
    ),
    st.sampled_from([op.value for op in Comparison]),
    st.integers(-5, 5),
)
rate_rules = st.builds(
    "rate{}{}".format,
    st.sampled_from([op.value for op in Comparison]),
    st.sampled_from(["0", "5%", "0.5", "99%", "1"]),
)
count_rules = st.builds(
    "count{}{}".format,
    st.sampled_from([op.value for op in Comparison]),
    st.sampled_from([0, 1, 3, 20]),
)


def rule(key: str, text: str) -> Threshold:
    return parse_threshold(key, text, METRICS)


def truth(threshold: Threshold, values: list[float]) -> bool:
    """The definition itself, over all values."""
    ordered = sorted(values)
    n = len(ordered)
    match threshold.aggregation.value:
        case "avg":
            aggregate = sum(Fraction(value) for value in values) / n
        case "min":
            aggregate = Fraction(ordered[0])
        case "max":
            aggregate = Fraction(ordered[-1])
        case other:
            percent = Fraction(50) if other == "med" else Fraction(str(threshold.percentile))
            aggregate = Fraction(ordered[max(math.ceil(percent * n / 100), 1) - 1])
    return bool(OPS[threshold.op](aggregate, Fraction(str(threshold.bound))))


def tally_of(threshold: Threshold, values: list[float]) -> Tally:
    """What the recorder counts for a metric of this type."""
    if threshold.type is MetricType.TREND:
        return tally_sorted(threshold, sorted(values))
    if threshold.type is MetricType.RATE:
        true = sum(1 for value in values if value)
        return Tally(true, len(values), float(true))
    return Tally(len(values), len(values), sum(values))


@settings(max_examples=250)
@given(trend_rules, st.lists(numbers, min_size=1, max_size=40))
def test_three_numbers_judge_like_all_values_do(text: str, values: list[float]) -> None:
    threshold = rule("size", text)
    assert judge(threshold, tally_of(threshold, values)).held is truth(threshold, values)


@settings(max_examples=100)
@given(trend_rules, st.lists(st.lists(numbers, max_size=10), min_size=1, max_size=5))
def test_the_numbers_of_runners_add_up(text: str, runners: list[list[float]]) -> None:
    threshold = rule("size", text)
    total = Tally()
    for values in runners:
        total += tally_of(threshold, values)
    whole = tally_of(threshold, [value for values in runners for value in values])
    assert total == whole


@settings(max_examples=250)
@given(
    st.one_of(st.tuples(st.just("size"), trend_rules), st.tuples(st.just("ok"), rate_rules),
              st.tuples(st.just("http_reqs"), count_rules)),
    st.lists(st.integers(0, 3).map(float), max_size=12),
    st.lists(st.integers(0, 5).map(float), max_size=12),
    st.booleans(),
)  # fmt: skip
def test_what_is_certainly_broken_stays_broken_whatever_was_missing(
    key_and_text: tuple[str, str], seen: list[float], missing: list[float], known: bool
) -> None:
    threshold = rule(*key_and_text)
    count = len(missing) if known else None
    if certainly_broken(threshold, tally_of(threshold, seen), count):
        assert judge(threshold, tally_of(threshold, seen + missing)).held is False


@pytest.mark.parametrize(
    ("key", "text", "seen", "missing", "certain"),
    [
        pytest.param("http_reqs", "count<3", [1.0] * 3, None, True, id="a-count-over-its-limit-stays-there"),
        pytest.param("http_reqs", "count>=3", [1.0], 2, False, id="a-count-may-still-grow"),
        pytest.param("http_reqs", "count>=3", [1.0], 0, True, id="nothing-is-missing"),
        pytest.param("http_reqs", "count==1", [1.0, 1.0], None, True, id="past-the-exact-count"),
        pytest.param("http_reqs", "count!=1", [1.0], None, False, id="still-at-the-forbidden-count"),
        pytest.param("ok", "rate==1", [1.0, 0.0], None, True, id="an-assert-broken-once-is-broken"),
        pytest.param("ok", "rate>=1", [1.0, 0.0], None, True, id="the-same-written-otherwise"),
        pytest.param("ok", "rate==0", [1.0, 0.0], None, True, id="never-broken-once"),
        pytest.param("ok", "rate<=0", [1.0, 0.0], None, True, id="never-written-otherwise"),
        pytest.param("ok", "rate>0.9", [0.0], None, False, id="endless-successes-could-follow"),
        pytest.param("ok", "rate>0.9", [0.0], 9, True, id="nine-more-are-not-enough"),
        pytest.param("ok", "rate>0.9", [0.0], 10, False, id="ten-more-are"),
        pytest.param("ok", "rate<0.5", [1.0], 1, True, id="one-failure-less-is-not-enough"),
        pytest.param("ok", "rate<=0.5", [1.0], 1, False, id="but-here-it-is"),
        pytest.param("ok", "rate!=0.5", [1.0, 0.0], 0, True, id="the-forbidden-share"),
        pytest.param("ok", "rate!=0.5", [1.0, 0.0], None, False, id="which-more-samples-leave"),
        pytest.param("ok", "rate==0.5", [1.0, 1.0, 1.0], 2, True, id="the-wanted-share-is-out-of-reach"),
        pytest.param("ok", "rate<1%", [], None, False, id="nothing-seen"),
        pytest.param("size", "max<5", [9.0], None, True, id="a-maximum-only-grows"),
        pytest.param("size", "p(100)<5", [9.0], None, True, id="by-its-other-name"),
        pytest.param("size", "min>5", [1.0], None, True, id="a-minimum-only-falls"),
        pytest.param("size", "min<5", [9.0], None, False, id="a-smaller-one-may-come"),
        pytest.param("size", "p(50)<5", [9.0, 9.0], 1, True, id="two-of-three-are-above"),
        pytest.param("size", "p(50)<5", [9.0, 9.0], None, False, id="many-small-ones-may-come"),
        pytest.param("size", "avg<5", [9.0], 1, False, id="averages-move-freely"),
        pytest.param("size", "max==5", [9.0], None, False, id="equality-is-not-followed-that-far"),
    ],
)  # fmt: skip
def test_how_certain_a_breach_is(
    key: str, text: str, seen: list[float], missing: int | None, certain: bool
) -> None:
    threshold = rule(key, text)
    assert certainly_broken(threshold, tally_of(threshold, seen), missing) is certain


@pytest.mark.parametrize(
    "text", ["p(95)<500ms", "avg<1", "rate<1%", "count<5", "count==0", "rate>1"]
)
def test_no_samples_are_not_a_pass(text: str) -> None:
    key = {
        "p": "http_req_duration",
        "a": "http_req_duration",
        "r": "http_req_failed",
        "c": "http_reqs",
    }[text[0]]
    if text == "rate>1":
        key = "http_reqs"
    outcome = judge(rule(key, text), Tally(), duration_s=10.0)
    assert (outcome.held, outcome.observed) == (None, None)


@pytest.mark.parametrize(
    ("text", "good", "samples", "held"),
    [
        pytest.param("rate<1%", 1, 100, False, id="one-of-a-hundred-is-not-below-one-percent"),
        pytest.param("rate<=1%", 1, 100, True, id="but-it-is-at-most-that"),
        pytest.param("rate<0.07", 7, 100, False, id="seven-percent"),
        pytest.param("rate<0.1", 1, 10, False, id="a-tenth"),
        pytest.param("rate==0.3", 3, 10, True, id="equality-means-the-decimal"),
        pytest.param("rate>99.9%", 999, 1000, False, id="just-not"),
        pytest.param("rate<1%", 0, 1, True, id="none"),
    ],
)
def test_shares_are_compared_without_rounding(
    text: str, good: int, samples: int, held: bool
) -> None:
    assert judge(rule("http_req_failed", text), Tally(good, samples, float(good))).held is held


@pytest.mark.parametrize(
    ("text", "good", "samples", "held"),
    [
        pytest.param("p(95)<500ms", 95, 100, True, id="95-of-100-is-enough"),
        pytest.param("p(95)<500ms", 94, 100, False, id="94-is-not"),
        pytest.param("p(99.9)<1s", 999, 1000, True, id="999-of-1000"),
        pytest.param("p(99.9)<1s", 998, 1000, False, id="998-is-not"),
        pytest.param("p(95)>500ms", 6, 100, True, id="six-above-put-the-95th-above"),
        pytest.param("p(95)>500ms", 5, 100, False, id="five-do-not"),
        pytest.param("med<500ms", 1, 2, True, id="the-lower-median"),
        pytest.param("max<500ms", 99, 100, False, id="one-is-enough-to-break-a-maximum"),
        pytest.param("min<500ms", 1, 100, True, id="one-is-enough-for-a-minimum"),
    ],
)
def test_percentiles_are_nearest_ranks(text: str, good: int, samples: int, held: bool) -> None:
    assert judge(rule("http_req_duration", text), Tally(good, samples, 1.0)).held is held


def test_a_sum_that_is_no_number_is_judged_by_nobody() -> None:
    rule = parse_threshold("http_req_response_time", "avg<1s", BUILTIN)
    outcome = judge(rule, Tally(1, 2, math.inf) + Tally(1, 2, -math.inf))
    assert (outcome.held, outcome.observed) == (None, None)


def test_an_answer_that_never_came_is_above_every_bound() -> None:
    above = rule("http_req_response_time", "p(50)>1h")
    below = rule("http_req_response_time", "avg<1h")
    values = [0.1, math.inf, math.inf]
    assert judge(above, tally_sorted(above, values)).held is True
    outcome = judge(below, tally_sorted(below, values))
    assert (outcome.held, outcome.observed) == (False, math.inf)


def test_a_counters_rate_is_per_its_own_unit_of_time() -> None:
    threshold = rule("events", "rate>=420")
    outcome = judge(threshold, Tally(700, 700, 700.0), duration_s=100.0)
    assert (outcome.held, outcome.observed) == (True, 420.0)
    assert judge(threshold, Tally(699, 699, 699.0), duration_s=100.0).held is False
    assert judge(threshold, Tally(700, 700, 700.0), duration_s=0.0).held is None
    assert judge(threshold, Tally(700, 700, 700.0)).held is None


def test_a_count_of_nothing_holds_where_something_could_have_been_counted() -> None:
    threshold = rule("dropped_iterations", "count==0")
    assert judge(threshold, Tally(0, 12, 0.0)).held is True
    assert judge(threshold, Tally(2, 12, 2.0)).held is False


@pytest.mark.parametrize(
    ("text", "good", "samples", "total", "elapsed_s", "aborts"),
    [
        pytest.param("rate<10% abort", 5, 10, 5.0, 0.0, True, id="at-once"),
        pytest.param("rate<10% abort after 10s", 5, 10, 5.0, 9.9, False, id="not-yet"),
        pytest.param("rate<10% abort after 10s", 5, 10, 5.0, 10.0, True, id="now"),
        pytest.param("rate<10%", 5, 10, 5.0, 99.0, False, id="never-asked-to"),
        pytest.param("rate<10% abort", 0, 10, 0.0, 99.0, False, id="holds"),
        pytest.param("rate<10% abort", 0, 0, 0.0, 99.0, False, id="no-samples-yet"),
    ],
)
def test_a_broken_threshold_aborts_when_its_time_has_come(
    text: str, good: int, samples: int, total: float, elapsed_s: float, aborts: bool
) -> None:
    threshold = rule("http_req_failed", text)
    assert must_abort(threshold, Tally(good, samples, total), elapsed_s=elapsed_s) is aborts


def test_a_count_that_only_has_to_grow_does_not_abort() -> None:
    threshold = rule("http_reqs", "count==5 abort")
    assert not must_abort(threshold, Tally(3, 3, 3.0), elapsed_s=60.0)
    assert must_abort(threshold, Tally(6, 6, 6.0), elapsed_s=60.0)


def test_a_rate_of_a_counter_is_judged_over_the_elapsed_time_while_it_runs() -> None:
    threshold = rule("http_reqs", "rate>100 abort after 5s")
    assert must_abort(threshold, Tally(500, 500, 500.0), elapsed_s=10.0)
    assert not must_abort(threshold, Tally(5000, 5000, 5000.0), elapsed_s=10.0)
    assert certainly_broken(
        rule("http_reqs", "rate<10"), Tally(500, 500, 500.0), None, duration_s=10.0
    )
    assert not certainly_broken(threshold, Tally(500, 500, 500.0), None, duration_s=10.0)


def test_units_of_the_table_are_known() -> None:
    assert rule("size", "max<5").unit is Unit.NONE
    assert not rule("size", "max<5").is_latency
    assert rule("http_req_duration", "max<5").is_latency
