"""N runners side by side, no word between them: together they are exactly the planned load."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from rehearsals import Plot, Rehearsal, rehearse
from shape_strategies import arrivals, closed_loops, fleets, per_vu, schedules, seconds, shared

from kload_runner.executors import DropCause, IterationInfo
from kload_runner.executors.open_loop import OVERTIME_S
from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Schedule,
    SharedIterations,
)


def until_its_span_ends(load: ScenarioLoad, info: IterationInfo, now: float) -> float:
    """Make one iteration of each span, from its start to its stop."""
    assert isinstance(load.shape, ConstantVUs | RampingVUs)
    spans = load.shape.spans(info.vu - load.first_vu)
    stops = [load.start_time_s + span.stop_s for span in spans]
    return min(stop for stop in stops if stop >= now) - now


def active_over_time(rehearsal: Rehearsal) -> Iterator[tuple[float, int]]:
    """Yield (instant, VUs active on all runners from then on)."""
    changes: Counter[float] = Counter()
    for notes in rehearsal.notes.values():
        before = 0
        for at, active in notes.active:
            # To the nanosecond: start time + offset is a sum of two floats here, and of whole numbers in the plan.
            changes[round(at, 9)] += active - before
            before = active
    total = 0
    for at in sorted(changes):
        total += changes[at]
        yield at, total


@settings(max_examples=50)
@given(schedules(of=closed_loops), fleets)
def test_the_active_vus_of_all_runners_are_the_planned_curve_at_every_moment(
    schedule: Schedule, runners: int
) -> None:
    rehearsal = rehearse(schedule, Plot(takes_s=until_its_span_ends, runners=runners))
    planned = {moment.at_s: moment.vus for moment in schedule.vus_over_time()}
    seen = dict(active_over_time(rehearsal))
    assert {at: vus for at, vus in seen.items() if at in planned} == planned
    assert all(vus == schedule.vus_at(at) for at, vus in seen.items())


@settings(max_examples=50)
@given(schedules(of=arrivals), fleets)
def test_the_arrivals_of_all_runners_are_the_planned_ones_at_their_instants(
    schedule: Schedule, runners: int
) -> None:
    rehearsal = rehearse(schedule, Plot(takes_s=0, runners=runners))
    planned = []
    for load in schedule.loads:
        assert isinstance(load.shape, ConstantArrivalRate | RampingArrivalRate)
        for n, at in load.shape.instants(range(load.shape.planned_iterations)):
            planned.append((load.name, n, load.start_time_s + at))
    begun = [(ran.scenario, ran.index, ran.began_at) for ran in rehearsal.iterations]
    assert sorted(begun) == sorted(planned)


@settings(max_examples=50)
@given(st.one_of(per_vu, shared), fleets, st.integers(1, 4000).map(lambda ms: ms / 1000))
def test_counted_iterations_are_made_once_or_dropped_once(
    shape: PerVUIterations | SharedIterations, runners: int, takes_s: float
) -> None:
    rehearsal = rehearse(shape, Plot(takes_s=takes_s, runners=runners))
    indexes = [ran.index for ran in rehearsal.iterations]
    assert len(set(indexes)) == len(indexes)
    assert set(indexes) <= set(range(shape.planned_iterations))
    dropped = sum(
        outcome.dropped.get(DropCause.MAX_DURATION, 0) for outcome in rehearsal.outcomes.values()
    )
    assert len(indexes) + dropped == shape.planned_iterations


ClosedShapes = ConstantVUs | RampingVUs | PerVUIterations | SharedIterations

plots = st.builds(
    Plot,
    takes_s=st.integers(500, 9000).map(lambda ms: ms / 1000),
    runners=fleets,
    late_s=st.lists(seconds, max_size=3).map(tuple),
    stop_at=st.one_of(st.none(), seconds),
    kill_at=st.one_of(st.none(), seconds),
)


@settings(max_examples=50)
@given(schedules(), plots, st.one_of(st.none(), seconds), seconds)
def test_whatever_happens_the_books_balance(
    schedule: Schedule, plot: Plot, pace_s: float | None, graceful_stop_s: float
) -> None:
    loads = [
        ScenarioLoad(load.name, load.shape, load.start_time_s, graceful_stop_s, pace_s)
        for load in schedule.loads
    ]
    rehearsal = rehearse(Schedule.of(loads), plot)
    for (name, runner), outcome in rehearsal.outcomes.items():
        load = Schedule.of(loads).load(name)
        ran = [ran for ran in rehearsal.iterations if (ran.scenario, ran.runner) == (name, runner)]
        assert outcome.started == len(ran) == outcome.completed + outcome.interrupted
        assert outcome.interrupted == sum(one.ended_at is None for one in ran)
        overtime_s = 1e-9 if isinstance(load.shape, ClosedShapes) else OVERTIME_S
        assert all(load.start_time_s <= one.began_at <= load.end_s + overtime_s for one in ran)
        assert all(one.ended_at <= load.longest_s + 1e-9 for one in ran if one.ended_at is not None)
        assert (rehearsal.notes[name, runner].active or [(0, 0)])[-1][1] == 0
        for vu in {one.vu for one in ran}:
            own = sorted((one for one in ran if one.vu == vu), key=lambda one: one.iter_in_vu)
            assert [one.iter_in_vu for one in own] == list(range(len(own)))
    numbers = Counter((ran.scenario, ran.index) for ran in rehearsal.iterations)
    assert max(numbers.values(), default=1) == 1
    if plot.stop_at is plot.kill_at is None:
        for load in loads:
            if isinstance(load.shape, ConstantArrivalRate | RampingArrivalRate):
                parts = [
                    outcome
                    for (name, _), outcome in rehearsal.outcomes.items()
                    if name == load.name
                ]
                counted = sum(outcome.started + sum(outcome.dropped.values()) for outcome in parts)
                assert counted == load.shape.planned_iterations
