"""Arrival rates: against k6's figures, in virtual time; and what happens when VUs or the runner itself fall behind."""

from __future__ import annotations

import asyncio

import pytest
from rehearsals import Plot, rehearse

from kload_runner.executors import (
    Control,
    DropCause,
    IterationInfo,
    RunFrame,
    ScenarioOutcome,
    run_scenario,
)
from kload_runner.testing import VirtualClock, VirtualTimeLoop, run_virtual
from kload_spec.shapes import ConstantArrivalRate, RampingArrivalRate, ScenarioLoad, Schedule, Stage
from kload_spec.striping import RunnerIndex


def constant(rate: int, duration_s: float, pre: int = 0, max_vus: int = 100) -> ConstantArrivalRate:
    return ConstantArrivalRate(rate, 1, duration_s, pre, max_vus)


def test_a_constant_rate_starts_at_every_period_from_zero() -> None:
    rehearsal = rehearse(constant(4, 1.5), Plot(takes_s=0.1))
    assert rehearsal.began() == [0, 0.25, 0.5, 0.75, 1, 1.25]
    assert [ran.index for ran in rehearsal.iterations] == list(range(6))


def test_a_ramp_from_zero_to_four_fires_at_1000_1415_1733_and_2000_ms() -> None:
    rehearsal = rehearse(RampingArrivalRate(0, 1, (Stage(2, 4),), 0, 10), Plot(takes_s=5))
    assert rehearsal.began() == pytest.approx([1, 2**0.5, 3**0.5, 2], abs=2e-9)
    assert rehearsal.outcome.completed == 4


def test_arrivals_do_not_wait_for_slow_iterations() -> None:
    rehearsal = rehearse(constant(10, 3), Plot(takes_s=7.25))
    assert rehearsal.began() == pytest.approx([n / 10 for n in range(30)])
    assert rehearsal.ended_at == pytest.approx(2.9 + 7.25)


def test_a_missing_vu_is_made_at_once() -> None:
    rehearsal = rehearse(constant(2, 2, pre=1, max_vus=4), Plot(takes_s=1.2))
    assert [(ran.vu, ran.began_at) for ran in rehearsal.iterations] == [
        (1, 0),
        (2, 0.5),
        (3, 1),
        (1, 1.5),
    ]
    assert rehearsal.outcome.dropped == {}


def test_an_arrival_that_finds_all_vus_busy_is_dropped_and_never_made_up_for() -> None:
    rehearsal = rehearse(constant(4, 2, pre=1, max_vus=2), Plot(takes_s=0.6))
    assert rehearsal.began() == [0, 0.25, 0.75, 1, 1.5, 1.75]
    assert rehearsal.note.drops == [(0.5, 1, DropCause.NO_IDLE_VU), (1.25, 1, DropCause.NO_IDLE_VU)]
    assert sorted(ran.index for ran in rehearsal.iterations) == [0, 1, 3, 4, 6, 7]


def test_vus_take_turns() -> None:
    rehearsal = rehearse(constant(1, 6, pre=3), Plot(takes_s=0.5))
    assert [ran.vu for ran in rehearsal.iterations] == [1, 2, 3, 1, 2, 3]
    assert [ran.iter_in_vu for ran in rehearsal.iterations] == [0, 0, 0, 1, 1, 1]


def test_pre_allocated_vus_are_there_before_the_load_and_gone_after_it() -> None:
    rehearsal = rehearse(
        ScenarioLoad("s", constant(1, 2, pre=2), start_time_s=5), Plot(takes_s=0.5)
    )
    assert rehearsal.note.active == [(0, 1), (0, 2), (7, 1), (7, 0)]


def test_no_more_vus_are_pre_allocated_than_there_may_be() -> None:
    assert len(rehearse(constant(1, 1, pre=9, max_vus=2), Plot()).note.active) == 4


def test_a_large_pool_is_made_without_locking_out_the_rest() -> None:
    assert (
        max(n for _, n in rehearse(constant(1, 1, pre=250, max_vus=250), Plot()).note.active) == 250
    )


def test_iterations_know_when_they_should_have_started() -> None:
    rehearsal = rehearse(constant(4, 1), Plot(takes_s=0.1, start_at=3))
    assert [ran.scheduled_at for ran in rehearsal.iterations] == [3, 3.25, 3.5, 3.75]
    assert rehearsal.note.late_s == [0, 0, 0, 0]


def test_running_iterations_get_the_graceful_stop_and_no_longer() -> None:
    load = ScenarioLoad("s", constant(1, 3), graceful_stop_s=2)
    rehearsal = rehearse(load, Plot(takes_s=lambda _, info, __: 2.5 if info.index < 2 else 4))
    assert [(ran.index, ran.ended_at) for ran in rehearsal.iterations] == [
        (0, 2.5),
        (1, 3.5),
        (2, None),
    ]
    assert rehearsal.note.interruptions == [5]
    assert (rehearsal.outcome.completed, rehearsal.outcome.interrupted) == (2, 1)


