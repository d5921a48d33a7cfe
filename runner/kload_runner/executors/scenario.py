"""Runs one scenario on this runner, from waiting for its start to the last VU gone.

The phases are the same for all executors; what differs is behind the methods of Execution.

    prepare   VUs are made, before the load when there is time
    admit     iterations may start: until the shape is over, everything is done, or the Control stops the run
    drain     none may start; running ones have gracefulStop, counted from the end of admit (or end at once: kill)
    disband   what still runs is cut off and counted as interrupted

    tests: test_scenario.py
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Protocol

from kload_runner.executors.base import NewVU, Observer, RunFrame, ScenarioOutcome
from kload_runner.executors.closed_loop import ClosedLoop
from kload_runner.executors.counted import Counted
from kload_runner.executors.crew import Crew
from kload_runner.executors.open_loop import JOINED_LATE_S, OpenLoop
from kload_spec.shapes import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    ScenarioLoad,
    Shape,
    SharedIterations,
)
from kload_spec.striping import share_of


class Execution(Protocol):
    """How one kind of shape is carried out."""

    async def prepare(self, new_vu: NewVU) -> None:
        """Make the VUs that are there from the start."""

    async def admit(self) -> None:
        """Return when no iteration may start any more."""

    async def alongside(self) -> None:
        """Do what has to happen at its time from the start to the last VU gone."""

    async def used_up(self) -> None:
        """Return when there is nothing left to run before the time is over, or a VU has failed."""

    def settle(self, *, in_time: bool) -> None:
        """Count planned iterations that will never start; in_time: the shape ended by itself."""


async def run_scenario(
    load: ScenarioLoad, frame: RunFrame, *, new_vu: NewVU, observer: Observer
) -> ScenarioOutcome:
    """Run this runner's part of a scenario to its end.

    Call it before ``frame.start_at`` if possible: VUs are made at once, their load begins at
    ``start_at + load.start_time_s``. Called later, it joins where the shape is by then.

    Raises:
        Exception: whatever ``new_vu`` or a VU's iteration raised; the other VUs have been ended by then.
    """
    if share_of(load, frame.runner).empty or frame.control.stopping:
        return ScenarioOutcome(stopped_early=frame.control.stopping)
    crew = Crew(observer)
    execution = _execution_of(load, frame, crew)
    begins_at = frame.start_at + load.start_time_s
    try:
        await execution.prepare(new_vu)
        joined_late_s = frame.clock.now() - begins_at
        async with _beside(execution.alongside()):
            await _first_of(execution.admit(), execution.used_up(), frame.control.stopped())
            stopped_early = frame.control.stopping
            over_at = min(frame.clock.now(), begins_at + load.shape.duration_s)
            crew.release()
            execution.settle(in_time=not stopped_early)
            deadline = frame.clock.sleep_until(over_at + load.graceful_stop_s)
            await _first_of(deadline, crew.empty(), frame.control.killed())
    finally:
        abandoned = await crew.disband(frame.clock)
    if crew.failure is not None:
        raise crew.failure
    return ScenarioOutcome(
        started=crew.started,
        completed=crew.started - crew.interrupted - abandoned,
        interrupted=crew.interrupted + abandoned,
        dropped=crew.dropped,
        missed_paces=crew.missed_paces,
        joined_late_s=joined_late_s if joined_late_s > JOINED_LATE_S else 0.0,
        abandoned=abandoned,
        stopped_early=stopped_early,
    )


def executor_of(shape: Shape) -> str:
    """Return the name of the executor that follows a shape."""
    match shape:
        case ConstantVUs():
            return "constant-vus"
        case RampingVUs():
            return "ramping-vus"
        case PerVUIterations():
            return "per-vu-iterations"
        case SharedIterations():
            return "shared-iterations"
        case ConstantArrivalRate():
            return "constant-arrival-rate"
        case RampingArrivalRate():
            return "ramping-arrival-rate"


def _execution_of(load: ScenarioLoad, frame: RunFrame, crew: Crew) -> Execution:
    match load.shape:
        case ConstantVUs() | RampingVUs() as shape:
            return ClosedLoop(load, shape, frame, crew)
        case PerVUIterations() | SharedIterations() as shape:
            return Counted(load, shape, frame, crew)
        case ConstantArrivalRate() | RampingArrivalRate() as shape:
            return OpenLoop(load, shape, frame, crew)


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Let work run beside the block, and end it with the block."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _first_of(*waits: Coroutine[Any, Any, None]) -> None:
    """Run several waits until one is over; the others are cancelled. An error of the one that ended is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
