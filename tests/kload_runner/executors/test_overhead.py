"""What the executors themselves cost, in CPU time per iteration; far above what was measured, far below a task each.

Measured on one core of a shared machine with uvloop, best of several: 0.3 us per iteration of a closed loop, 1.9 us per
arrival of a constant rate and 2.5 us of a ramping one, the empty iteration and the observer's call included.
"""

from __future__ import annotations

import asyncio
import sys
import time
import types
from collections.abc import Awaitable, Callable, Generator

import pytest

from kload_runner.clock import MonotonicClock
from kload_runner.executors import Control, IterationInfo, RunFrame, run_scenario
from kload_runner.loop import run
from kload_spec.shapes import ConstantArrivalRate, ConstantVUs, ScenarioLoad, Schedule, Shape
from kload_spec.striping import RunnerIndex

pytestmark = pytest.mark.skipif(
    sys.gettrace() is not None, reason="tracing costs more than what is measured"
)

CLOSED_LOOP_LIMIT_S = 2e-6
ARRIVAL_LIMIT_S = 12e-6


class Deaf:
    """An Observer that hears nothing."""

    def started_late(self, late_s: float) -> None:
        """Ignored."""

    def dropped(self, count: int, cause: object) -> None:
        """Ignored."""

    def interrupted(self) -> None:
        """Ignored."""

    def pace_missed(self) -> None:
        """Ignored."""

    def vus_changed(self, active: int) -> None:
        """Ignored."""


@types.coroutine
def one_turn() -> Generator[None, None, None]:
    """Give way once, as cheaply as can be."""
    yield


class Turning:
    """A VU whose iteration is one turn of the loop."""

    async def run_iteration(self, iteration: IterationInfo) -> None:
        await one_turn()


class Empty:
    """A VU whose iteration is nothing."""

    async def run_iteration(self, iteration: IterationInfo) -> None:
        """Nothing."""


async def cost_of(shape: Shape, new_vu: Callable[[int], Turning | Empty]) -> float:
    """CPU seconds per iteration of a scenario."""
    (load,) = Schedule.of([ScenarioLoad("s", shape)]).loads
    clock = MonotonicClock()
    frame = RunFrame(RunnerIndex(), clock, clock.now(), Control())
    began = time.process_time()
    outcome = await run_scenario(load, frame, new_vu=new_vu, observer=Deaf())
    return (time.process_time() - began) / outcome.started


async def cost_of_bare_loops() -> float:
    """CPU seconds per iteration of 50 tasks that do nothing but iterate."""
    clock, counted = MonotonicClock(), 0
    ends_at = clock.now() + 0.05

    async def loop(run_iteration: Callable[[IterationInfo], Awaitable[None]]) -> None:
        nonlocal counted
        info = IterationInfo(1)
        while not over:
            await run_iteration(info)
            counted += 1

    over: list[bool] = []
    asyncio.get_running_loop().call_later(ends_at - clock.now(), over.append, True)
    began = time.process_time()
    await asyncio.gather(*(loop(Turning().run_iteration) for _ in range(50)))
    return (time.process_time() - began) / counted


def best_of_three(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(3))


def test_a_closed_loop_costs_little_more_than_its_iterations() -> None:
    bare = best_of_three(lambda: run(cost_of_bare_loops()))
    executed = best_of_three(lambda: run(cost_of(ConstantVUs(50, 0.05), lambda _: Turning())))
    assert executed - bare < CLOSED_LOOP_LIMIT_S


@pytest.mark.parametrize("rate", [pytest.param(400_000, id="saturated")])
def test_an_arrival_costs_a_few_microseconds(rate: int) -> None:
    shape = ConstantArrivalRate(rate, 1, 0.02, 50, 50)
    assert best_of_three(lambda: run(cost_of(shape, lambda _: Empty()))) < ARRIVAL_LIMIT_S
