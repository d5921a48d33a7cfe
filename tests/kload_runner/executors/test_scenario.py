"""From start to end: start times, stopping, killing, coming late, VUs that fail or will not go."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest
from rehearsals import Notes, Plot, rehearse

from kload_runner.executors import (
    Control,
    DropCause,
    IterationInfo,
    NewVU,
    RunFrame,
    ScenarioOutcome,
    executor_of,
    run_scenario,
)
from kload_runner.testing import VirtualClock, run_virtual
from kload_spec.model import Executor
from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Schedule,
    Shape,
    SharedIterations,
    Stage,
)
from kload_spec.striping import RunnerIndex

EVERY_KIND = [
    pytest.param(ConstantVUs(2, 10), id="constant-vus"),
    pytest.param(RampingVUs(2, (Stage(10, 2),)), id="ramping-vus"),
    pytest.param(PerVUIterations(2, 100, 10), id="per-vu-iterations"),
    pytest.param(SharedIterations(2, 200, 10), id="shared-iterations"),
    pytest.param(ConstantArrivalRate(1, 1, 10, 2, 2), id="arrival-rate"),
]


def test_every_executor_of_the_manifest_has_a_shape_it_follows() -> None:
    shapes = [cast(Shape, param.values[0]) for param in EVERY_KIND]
    shapes.append(RampingArrivalRate(1, 1, (Stage(10, 1),), 1, 1))
    assert sorted(map(executor_of, shapes)) == sorted(Executor)


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_a_scenario_begins_after_its_start_time(shape: Shape) -> None:
    rehearsal = rehearse(ScenarioLoad("s", shape, start_time_s=2.5), Plot(takes_s=1, start_at=4))
    assert rehearsal.began()[0] == 6.5


def test_the_end_and_its_grace_count_from_the_scenarios_own_start() -> None:
    load = ScenarioLoad("s", ConstantVUs(1, 10), start_time_s=5, graceful_stop_s=2)
    rehearsal = rehearse(load, Plot(takes_s=8, start_at=3))
    assert (rehearsal.began(), rehearsal.note.interruptions) == ([8, 16], [20])
    assert (rehearsal.ended_at, rehearsal.outcome.joined_late_s) == (20, 0)


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_stopping_lets_running_iterations_end_within_the_graceful_stop(shape: Shape) -> None:
    load = ScenarioLoad("s", shape, graceful_stop_s=2)
    rehearsal = rehearse(
        load, Plot(takes_s=lambda _, info, __: 1.5 if info.vu == 1 else 50, stop_at=1.75)
    )
    assert max(rehearsal.began()) <= 1.75
    assert rehearsal.note.interruptions == [3.75]
    assert [ran.vu for ran in rehearsal.iterations if ran.ended_at is None] == [2]
    assert (rehearsal.outcome.stopped_early, rehearsal.outcome.dropped) == (True, {})


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_killing_cuts_everything_off_at_once(shape: Shape) -> None:
    rehearsal = rehearse(shape, Plot(takes_s=50, kill_at=1.75))
    assert rehearsal.ended_at == 1.75
    assert rehearsal.note.interruptions == [1.75, 1.75]
    assert (rehearsal.outcome.started, rehearsal.outcome.completed) == (2, 0)


def test_a_kill_ends_a_graceful_stop() -> None:
    rehearsal = rehearse(ConstantVUs(1, 10), Plot(takes_s=50, stop_at=1, kill_at=3))
    assert rehearsal.note.interruptions == [3]


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_stopping_before_the_start_runs_nothing(shape: Shape) -> None:
    rehearsal = rehearse(ScenarioLoad("s", shape, start_time_s=5), Plot(takes_s=1, stop_at=2))
    assert (rehearsal.iterations, rehearsal.ended_at, rehearsal.outcome.stopped_early) == (
        [],
        2,
        True,
    )


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_a_runner_that_joins_after_a_stop_runs_nothing(shape: Shape) -> None:
    rehearsal = rehearse(shape, Plot(takes_s=1, late_s=(3,), stop_at=2))
    assert rehearsal.outcome == ScenarioOutcome(stopped_early=True)


def test_a_stopped_vu_does_not_go_on_in_a_later_span() -> None:
    shape = RampingVUs(1, (Stage(1, 1), Stage(0, 0), Stage(2, 0), Stage(0, 1), Stage(9, 1)))
    rehearsal = rehearse(shape, Plot(takes_s=5, stop_at=2))
    assert [(ran.began_at, ran.ended_at) for ran in rehearsal.iterations] == [(0, 5)]


def test_vus_waiting_for_their_turn_leave_at_a_stop() -> None:
    paced = ScenarioLoad("s", ConstantVUs(1, 100), pace_s=50)
    assert rehearse(paced, Plot(takes_s=1, stop_at=5)).ended_at == 5
    assert rehearse(RampingVUs(0, (Stage(100, 1),)), Plot(stop_at=5)).ended_at == 5


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_no_graceful_stop_means_cut_off_at_the_end(shape: Shape) -> None:
    rehearsal = rehearse(ScenarioLoad("s", shape, graceful_stop_s=0), Plot(takes_s=7.5))
    assert rehearsal.ended_at == 10
    assert rehearsal.outcome.interrupted == 2


def test_a_runner_without_a_share_does_nothing() -> None:
    rehearsal = rehearse(ConstantVUs(1, 5), Plot(takes_s=1, runners=3))
    assert {ran.runner for ran in rehearsal.iterations} == {0}
    assert rehearsal.outcomes["s", 2] == ScenarioOutcome()


def test_a_late_runner_joins_the_ramp_where_it_is() -> None:
    # Index 0 was there from 1 s to 4 s, index 1 would start at 9 s: joining at 5 s, only the second ramp is left.
    shape = RampingVUs(0, (Stage(1, 1), Stage(2, 1), Stage(1, 0), Stage(6, 3)))
    rehearsal = rehearse(shape, Plot(takes_s=100, late_s=(5,)))
    assert rehearsal.began() == [6, 8, 10]
    assert rehearsal.outcome.joined_late_s == 5
    assert rehearse(shape, Plot(takes_s=100, late_s=(2.5,))).began() == [2.5, 8, 10]


def test_a_late_runner_keeps_the_common_end() -> None:
    rehearsal = rehearse(ConstantVUs(1, 4), Plot(takes_s=0.5, late_s=(3.25,)))
    assert rehearsal.began() == [3.25, 3.75]
    late = rehearse(PerVUIterations(1, 10, 4), Plot(takes_s=0.5, late_s=(3.25,)))
    assert late.outcome.dropped == {DropCause.MAX_DURATION: 8}


def test_a_runner_that_comes_after_the_end_runs_nothing_and_says_so() -> None:
    rehearsal = rehearse(ConstantArrivalRate(2, 1, 4, 0, 5), Plot(late_s=(60,)))
    assert (rehearsal.outcome.started, rehearsal.outcome.dropped) == (
        0,
        {DropCause.GENERATOR_LATE: 8},
    )
    assert rehearse(ConstantVUs(2, 4), Plot(takes_s=1, late_s=(60,))).outcome == ScenarioOutcome(
        joined_late_s=60
    )


def test_thousands_of_virtual_minutes_take_no_time() -> None:
    load = ScenarioLoad("s", ConstantVUs(1, 3000 * 60), pace_s=60)
    rehearsal = rehearse(load, Plot(takes_s=1))
    assert len(rehearsal.iterations) == 3000


def run_with(
    new_vu: NewVU, shape: Shape, control: Control | None = None
) -> tuple[ScenarioOutcome, float]:
    async def main() -> tuple[ScenarioOutcome, float]:
        clock = VirtualClock()
        (load,) = Schedule.of([ScenarioLoad("s", shape, graceful_stop_s=1)]).loads
        frame = RunFrame(RunnerIndex(), clock, 0.0, control or Control())
        outcome = await run_scenario(load, frame, new_vu=new_vu, observer=Notes(clock))
        return outcome, clock.now()

    return run_virtual(main())


class Failing:
    """A VU whose second iteration is broken."""

    def __init__(self, _: int) -> None:
        self.ended: list[str] = []

    async def run_iteration(self, iteration: IterationInfo) -> None:
        await asyncio.sleep(1)
        if iteration.iter_in_vu == 1:
            raise LookupError("the engine is broken")


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_an_error_of_a_vu_ends_the_scenario_and_is_raised(shape: Shape) -> None:
    with pytest.raises(LookupError, match="the engine is broken"):
        run_with(Failing, shape)


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_a_vu_that_cannot_be_made_is_raised_and_the_others_are_ended(shape: Shape) -> None:
    def new_vu(vu: int) -> Failing:
        if vu == 1:
            raise LookupError("no VU for you")
        return Failing(vu)

    with pytest.raises(LookupError, match="no VU for you"):
        run_with(new_vu, shape)


def test_a_vu_that_cannot_be_made_in_the_middle_of_the_load_is_raised() -> None:
    def new_vu(vu: int) -> Failing:
        raise LookupError("no VU for you")

    with pytest.raises(LookupError, match="no VU for you"):
        run_with(new_vu, ConstantArrivalRate(1, 1, 10, 0, 2))


class Stubborn:
    """A VU that swallows being cancelled so many times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.freed = asyncio.Event()

    async def run_iteration(self, iteration: IterationInfo) -> None:
        for _ in range(self.times):
            try:
                await self.freed.wait()
            except asyncio.CancelledError:
                continue


