"""Arrival shapes against k6's measured instants, and against the area under their rate."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shape_strategies import arrivals, ramping_rates

from kload_spec.shapes import ConstantArrivalRate, RampingArrivalRate, Stage

Arrivals = ConstantArrivalRate | RampingArrivalRate


def constant(rate: int, time_unit_s: float = 1, duration_s: float = 1) -> ConstantArrivalRate:
    return ConstantArrivalRate(rate, time_unit_s, duration_s, 0, 10)


def ramping(start_rate: int, *stages: Stage, time_unit_s: float = 1) -> RampingArrivalRate:
    return RampingArrivalRate(start_rate, time_unit_s, stages, 0, 10)


def instants(shape: Arrivals) -> list[float]:
    return [shape.due(n) for n in range(shape.planned_iterations)]


def test_a_constant_rate_starts_at_once_and_at_every_period() -> None:
    assert instants(constant(4, duration_s=1.5)) == [0.0, 0.25, 0.5, 0.75, 1.0, 1.25]


def test_three_per_second_for_a_second_are_three_arrivals() -> None:
    assert instants(constant(3)) == pytest.approx([0, 1 / 3, 2 / 3], abs=2e-9)


def test_a_fraction_of_a_rate_is_written_with_the_time_unit() -> None:
    assert instants(constant(1, time_unit_s=2, duration_s=5)) == [0.0, 2.0, 4.0]


def test_instants_do_not_drift_over_hours() -> None:
    shape = constant(7, duration_s=36_000)
    assert shape.due(7 * 3600 * 9) == 3600.0 * 9


def test_a_ramp_of_arrivals_follows_the_square_root() -> None:
    # k6 fires 0 -> 4/s over 2 s at 1000, 1415, 1733 and 2000 ms.
    assert instants(ramping(0, Stage(2, 4))) == pytest.approx([1.0, 2**0.5, 3**0.5, 2.0], abs=2e-9)


def test_a_flat_ramp_starts_one_period_late_unlike_a_constant_rate() -> None:
    assert instants(ramping(4, Stage(1, 4))) == [0.25, 0.5, 0.75, 1.0]


def test_a_fall_mirrors_the_rise() -> None:
    # The area under 4/s -> 0 in 2 s reaches n at 2 - sqrt(4 - n).
    assert instants(ramping(4, Stage(2, 0))) == pytest.approx(
        [2 - 3**0.5, 2 - 2**0.5, 1.0, 2.0], abs=2e-9
    )


def test_the_fraction_of_an_arrival_carries_over_to_the_next_stage() -> None:
    # 0.5 arrivals in the first stage, nothing while the rate is 0, the other half in the last.
    shape = ramping(1, Stage(0.5, 1), Stage(0, 0), Stage(10, 0), Stage(0, 2), Stage(0.25, 2))
    assert instants(shape) == [10.75]


def test_stages_without_length_only_change_the_rate() -> None:
    assert instants(ramping(0, Stage(0, 10), Stage(0.3, 10))) == pytest.approx([0.1, 0.2, 0.3])


@pytest.mark.parametrize(
    "shape",
    [pytest.param(constant(0), id="constant"), pytest.param(ramping(0, Stage(3, 0)), id="ramping")],
)
def test_a_rate_of_zero_is_no_arrivals(shape: Arrivals) -> None:
    assert (shape.planned_iterations, shape.count(0.5), list(shape.instants(range(0)))) == (
        0,
        0,
        [],
    )


@pytest.mark.parametrize("n", [-1, 3])
@pytest.mark.parametrize(
    "shape",
    [pytest.param(constant(3), id="constant"), pytest.param(ramping(3, Stage(1, 3)), id="ramping")],
)
def test_an_arrival_that_is_not_planned_has_no_instant(shape: Arrivals, n: int) -> None:
    with pytest.raises(IndexError, match=f"arrival {n} is not planned; there are 3"):
        shape.due(n)


def test_arrivals_name_their_vu_limit() -> None:
    assert (constant(5).vu_limit, ramping(5, Stage(1, 5)).vu_limit) == (10, 10)
    assert [ramping(5, Stage(1, 5)).vus_at(t) for t in (-1, 0, 1)] == [0, 10, 0]
    assert [constant(5).vus_at(t) for t in (-1, 0, 1)] == [0, 10, 0]


@pytest.mark.parametrize(
    "shape", [constant(10, 2, 4), ramping(5, Stage(4, 5))], ids=["constant", "ramping"]
)
def test_what_is_due_grows_with_time_from_zero_to_the_plan(shape: Arrivals) -> None:
    first = isinstance(shape, ConstantArrivalRate)  # whose first arrival is at 0
    counts = [shape.count(t) for t in (-0.1, 0, 0.1, 0.2, 2, 3.99, 4, 9)]
    assert counts == ([0, 1, 1, 2, 11, 20, 20, 20] if first else [0, 0, 0, 1, 10, 19, 20, 20])


@settings(max_examples=60)
@given(arrivals, st.integers(-100, 1100))
def test_count_and_due_say_the_same(shape: Arrivals, thousandths: int) -> None:
    t_s = thousandths * shape.duration_s / 1000
    due = shape.count(t_s)
    assert 0 <= due <= shape.planned_iterations
    if due:
        assert shape.due(due - 1) <= t_s
    if due < shape.planned_iterations:
        assert shape.due(due) > t_s
    assert shape.count(shape.duration_s) == shape.planned_iterations


@settings(max_examples=60)
@given(arrivals, st.integers(1, 4), st.integers(0, 3))
def test_walking_any_share_gives_the_instants_of_its_indexes(
    shape: Arrivals, step: int, first: int
) -> None:
    part = range(first, shape.planned_iterations, step)
    walked = list(shape.instants(part))
    assert walked == [(n, shape.due(n)) for n in part]
    assert [at for _, at in walked] == sorted(at for _, at in walked)


def area(shape: RampingArrivalRate, t: Fraction) -> Fraction:
    """Return the integral of the rate up to t, in exact fractions: the definition, slowly."""
    total, rate, begins = Fraction(0), shape.start_rate, Fraction(0)
    unit = Fraction(round(shape.time_unit_s * 1000), 1000)
    for stage in shape.stages:
        length = Fraction(round(stage.duration_s * 1000), 1000)
        x = min(max(t - begins, Fraction(0)), length)
        if length:
            total += (rate * x + (stage.target - rate) * x * x / (2 * length)) / unit
        rate, begins = stage.target, begins + length
    return total


@settings(max_examples=60)
@given(ramping_rates)
def test_the_nth_arrival_comes_at_the_nanosecond_at_which_the_area_reaches_n(
    shape: RampingArrivalRate,
) -> None:
    assert shape.planned_iterations == area(shape, Fraction(10**6)) // 1
    for n in range(0, shape.planned_iterations, max(1, shape.planned_iterations // 5)):
        at = Fraction(round(shape.due(n) * 10**9), 10**9)
        assert area(shape, at - Fraction(1, 10**9)) < n + 1 <= area(shape, at)
