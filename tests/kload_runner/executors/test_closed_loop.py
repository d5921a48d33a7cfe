"""constant-vus and ramping-vus, per-vu and shared iterations: against k6's figures, in virtual time."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby

import pytest
from rehearsals import Notes, Plot, Rehearsal, rehearse

from kload_runner.clock import Waiter
from kload_runner.executors import Control, DropCause, IterationInfo, RunFrame, run_scenario
from kload_runner.executors.looping import GIVE_WAY_EVERY
from kload_spec.shapes import (
    ConstantVUs,
    PerVUIterations,
    RampingVUs,
    ScenarioLoad,
    SharedIterations,
    Stage,
)
from kload_spec.striping import RunnerIndex


def by_vu(rehearsal: Rehearsal) -> dict[int, list[float]]:
    begun: dict[int, list[float]] = {}
    for ran in sorted(rehearsal.iterations, key=lambda ran: ran.began_at):
        begun.setdefault(ran.vu, []).append(ran.began_at)
    return begun


def test_each_vu_loops_until_the_duration_is_over() -> None:
    rehearsal = rehearse(ConstantVUs(2, 3), Plot(takes_s=0.8))
    assert by_vu(rehearsal) == {n: pytest.approx([0, 0.8, 1.6, 2.4]) for n in (1, 2)}
    assert rehearsal.ended_at == pytest.approx(3.2)
    assert (rehearsal.outcome.started, rehearsal.outcome.completed) == (8, 8)


def test_an_iteration_that_ends_with_the_duration_is_the_last() -> None:
    assert rehearse(ConstantVUs(1, 3), Plot(takes_s=1)).began() == [0, 1, 2]


def test_iterations_of_a_closed_loop_are_numbered_per_vu_and_over_all() -> None:
    rehearsal = rehearse(ConstantVUs(2, 2), Plot(takes_s=1))
    assert [(ran.vu, ran.iter_in_vu, ran.index) for ran in rehearsal.iterations] == [
        (1, 0, 0),
        (2, 0, 1),
        (1, 1, 2),
        (2, 1, 3),
    ]
    assert all(ran.scheduled_at == ran.began_at for ran in rehearsal.iterations)


def test_the_first_of_ten_vus_in_ten_seconds_starts_at_one_second_and_the_tenth_at_the_end() -> (
    None
):
    rehearsal = rehearse(RampingVUs(0, (Stage(10, 10),)), Plot(takes_s=5.5))
    assert {vu: begun[0] for vu, begun in by_vu(rehearsal).items()} == {
        n: float(n) for n in range(1, 11)
    }


def test_two_vus_in_two_seconds_start_at_1000_and_2000_ms() -> None:
    assert rehearse(RampingVUs(0, (Stage(2, 2),)), Plot(takes_s=1)).began() == [1.0, 2.0]


def test_start_vus_are_there_at_once() -> None:
    rehearsal = rehearse(RampingVUs(3, (Stage(2, 4),)), Plot(takes_s=10))
    assert rehearsal.began() == [0, 0, 0, 2]


def test_a_ramp_down_takes_the_highest_vu_first() -> None:
    rehearsal = rehearse(RampingVUs(3, (Stage(3, 0),)), Plot(takes_s=0.4))
    assert {vu: begun[-1] for vu, begun in by_vu(rehearsal).items()} == pytest.approx(
        {3: 0.8, 2: 1.6, 1: 2.8}
    )
    assert rehearsal.outcome.interrupted == 0


def test_an_iteration_may_outlive_its_ramp_down_by_the_grace_and_no_longer() -> None:
    shape = RampingVUs(2, (Stage(1, 2), Stage(0, 0), Stage(100, 0)), graceful_ramp_down_s=3)
    rehearsal = rehearse(shape, Plot(takes_s=lambda _, info, __: 3 if info.vu == 1 else 9))
    assert [(ran.vu, ran.ended_at) for ran in rehearsal.iterations] == [(1, 3), (2, None)]
    assert rehearsal.note.interruptions == [4]


def test_a_vu_ramped_up_again_within_the_grace_just_goes_on() -> None:
    # Both leave at once at 1 s; the first returns at 1 + 2/2 = 2 s, the second at 3 s.
    shape = RampingVUs(
        2, (Stage(1, 2), Stage(0, 0), Stage(2, 2), Stage(7, 2)), graceful_ramp_down_s=5
    )
    rehearsal = rehearse(shape, Plot(takes_s=4))
    assert by_vu(rehearsal) == {1: [0, 4, 8], 2: [0, 4, 8]}
    assert rehearsal.outcome.interrupted == 0
    assert [ran.iter_in_vu for ran in rehearsal.iterations if ran.vu == 1] == [0, 1, 2]


def test_a_vu_that_was_cut_off_is_the_same_vu_when_it_comes_back() -> None:
    shape = RampingVUs(
        1, (Stage(2, 1), Stage(0, 0), Stage(8, 0), Stage(0, 1), Stage(2, 1)), graceful_ramp_down_s=1
    )
    rehearsal = rehearse(shape, Plot(takes_s=lambda _, info, __: 60 if info.iter_in_vu == 0 else 1))
    assert [
        (ran.vu, ran.iter_in_vu, ran.began_at, ran.ended_at) for ran in rehearsal.iterations
    ] == [
        (1, 0, 0, None),
        (1, 1, 10, 11),
        (1, 2, 11, 12),
    ]
    assert rehearsal.note.interruptions == [3]


def test_the_end_of_the_stages_cuts_a_longer_ramp_down_short() -> None:
    shape = RampingVUs(1, (Stage(4, 0),), graceful_ramp_down_s=60)
    rehearsal = rehearse(ScenarioLoad("s", shape, graceful_stop_s=2), Plot(takes_s=100))
    assert rehearsal.note.interruptions == [6]


def test_a_ramp_down_near_the_end_is_cut_off_by_its_own_grace() -> None:
    # VU 2 leaves at 2 s with 3 s of grace; VU 1 leaves with the stages, at 4 s, with 30 s of graceful stop.
    shape = RampingVUs(2, (Stage(4, 0),), graceful_ramp_down_s=3)
    rehearsal = rehearse(shape, Plot(takes_s=100))
    assert rehearsal.note.interruptions == [5, 34]


def test_a_ramp_lasts_as_long_as_its_stages_even_without_vus() -> None:
    assert rehearse(RampingVUs(1, (Stage(1, 0), Stage(9, 0))), Plot(takes_s=0.1)).ended_at == 10


def test_vus_count_as_active_until_their_last_iteration_is_over() -> None:
    rehearsal = rehearse(RampingVUs(2, (Stage(2, 0),)), Plot(takes_s=0.75))
    assert rehearsal.note.active == [(0, 1), (0, 2), (1.5, 1), (2.25, 0)]


def test_every_vu_makes_its_own_iterations_with_its_own_indexes() -> None:
    rehearsal = rehearse(PerVUIterations(2, 3), Plot(takes_s=lambda _, info, __: info.vu))
    assert by_vu(rehearsal) == {1: [0, 1, 2], 2: [0, 2, 4]}
    assert {ran.vu: ran.index for ran in rehearsal.iterations if ran.iter_in_vu == 1} == {
        1: 1,
        2: 4,
    }
    assert (rehearsal.ended_at, rehearsal.outcome.dropped) == (6, {})


def test_per_vu_iterations_left_at_the_longest_duration_are_dropped() -> None:
    rehearsal = rehearse(PerVUIterations(2, 5, 2.5), Plot(takes_s=lambda _, info, __: info.vu))
    # VU 1 begins 3 of 5, VU 2 begins 2 of 5; what runs at 2.5 s may end.
    assert rehearsal.outcome.dropped == {DropCause.MAX_DURATION: 5}
    assert rehearsal.note.drops == [(2.5, 5, DropCause.MAX_DURATION)]
    assert (rehearsal.outcome.completed, rehearsal.ended_at) == (5, 4)


def test_shared_iterations_go_to_whoever_is_free() -> None:
    rehearsal = rehearse(
        SharedIterations(2, 7), Plot(takes_s=lambda _, info, __: 1 if info.vu == 1 else 2.5)
    )
    assert sorted((ran.index, ran.vu) for ran in rehearsal.iterations) == [
        (0, 1), (1, 2), (2, 1), (3, 1), (4, 2), (5, 1), (6, 1),
    ]  # fmt: skip
    assert rehearsal.ended_at == 5


def test_shared_iterations_left_over_are_dropped_once() -> None:
    rehearsal = rehearse(SharedIterations(2, 10, 2.5), Plot(takes_s=1))
    assert rehearsal.note.drops == [(2.5, 4, DropCause.MAX_DURATION)]
    assert rehearsal.outcome.started == 6


def test_a_pace_keeps_the_starts_of_a_vu_apart() -> None:
    load = ScenarioLoad("s", ConstantVUs(2, 5), pace_s=1.5)
    rehearsal = rehearse(load, Plot(takes_s=0.4))
    assert by_vu(rehearsal) == {n: [0, 1.5, 3, 4.5] for n in (1, 2)}
    assert (rehearsal.outcome.missed_paces, rehearsal.ended_at) == (0, 5)


def test_an_iteration_longer_than_the_pace_is_a_missed_pace_and_moves_the_schedule() -> None:
    load = ScenarioLoad("s", ConstantVUs(1, 6), pace_s=1)
    rehearsal = rehearse(
        load, Plot(takes_s=lambda _, info, __: 2.25 if info.iter_in_vu == 1 else 0.5)
    )
    assert rehearsal.began() == [0, 1, 3.25, 4.25, 5.25]
    assert rehearsal.outcome.missed_paces == rehearsal.note.missed_paces == 1


def test_the_last_iteration_misses_no_pace() -> None:
    load = ScenarioLoad("s", ConstantVUs(1, 2), pace_s=1)
    assert (
        rehearse(load, Plot(takes_s=lambda _, info, __: 0.5 + info.iter_in_vu)).outcome.missed_paces
        == 0
    )


def test_a_pace_also_holds_over_a_ramp_down() -> None:
    shape = RampingVUs(1, (Stage(1, 1), Stage(0, 0), Stage(1, 0), Stage(0, 1), Stage(9, 1)))
    rehearsal = rehearse(ScenarioLoad("s", shape, pace_s=4), Plot(takes_s=0.5))
    assert rehearsal.began() == [0, 4, 8]


def test_counted_iterations_are_paced_and_do_not_wait_after_the_last() -> None:
    load = ScenarioLoad("s", PerVUIterations(1, 3), pace_s=10)
    rehearsal = rehearse(load, Plot(takes_s=1))
    assert (rehearsal.began(), rehearsal.ended_at) == ([0, 10, 20], 21)


def test_a_paced_vu_that_was_cut_off_keeps_its_pace() -> None:
    shape = RampingVUs(
        1,
        (Stage(1, 1), Stage(0, 0), Stage(2, 0), Stage(0, 1), Stage(3, 1)),
        graceful_ramp_down_s=0.5,
    )
    rehearsal = rehearse(
        ScenarioLoad("s", shape, pace_s=2),
        Plot(takes_s=lambda _, info, __: 60 if info.iter_in_vu == 0 else 1),
    )
    assert (rehearsal.began(), rehearsal.note.interruptions) == ([0, 3, 5], [1.5])


def test_vus_that_never_wait_share_the_loop_and_can_be_stopped() -> None:
    # Without giving way the first VU would run for ever: virtual time stands still while anything is ready.
    seen: set[int] = set()

    def takes_s(_: ScenarioLoad, info: object, __: float) -> float:
        seen.add(info.vu)  # type: ignore[attr-defined]  # an IterationInfo
        return 0 if len(seen) < 3 else 1

    assert {ran.vu for ran in rehearse(ConstantVUs(3, 1), Plot(takes_s=takes_s)).iterations} == {
        1,
        2,
        3,
    }


class BurningClock:
    """A clock of iterations that wait for nothing: every look at it costs a millisecond."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 0.001
        return self._now

    async def sleep_until(self, instant: float) -> None:
        while self._now < instant:  # noqa: ASYNC110  # it is the others who move this clock on
            await asyncio.sleep(0)

    def alarm(self) -> AbstractContextManager[Waiter]:
        return nullcontext(self)


def test_vus_that_burn_cpu_give_way_to_others_every_few_iterations() -> None:
    order: list[int] = []

    class Burning:
        async def run_iteration(self, iteration: IterationInfo) -> None:
            order.append(iteration.vu)

    async def main() -> None:
        clock = BurningClock()
        frame = RunFrame(RunnerIndex(), clock, 0.0, Control())
        load = ScenarioLoad("s", PerVUIterations(2, 100))
        await run_scenario(load, frame, new_vu=lambda _: Burning(), observer=Notes(clock))

    asyncio.run(main())
    assert len(order) == 200
    assert max(len(list(turn)) for _, turn in groupby(order)) == GIVE_WAY_EVERY


def test_many_vus_are_made_without_locking_out_the_rest() -> None:
    rehearsal = rehearse(ConstantVUs(250, 1), Plot(takes_s=1))
    assert len({ran.vu for ran in rehearsal.iterations}) == 250