def test_a_late_runner_drops_what_passed_before_it_joined_and_keeps_the_schedule() -> None:
    rehearsal = rehearse(constant(2, 5), Plot(takes_s=0.1, late_s=(2.2,)))
    assert rehearsal.began() == [2.5, 3, 3.5, 4, 4.5]
    assert rehearsal.note.drops == [(2.2, 5, DropCause.GENERATOR_LATE)]
    assert rehearsal.outcome.joined_late_s == pytest.approx(2.2)
    assert rehearsal.iterations[0].index == 5


def test_a_runner_a_moment_late_catches_up() -> None:
    rehearsal = rehearse(constant(20, 0.2), Plot(takes_s=0.01, late_s=(0.08,)))
    assert rehearsal.began() == pytest.approx([0.08, 0.08, 0.1, 0.15])
    assert rehearsal.note.late_s[:2] == pytest.approx([0.08, 0.03])
    assert (rehearsal.outcome.joined_late_s, rehearsal.outcome.dropped) == (0, {})


class Stalling:
    """A VU whose first iteration blocks the whole process: virtual time passes, nobody else gets a turn."""

    def __init__(self, stall_s: float, takes_s: float) -> None:
        self.stall_s = stall_s
        self.takes_s = takes_s
        self.began: list[tuple[int, float]] = []

    async def run_iteration(self, iteration: IterationInfo) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self.began.append((iteration.index, loop.time()))
        if iteration.index == 0:
            loop.virtual_now += self.stall_s
        if self.takes_s:
            await asyncio.sleep(self.takes_s)


class Silent:
    """An Observer that keeps drops and lateness only."""

    def __init__(self) -> None:
        self.drops: list[tuple[int, DropCause]] = []
        self.late_s: list[float] = []

    def started_late(self, late_s: float) -> None:
        self.late_s.append(late_s)

    def dropped(self, count: int, cause: DropCause) -> None:
        self.drops.append((count, cause))

    def interrupted(self) -> None:
        """Not looked at."""

    def pace_missed(self) -> None:
        """Not looked at."""

    def vus_changed(self, active: int) -> None:
        """Not looked at."""


def stall(shape: ConstantArrivalRate, stalling: Stalling) -> tuple[ScenarioOutcome, Silent]:
    async def main() -> tuple[ScenarioOutcome, Silent]:
        observer = Silent()
        (load,) = Schedule.of([ScenarioLoad("s", shape)]).loads
        frame = RunFrame(RunnerIndex(), VirtualClock(), 0.0, Control())
        return await run_scenario(
            load, frame, new_vu=lambda _: stalling, observer=observer
        ), observer

    return run_virtual(main())


def test_after_a_stall_late_arrivals_start_back_to_back_and_say_how_late() -> None:
    stalling = Stalling(stall_s=1.05, takes_s=0)
    outcome, observer = stall(constant(10, 2), stalling)
    assert [index for index, _ in stalling.began] == list(range(20))
    assert [at for _, at in stalling.began[1:11]] == [pytest.approx(1.05)] * 10
    assert observer.late_s[1:11] == pytest.approx([1.05 - n / 10 for n in range(1, 11)])
    assert max(observer.late_s[11:]) == 0
    assert outcome.dropped == {}


def test_drops_after_our_own_stall_are_not_blamed_on_the_target() -> None:
    outcome, observer = stall(constant(10, 2, max_vus=3), Stalling(stall_s=1.05, takes_s=0.04))
    assert outcome.dropped == {DropCause.GENERATOR_LATE: sum(count for count, _ in observer.drops)}
    assert outcome.started + outcome.dropped[DropCause.GENERATOR_LATE] == 20


@pytest.mark.parametrize("vus", [1, 5, 20])
def test_while_catching_up_vus_get_their_turns(vus: int) -> None:
    # 1000 arrivals are due at once, but a few VUs that are quick suffice: the dispatcher gives way.
    outcome, _ = stall(constant(1000, 1.5, max_vus=vus), Stalling(stall_s=1, takes_s=0))
    assert (outcome.started, outcome.dropped) == (1500, {})


def test_what_is_still_due_long_after_the_end_is_dropped() -> None:
    outcome, observer = stall(constant(10, 2), Stalling(stall_s=2.5, takes_s=0))
    # The one the dispatcher was waiting for while the process stood still is handed out first.
    assert (outcome.started, outcome.dropped) == (2, {DropCause.GENERATOR_LATE: 18})
    assert observer.drops == [(18, DropCause.GENERATOR_LATE)]


def test_a_moment_after_the_end_late_arrivals_still_start() -> None:
    outcome, _ = stall(constant(10, 2), Stalling(stall_s=2.05, takes_s=0))
    assert (outcome.started, outcome.dropped) == (20, {})
