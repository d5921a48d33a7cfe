"""Closed-loop shapes against k6's measured instants, and against their own definition for random ramps."""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shape_strategies import closed_loops, ramps

from kload_spec.shapes import ConstantVUs, RampingVUs, Span, Stage, StepKind


def starts(shape: RampingVUs) -> list[tuple[float, int]]:
    return [(step.at_s, step.vu) for step in shape.steps() if step.kind is StepKind.START]


def stops(shape: RampingVUs) -> list[tuple[float, int]]:
    return [(step.at_s, step.vu) for step in shape.steps() if step.kind is StepKind.STOP]


def test_ten_vus_in_ten_seconds_start_at_one_to_ten_seconds() -> None:
    shape = RampingVUs(0, (Stage(10, 10),))
    assert starts(shape) == [(float(n), n - 1) for n in range(1, 11)]


def test_two_vus_in_two_seconds_start_at_1000_and_2000_ms() -> None:
    assert starts(RampingVUs(0, (Stage(2, 2),))) == [(1.0, 0), (2.0, 1)]


def test_a_ramp_down_stops_the_highest_vu_first_and_the_last_at_the_end() -> None:
    shape = RampingVUs(4, (Stage(8, 0), Stage(1, 0)))
    # D*(f-n+1)/(f-t): 8*(4-4+1)/4 for VU number 4, ..., 8*4/4 for number 1.
    assert stops(shape) == [(2.0, 3), (4.0, 2), (6.0, 1), (8.0, 0)]


def test_a_trapezoid_matches_its_drawing() -> None:
    shape = RampingVUs(0, (Stage(2, 2), Stage(2, 2), Stage(2, 0)))
    assert shape.spans(0) == (Span(1.0, 6.0),)
    assert shape.spans(1) == (Span(2.0, 5.0),)
    assert [shape.vus_at(t) for t in (0, 0.999, 1, 2, 3.9, 4, 4.999, 5, 5.999, 6)] == [
        0,
        0,
        1,
        2,
        2,
        2,
        2,
        1,
        1,
        0,
    ]


@pytest.mark.parametrize(
    ("t_s", "expected"),
    [
        pytest.param(-0.001, 0, id="before"),
        pytest.param(0, 3, id="startVUs are there at once"),
        pytest.param(0.999999999, 3, id="just before a step"),
        pytest.param(1, 4, id="at a step"),
        pytest.param(3.5, 7, id="flat"),
        pytest.param(5, 1, id="a jump down holds from its instant"),
        pytest.param(6.999999999, 1, id="to the end"),
        pytest.param(7, 0, id="the end itself is over"),
    ],
)
def test_vus_follow_the_stages(t_s: float, expected: int) -> None:
    shape = RampingVUs(3, (Stage(3, 6), Stage(0, 7), Stage(2, 7), Stage(0, 1), Stage(2, 1)))
    assert shape.vus_at(t_s) == expected


def test_the_same_indexes_leave_first_and_come_back_first() -> None:
    shape = RampingVUs(3, (Stage(3, 0), Stage(3, 3)))
    assert shape.spans(2) == (Span(0.0, 1.0), Span(6.0, 6.0))
    assert shape.spans(0) == (Span(0.0, 3.0), Span(4.0, 6.0))


def test_a_vu_taken_away_and_brought_back_at_once_never_left() -> None:
    shape = RampingVUs(2, (Stage(1, 2), Stage(0, 0), Stage(0, 2), Stage(1, 2)))
    assert shape.spans(0) == shape.spans(1) == (Span(0.0, 2.0),)


def test_a_vu_brought_and_taken_away_at_once_was_never_there() -> None:
    shape = RampingVUs(0, (Stage(1, 0), Stage(0, 5), Stage(0, 0), Stage(1, 0)))
    assert shape.steps() == ()


def test_the_plan_of_a_ramp_is_open_ended_and_its_limit_the_highest_target() -> None:
    shape = RampingVUs(2, (Stage(1.5, 7), Stage(2, 3)))
    assert (shape.duration_s, shape.vu_limit, shape.planned_iterations) == (3.5, 7, None)


def test_an_index_at_or_above_the_limit_is_never_active() -> None:
    for shape in (RampingVUs(3, (Stage(2, 3), Stage(2, 0))), RampingVUs(0, (Stage(2, 3),))):
        assert shape.spans(shape.vu_limit - 1)
        assert shape.spans(shape.vu_limit) == ()


def test_constant_vus_are_all_there_from_the_start_to_the_end() -> None:
    shape = ConstantVUs(3, 2.5)
    assert [shape.vus_at(t) for t in (-1, 0, 2.499, 2.5)] == [0, 3, 3, 0]
    assert shape.spans(2) == (Span(0.0, 2.5),)
    assert shape.spans(3) == ()
    assert [(s.at_s, s.vu) for s in shape.steps()] == [
        (0.0, 0),
        (0.0, 1),
        (0.0, 2),
        (2.5, 2),
        (2.5, 1),
        (2.5, 0),
    ]
    assert (shape.vu_limit, shape.planned_iterations) == (3, None)


def line_at(shape: RampingVUs, t: Fraction) -> tuple[Fraction, int]:
    """Return the straight line's height and its direction at t, in exact fractions: the definition, slowly."""
    level, begins = shape.start_vus, Fraction(0)
    for stage in shape.stages:
        length = Fraction(round(stage.duration_s * 1000), 1000)
        if begins <= t < begins + length:
            slope = (stage.target - level) / length
            return level + slope * (t - begins), stage.target - level
        level, begins = stage.target, begins + length
    return Fraction(0), 0


@settings(max_examples=60)
@given(ramps, st.integers(0, 40_000))
def test_a_ramp_is_its_line_rounded_down_going_up_and_up_going_down(
    shape: RampingVUs, milliseconds: int
) -> None:
    height, direction = line_at(shape, Fraction(milliseconds, 1000))
    expected = -(-height // 1) if direction < 0 else height // 1
    assert shape.vus_at(milliseconds / 1000) == expected


@settings(max_examples=60)
@given(closed_loops, st.data())
def test_at_every_moment_the_active_vus_are_the_lowest_indexes(
    shape: ConstantVUs | RampingVUs, data: st.DataObject
) -> None:
    moments = [step.at_s for step in shape.steps()] or [0.0]
    t = data.draw(
        st.one_of(st.sampled_from(moments), st.integers(0, 40_000).map(lambda ms: ms / 1000))
    )
    active = [
        k for k in range(shape.vu_limit) if any(s.start_s <= t < s.stop_s for s in shape.spans(k))
    ]
    assert active == list(range(shape.vus_at(t)))


@settings(max_examples=60)
@given(ramps)
def test_spans_are_apart_in_order_and_empty_only_at_the_very_end(shape: RampingVUs) -> None:
    for vu in range(shape.vu_limit):
        spans = shape.spans(vu)
        assert all(a.stop_s < b.start_s for a, b in itertools.pairwise(spans))
        assert all(s.start_s < s.stop_s or s.stop_s == shape.duration_s for s in spans)
