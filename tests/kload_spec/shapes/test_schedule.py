"""A whole run on one time axis."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from shape_strategies import schedules

from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    Moment,
    PerVUIterations,
    RampingVUs,
    ScenarioLoad,
    Schedule,
    SharedIterations,
    Stage,
)


def test_scenarios_are_ordered_and_numbered_by_name() -> None:
    schedule = Schedule.of(
        [
            ScenarioLoad("b", ConstantVUs(2, 1)),
            ScenarioLoad("c", ConstantVUs(1, 1)),
            ScenarioLoad("a", ConstantVUs(5, 1)),
        ]
    )
    assert [(load.name, load.ordinal, load.first_vu) for load in schedule.loads] == [
        ("a", 0, 1),
        ("b", 1, 6),
        ("c", 2, 8),
    ]
    assert schedule.load("b").vu_number(1) == 7


def test_a_scenario_that_does_not_exist_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="nope"):
        Schedule.of([]).load("nope")


def test_the_longest_a_run_can_take_includes_the_graceful_stop() -> None:
    schedule = Schedule.of(
        [
            ScenarioLoad("early", ConstantVUs(1, 60), graceful_stop_s=5),
            ScenarioLoad("late", PerVUIterations(1, 1, 20), start_time_s=42.5, graceful_stop_s=1),
        ]
    )
    assert (schedule.duration_s, schedule.longest_s) == (62.5, 65)


def test_an_empty_schedule_takes_no_time() -> None:
    schedule = Schedule.of([])
    assert (
        schedule.duration_s,
        schedule.longest_s,
        schedule.max_vus,
        schedule.vus_over_time(),
    ) == (0, 0, 0, ())
    assert schedule.planned_iterations == 0


def test_vus_over_time_sum_all_scenarios() -> None:
    schedule = Schedule.of(
        [
            ScenarioLoad("ramp", RampingVUs(0, (Stage(2, 2), Stage(2, 0))), start_time_s=1),
            ScenarioLoad("rate", ConstantArrivalRate(5, 1, 2, 1, 10), start_time_s=3),
        ]
    )
    assert schedule.vus_over_time() == (Moment(2, 1), Moment(3, 12), Moment(4, 11), Moment(5, 0))
    assert schedule.max_vus == 12


def test_a_closed_loop_leaves_the_number_of_iterations_open() -> None:
    counted = [ScenarioLoad("a", PerVUIterations(2, 3)), ScenarioLoad("b", SharedIterations(2, 7))]
    assert Schedule.of(counted).planned_iterations == 13
    assert Schedule.of([*counted, ScenarioLoad("c", ConstantVUs(1, 1))]).planned_iterations is None


@settings(max_examples=60)
@given(schedules())
def test_vus_over_time_and_vus_at_agree(schedule: Schedule) -> None:
    moments = (Moment(-1.0, 0), *schedule.vus_over_time())
    for moment, following in pairwise(moments):
        assert schedule.vus_at(following.at_s) == following.vus != moment.vus
        assert schedule.vus_at(following.at_s - 1e-9) == moment.vus
    assert moments[-1].vus == 0


@settings(max_examples=60)
@given(schedules())
def test_vu_numbers_are_unique_over_scenarios(schedule: Schedule) -> None:
    numbers = [load.vu_number(k) for load in schedule.loads for k in range(load.shape.vu_limit)]
    assert numbers == list(range(1, len(numbers) + 1))
