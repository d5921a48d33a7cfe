"""Striping: the parts of all runners are exactly the whole, for every shape, fleet and moment."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shape_strategies import arrivals, closed_loops, fleets, schedules, seconds

from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Schedule,
    SharedIterations,
    Stage,
)
from kload_spec.striping import RunnerIndex, share_of


def fleet(count: int) -> list[RunnerIndex]:
    return [RunnerIndex(index, count) for index in range(count)]


def owner_of(load: ScenarioLoad, index: int, runners: int) -> int:
    """Return the runner that owns an index: the rule of the module, said the other way round."""
    return (load.ordinal + index % min(runners, load.shape.vu_limit)) % runners


def local_vus_at(load: ScenarioLoad, runner: RunnerIndex, t_s: float) -> int:
    """Return a runner's part of the stack of active VUs."""
    return share_of(load, runner).count(load.vus_at(t_s))


def vus(count: int, ordinal: int = 0) -> ScenarioLoad:
    return ScenarioLoad("s", ConstantVUs(count, 10), ordinal=ordinal)


def test_the_drawing_of_four_runners_and_three_vus() -> None:
    load = vus(3, ordinal=1)
    assert [owner_of(load, k, 4) for k in range(6)] == [1, 2, 3, 1, 2, 3]
    assert [list(share_of(load, runner).indexes(6)) for runner in fleet(4)] == [
        [],
        [0, 3],
        [1, 4],
        [2, 5],
    ]


@pytest.mark.parametrize(
    ("total", "parts"),
    [
        pytest.param(1, [1, 0, 0], id="one"),
        pytest.param(2, [1, 1, 0], id="two"),
        pytest.param(10, [4, 3, 3], id="ten"),
        pytest.param(100, [34, 33, 33], id="hundred"),
        pytest.param(101, [34, 34, 33], id="hundred and one"),
    ],
)
def test_three_runners_share_like_equal_segments_of_k6(total: int, parts: list[int]) -> None:
    assert [share_of(vus(total), runner).count(total) for runner in fleet(3)] == parts


def test_small_scenarios_begin_at_different_runners() -> None:
    owners = [owner_of(vus(1, ordinal=o), 0, 3) for o in range(4)]
    assert owners == [0, 1, 2, 0]


def test_a_rate_of_three_alternates_between_two_runners() -> None:
    # k6 [run]: 2 instances, 3/s: #0 at 0 ms on A, #1 at 334 ms on B, #2 at 667 ms on A.
    load = ScenarioLoad("s", ConstantArrivalRate(3, 1, 1, 1, 10))
    a, b = (list(load.shape.instants(share_of(load, runner).indexes(3))) for runner in fleet(2))
    assert a == [(0, 0.0), (2, pytest.approx(2 / 3))]
    assert b == [(1, pytest.approx(1 / 3))]


def test_shared_iterations_and_rows_follow_the_vus_runners() -> None:
    load = ScenarioLoad("s", SharedIterations(2, 101))
    assert [share_of(load, runner).count(101) for runner in fleet(3)] == [51, 50, 0]


def test_an_empty_share_owns_nothing() -> None:
    nothing = share_of(vus(0), RunnerIndex(0, 2))
    assert (nothing.empty, nothing.count(5), list(nothing.indexes(5))) == (True, 0, [])


@pytest.mark.parametrize(("index", "count"), [(-1, 2), (2, 2), (0, 0)])
def test_a_runner_outside_its_fleet_is_refused(index: int, count: int) -> None:
    with pytest.raises(ValueError, match=f"runner {index} of {count}"):
        RunnerIndex(index, count)


@settings(max_examples=60)
@given(schedules(), fleets, st.integers(0, 60))
def test_every_index_is_owned_by_exactly_one_runner(
    schedule: Schedule, runners: int, total: int
) -> None:
    for load in schedule.loads:
        if not load.shape.vu_limit:
            continue
        shares = [share_of(load, runner) for runner in fleet(runners)]
        assert sorted(k for share in shares for k in share.indexes(total)) == list(range(total))
        for k in range(total):
            owner = shares[owner_of(load, k, runners)]
            assert k in owner.indexes(total)


@settings(max_examples=60)
@given(schedules(), fleets)
def test_every_runner_of_a_scenario_has_a_vu_for_its_part(schedule: Schedule, runners: int) -> None:
    for load in schedule.loads:
        for runner in fleet(runners):
            share = share_of(load, runner)
            assert share.empty == (share.count(load.shape.vu_limit) == 0)


@settings(max_examples=60)
@given(schedules(), fleets, st.integers(-1000, 50_000).map(lambda ms: ms / 1000), st.data())
def test_the_planned_vus_of_all_runners_are_the_global_curve(
    schedule: Schedule, runners: int, t_s: float, data: st.DataObject
) -> None:
    steps = [moment.at_s for moment in schedule.vus_over_time()]
    t = data.draw(st.sampled_from([t_s, *steps]))
    for load in schedule.loads:
        assert sum(local_vus_at(load, runner, t) for runner in fleet(runners)) == load.vus_at(t)
    total = sum(
        local_vus_at(load, runner, t) for load in schedule.loads for runner in fleet(runners)
    )
    assert total == schedule.vus_at(t)


@settings(max_examples=60)
@given(closed_loops, fleets, st.integers(0, 5), seconds)
def test_local_spans_add_up_to_the_curve_at_every_step(
    shape: ConstantVUs | RampingVUs, runners: int, ordinal: int, moment: float
) -> None:
    load = ScenarioLoad("s", shape, ordinal=ordinal)
    local = [
        [shape.spans(k) for k in share_of(load, r).indexes(shape.vu_limit)] for r in fleet(runners)
    ]
    for t in {moment, *(step.at_s for step in shape.steps())}:
        active = [
            sum(any(s.start_s <= t < s.stop_s for s in spans) for spans in part) for part in local
        ]
        assert sum(active) == shape.vus_at(t)
        # Nobody carries more than one VU above anybody else who takes part.
        taking_part = [
            n for r, n in zip(fleet(runners), active, strict=True) if not share_of(load, r).empty
        ]
        assert max(taking_part, default=0) - min(taking_part, default=0) <= 1


@settings(max_examples=60)
@given(arrivals, fleets, st.integers(0, 5), seconds)
def test_arrivals_of_all_runners_are_the_global_arrivals_at_every_moment(
    shape: ConstantArrivalRate | RampingArrivalRate, runners: int, ordinal: int, t_s: float
) -> None:
    load = ScenarioLoad("s", shape, ordinal=ordinal)
    planned = shape.planned_iterations
    parts = [list(shape.instants(share_of(load, r).indexes(planned))) for r in fleet(runners)]
    assert Counter(n for part in parts for n, _ in part) == Counter(range(planned))
    assert sum(at <= t_s for part in parts for _, at in part) == shape.count(t_s)


def test_ramps_step_at_different_runners_at_different_times() -> None:
    load = ScenarioLoad("s", RampingVUs(0, (Stage(4, 4),)))
    assert [[local_vus_at(load, r, t) for r in fleet(2)] for t in (0, 1, 2, 3)] == [
        [0, 0],
        [1, 0],
        [1, 1],
        [2, 1],
    ]


def test_a_ramping_rate_uses_as_many_runners_as_it_may_have_vus() -> None:
    load = ScenarioLoad("s", RampingArrivalRate(10, 1, (Stage(1, 10),), 0, 2))
    assert [share_of(load, r).count(10) for r in fleet(3)] == [5, 5, 0]
