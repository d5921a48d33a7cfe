"""Buckets: which one a value falls into, what speaks for it, and how they are written."""

from __future__ import annotations

import math
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.buckets import bucket_counts, flat, from_flat, grouped, representative

LARGEST = sys.float_info.max

everyday = st.floats(min_value=1e-6, max_value=1e3)
positive = st.lists(everyday, min_size=1, max_size=300)
buckets = st.dictionaries(st.integers(-50_000, 50_000), st.integers(1, 1000), max_size=30)


@settings(max_examples=100)
@given(positive)
def test_counting_by_bisection_equals_counting_by_logarithm(numbers: list[float]) -> None:
    crowd = sorted(numbers * 40)
    assert dict(bucket_counts(crowd)) == {
        index: 40 * n for index, n in bucket_counts(sorted(numbers)).items()
    }


def test_crowded_values_at_the_top_of_what_a_float_can_hold_are_counted() -> None:
    below = 2.0**1023 * 2.0 ** (38.5 / 40)
    assert bucket_counts([below] * 5 + [LARGEST] * 5) == {1023 * 40 + 38: 5, 1024 * 40: 5}


def test_a_bucket_holds_its_lower_bound_and_not_its_upper_one() -> None:
    counts = bucket_counts([1.0] * 9 + [math.nextafter(2 ** (1 / 40), 0)] * 9 + [1.02] * 9)
    assert counts == {0: 18, 1: 9}


def test_representatives_exist_at_the_ends_of_what_a_float_can_hold() -> None:
    assert representative(40 * 1023 + 39) < math.inf
    assert representative(40 * 2000) < math.inf
    assert representative(-40 * 2000) > 0.0


@settings(max_examples=60)
@given(st.floats(min_value=1e-300, max_value=1e300))
def test_a_value_is_spoken_for_within_a_percent(value: float) -> None:
    (index,) = bucket_counts([value])
    assert abs(representative(index) - value) <= 0.0087 * value


@settings(max_examples=60)
@given(buckets)
def test_what_is_written_flat_is_read_back(some: dict[int, int]) -> None:
    assert from_flat(flat(some)) == some


@settings(max_examples=60)
@given(buckets, st.integers(1, 8), st.integers(1, 8))
def test_grouping_twice_is_grouping_once_by_both(
    some: dict[int, int], one: int, other: int
) -> None:
    assert grouped(grouped(some, one), other) == grouped(some, one * other)
    assert grouped(some, one).total() == sum(some.values())


@pytest.mark.parametrize("count", [0, -1])
def test_an_empty_bucket_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="a bucket holds"):
        from_flat([10, count])
