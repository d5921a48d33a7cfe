"""The histogram: error bound, exact extremes, merging, JSON."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.buckets import bucket_counts
from kload_spec.histogram import Histogram, rank

WORST = 0.0087  # relative error of a bucket's representative

everyday = st.floats(min_value=1e-6, max_value=1e3)
finite = st.floats(min_value=-1e300, max_value=1e300)
samples = st.lists(st.one_of(finite, everyday, st.just(0.0), st.just(math.inf)), max_size=60)
anything = st.one_of(everyday, everyday.map(lambda value: -value), st.sampled_from([0.0, math.inf]))
positive = st.lists(everyday, min_size=1, max_size=300)


def recorded(numbers: list[float], grain: int = 1) -> Histogram:
    histogram = Histogram(grain)
    for number in numbers:
        histogram.record(number)
    return histogram


def close(estimate: float | None, truth: float) -> bool:
    if estimate is None:
        return False
    if math.isinf(truth) or truth == 0.0:
        return estimate == truth
    return abs(Fraction(estimate) - Fraction(truth)) <= abs(Fraction(truth)) * Fraction(WORST)


def same(left: Histogram, right: Histogram) -> bool:
    """Equal but for the rounding of the sum, whose order of additions is not promised."""
    documents = left.to_json(), right.to_json()
    sums = [document.pop("sum", None) for document in documents]
    rounding = sums == [None, None] or sums[0] == pytest.approx(sums[1], rel=1e-9, abs=1e-9)
    return documents[0] == documents[1] and rounding


@settings(max_examples=150)
@given(samples.filter(bool), st.floats(0, 1))
def test_every_quantile_is_within_one_percent_of_the_nearest_rank(
    numbers: list[float], q: float
) -> None:
    truth = sorted(numbers)[rank(q, len(numbers)) - 1]
    tiny = 0.0 < abs(truth) < 1e-300  # denormals have fewer digits than a bucket asks for
    assert tiny or close(recorded(numbers).quantile(q), truth)


@settings(max_examples=100)
@given(samples.filter(bool))
def test_count_extremes_and_sum_are_exact(numbers: list[float]) -> None:
    histogram = recorded(numbers)
    assert histogram.count == len(numbers)
    assert histogram.minimum == min(numbers)
    assert histogram.maximum == max(numbers)
    running = 0.0
    for number in numbers:
        running += number
    assert histogram.sum == running or math.isnan(running)


@settings(max_examples=100)
@given(samples)
def test_recording_a_sorted_batch_equals_recording_one_by_one(numbers: list[float]) -> None:
    ordered = sorted(numbers)
    batch = Histogram()
    batch.record_sorted(ordered)
    assert same(batch, recorded(ordered))


@settings(max_examples=60)
@given(st.lists(st.lists(anything, max_size=20), min_size=1, max_size=4))
def test_merging_in_any_grouping_equals_recording_everything_in_one(
    parts: list[list[float]],
) -> None:
    whole = recorded([number for part in parts for number in part])
    left = Histogram.merged([recorded(part) for part in parts])
    right = Histogram()
    for part in reversed(parts):
        right = recorded(part) + right
    assert same(left, whole)
    assert same(right, whole)


@settings(max_examples=60)
@given(samples)
def test_json_gives_the_same_histogram_back(numbers: list[float]) -> None:
    histogram = recorded(numbers)
    again = Histogram.from_json(json.loads(json.dumps(histogram.to_json(), allow_nan=False)))
    assert again == histogram
    assert again.quantiles((0.0, 0.5, 1.0)) == histogram.quantiles((0.0, 0.5, 1.0))


@settings(max_examples=60)
@given(positive, st.sampled_from([2, 4, 8]))
def test_a_coarser_grain_has_the_same_counts_and_extremes_and_a_larger_error(
    numbers: list[float], grain: int
) -> None:
    coarse = recorded(numbers).coarsened(grain)
    assert coarse == recorded(numbers, grain)
    mirrored = [sign * number for number in numbers for sign in (1, -1)]
    assert same(recorded(mirrored).coarsened(grain), recorded(mirrored, grain))
    in_a_batch = Histogram(grain)
    in_a_batch.record_sorted(sorted(mirrored))
    assert same(in_a_batch, recorded(sorted(mirrored), grain))
    assert coarse.coarsened(3 * grain) == recorded(numbers, 3 * grain)
    truth = sorted(numbers)[rank(0.5, len(numbers)) - 1]
    median = coarse.quantile(0.5)
    assert median is not None
    assert abs(median - truth) <= truth * 0.0087 * grain
    assert (coarse.count, coarse.minimum, coarse.maximum) == (
        len(numbers),
        min(numbers),
        max(numbers),
    )


@pytest.mark.parametrize(
    ("q", "count", "expected"),
    [
        pytest.param(0.95, 100, 95, id="not-96-as-floats-would-have-it"),
        pytest.param(0.07, 100, 7, id="seven-percent"),
        pytest.param(0.5, 2, 1, id="median-of-two"),
        pytest.param(0.0, 9, 1, id="minimum"),
        pytest.param(1.0, 9, 9, id="maximum"),
        pytest.param(0.999, 10, 10, id="few-samples"),
    ],
)
def test_the_nearest_rank_is_exact(q: float, count: int, expected: int) -> None:
    assert rank(q, count) == expected


def test_an_answer_that_never_came_is_above_every_other_value() -> None:
    histogram = recorded([0.1, 0.2, math.inf])
    assert histogram.quantile(0.5) == pytest.approx(0.2, rel=WORST)
    assert histogram.maximum == math.inf
    assert histogram.above == 1


def test_an_empty_histogram_knows_nothing() -> None:
    empty = Histogram()
    assert (empty.count, empty.minimum, empty.maximum) == (0, None, None)
    assert empty.quantile(0.95) is None
    assert empty.to_json() == {"count": 0}
    assert Histogram.from_json({"count": 0}) == empty


@pytest.mark.parametrize(
    "value", [pytest.param(math.nan, id="nan"), pytest.param(-math.inf, id="minus-infinity")]
)
def test_what_is_no_number_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="cannot be recorded"):
        Histogram().record(value)


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({}, id="no-count"),
        pytest.param({"count": 3, "positive": [10, 2]}, id="does-not-add-up"),
        pytest.param({"count": 1, "positive": [10]}, id="half-a-pair"),
        pytest.param({"count": -1, "positive": [10, -1]}, id="negative"),
        pytest.param({"count": 0, "grain": 0}, id="no-grain"),
        pytest.param({"count": "many"}, id="no-number"),
    ],
)
def test_a_malformed_document_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"not a histogram|invalid literal"):
        Histogram.from_json(document)


def test_different_grains_merge_into_the_coarser_one() -> None:
    both = recorded([1.0, 2.0]) + recorded([3.0], 4)
    assert both.grain == 4
    assert both.count == 3
    with pytest.raises(ValueError, match="cannot be merged"):
        Histogram(3).add(Histogram(2))


def test_buckets_alone_make_a_histogram_of_about_the_same_values() -> None:
    point = Histogram.from_buckets([0, 3, 10, 1], 4)
    assert point.count == 4
    assert point.quantile(0.5) == pytest.approx(1.035, rel=0.04)
    assert Histogram.from_buckets([], 4).count == 0


def test_it_says_what_it_holds() -> None:
    assert repr(recorded([1.0, 3.0])) == "Histogram(count=2, sum=4.0, min=1.0, max=3.0)"
    assert recorded([1.0]) != 1.0


@pytest.mark.parametrize("grain", [1, 4])
def test_batches_with_known_buckets_and_zeros_are_counted_alike(grain: int) -> None:
    numbers = [0.5, 1.0, 1.0, 8.0]
    batch = Histogram(grain)
    batch.record_sorted(numbers, bucket_counts(numbers))
    batch.record_sorted([])
    batch.record_zeros(2)
    batch.record_zeros(0)
    assert batch == recorded([0.0, 0.0, *numbers], grain)


def test_zeros_lie_between_negative_and_positive_values() -> None:
    histogram = recorded([-1.0, 1.0])
    histogram.record_zeros(3)
    assert (histogram.minimum, histogram.quantile(0.5), histogram.maximum) == (-1.0, 0.0, 1.0)
