"""Time series: coarsening and adding, in any order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from results import histogram

from kload_spec.buckets import flat
from kload_spec.result import (
    MetricSeries,
    ScenarioSeries,
    StepSeries,
)
from kload_spec.result.series import SERIES_GRAIN

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
    assert (series.durations_at(1).count, series.durations_at(7).count) == (0, 0)