@pytest.mark.parametrize(
    ("times", "over_at"), [pytest.param(3, 5, id="thrice"), pytest.param(5, 7, id="to the last")]
)
def test_a_vu_that_swallows_its_cancellation_is_told_again(times: int, over_at: float) -> None:
    outcome, ended_at = run_with(lambda _: Stubborn(times), ConstantVUs(1, 2))
    assert (outcome.abandoned, ended_at) == (0, over_at)
    assert (outcome.started, outcome.completed) == (1, 1)


class Upset:
    """A VU whose iterations are cancelled from inside, by nobody who runs them."""

    def __init__(self, _: int) -> None:
        """Nothing to keep."""

    async def run_iteration(self, iteration: IterationInfo) -> None:
        await asyncio.sleep(1)
        raise asyncio.CancelledError


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_a_vu_whose_iteration_cancels_itself_is_not_lost(shape: Shape) -> None:
    outcome, _ = run_with(Upset, shape)
    assert outcome.interrupted == outcome.started >= 10


def test_a_vu_that_never_goes_is_abandoned_and_the_run_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stubborn: list[Stubborn] = []

    def new_vu(_: int) -> Stubborn:
        stubborn.append(Stubborn(6))
        return stubborn[-1]

    with caplog.at_level(logging.WARNING):
        outcome, ended_at = run_with(new_vu, ConstantVUs(1, 2))
    assert (outcome.abandoned, outcome.started, outcome.interrupted, outcome.completed) == (
        1,
        1,
        1,
        0,
    )
    assert ended_at == 8
    assert "1 VUs ignore their cancellation" in caplog.text


@pytest.mark.parametrize("shape", EVERY_KIND)
def test_cancelling_the_scenario_itself_ends_its_vus(shape: Shape) -> None:
    async def main() -> tuple[Notes, int]:
        clock = VirtualClock()
        notes = Notes(clock)
        frame = RunFrame(RunnerIndex(), clock, 0.0, Control())
        (load,) = Schedule.of([ScenarioLoad("s", shape)]).loads
        task = asyncio.ensure_future(
            run_scenario(load, frame, new_vu=lambda _: Stubborn(1), observer=notes)
        )
        await clock.sleep_until(3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return notes, len(asyncio.all_tasks())

    notes, tasks = run_virtual(main())
    assert tasks == 1
    assert notes.active[-1] == (3, 0)
