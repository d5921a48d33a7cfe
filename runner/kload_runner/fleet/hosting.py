"""A runner in a process of its own: what it is given, what it serves, and how long it may live.

Shared by local workers (`worker`) and pods (`pod`). The leader may vanish at any moment; the process then ends by
bounds of its own:

    not started within start_within_s   ends; exit 1
    no teardown asked for linger_s      tears down without totals, then freezes
    finished for linger_s               ends, released or not
    deadline_s                          ends, whatever it does
    SIGTERM                             stops gracefully, freezes, stays for a scrape, ends; exit 143
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kload_runner.clock import MonotonicClock
from kload_runner.engine import Engine, RunnerFacts
from kload_runner.engine.facts import seed_of
from kload_runner.fleet.control_api import ControlServer
from kload_runner.fleet.runner import Runner
from kload_spec.control import (
    RunDescription,
    RunnerPhase,
    StopReason,
    StopRequest,
    TeardownRequest,
)
from kload_spec.plan import Plan
from kload_spec.planning import plan_of
from kload_spec.striping import RunnerIndex

logger = logging.getLogger(__name__)

SCRAPE_WAIT_S = (
    20.0  # s; after SIGTERM: long enough for a scrape at 15 s, within the grace of a pod
)
LOOK_S = 0.2
EXIT_TERMINATED = 143
EXIT_NOT_STARTED = 1


@dataclass(frozen=True, slots=True)
class Assignment:
    """What one runner process is given.

    Attributes:
        index: its place in the fleet.
        env: values of the plan's environment variables.
        base_dir: where the files of the manifest are.
    """

    description: RunDescription
    index: int
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    base_dir: Path = field(default_factory=Path)
    node: str | None = None
    pod: str | None = None
    loop_name: str = ""


class Host:
    """Runs one runner from its description to its release.

    Attributes:
        tore_down_alone: nobody asked for teardown; it had no totals of the fleet.
    """

    def __init__(self, assignment: Assignment, log: Callable[[str], None]) -> None:
        """Plan and prepare; inside the loop that will load.

        Raises:
            InvalidSpec: exit code 104.
            ScriptError: exit code 107.
        """
        self.assignment = assignment
        description = assignment.description
        self.plan: Plan = plan_of(description.source)
        facts = RunnerFacts(
            run=description.run,
            runner=RunnerIndex(assignment.index, description.runners),
            seed=seed_of(self.plan, description.seed),
            env=assignment.env,
            base_dir=assignment.base_dir,
            limits=description.limits,
            node=assignment.node,
            pod=assignment.pod,
            loop_name=assignment.loop_name,
        )
        self._clock = MonotonicClock()
        engine = Engine(self.plan, facts, self._clock, log)
        engine.prepare()
        self.runner = Runner(engine, time.time)
        self.server = ControlServer(self.runner, description.token_sha256)
        self.tore_down_alone = False
        self._terminated = asyncio.Event()

    def terminate(self) -> None:
        """Take note of SIGTERM; may be called from a signal handler."""
        self._terminated.set()

    async def serve(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        return await self.server.start(host, port)

    async def live(self) -> int:
        """Stay until released or a bound is reached; return the exit code."""
        try:
            async with asyncio.timeout(self.assignment.description.deadline_s):
                return await self._live()
        except TimeoutError:
            logger.error("the runner's own deadline was reached")
            return EXIT_NOT_STARTED

    async def close(self) -> None:
        """End everything and give it back."""
        await self.server.close()
        await self.runner.close()

    async def _live(self) -> int:
        description = self.assignment.description
        if not await self._until(RunnerPhase.RUNNING, within_s=description.start_within_s):
            return await self._end_early("not started in time")
        if not await self._until(RunnerPhase.STOPPED):
            return await self._end_early("terminated (SIGTERM)")
        if not await self._until(RunnerPhase.FINISHED, within_s=description.linger_s):
            if self._terminated.is_set():
                return await self._end_early("terminated (SIGTERM)")
            logger.warning("nobody asked for teardown; tearing down without the fleet's totals")
            self.tore_down_alone = True
            self.runner.teardown(TeardownRequest())
            await self.runner.reach(RunnerPhase.FINISHED)
        await self._until(RunnerPhase.RELEASED, within_s=description.linger_s)
        return EXIT_TERMINATED if self._terminated.is_set() else 0

    async def _until(self, phase: RunnerPhase, within_s: float | None = None) -> bool:
        """Wait for a phase (or one after it); False where SIGTERM or the time came first."""
        reached = asyncio.create_task(self.runner.reach(phase))
        ended = asyncio.create_task(self._terminated.wait())
        try:
            await asyncio.wait(
                {reached, ended}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED
            )
            return reached.done()
        finally:
            for task in (reached, ended):
                task.cancel()
            await asyncio.gather(reached, ended, return_exceptions=True)

    async def _end_early(self, message: str) -> int:
        """Stop gracefully, freeze, and stay until the numbers have been scraped once."""
        logger.warning("runner ends early: %s", message)
        self.runner.stop(StopRequest(reason=StopReason.PERSON, message=message))
        await self.runner.reach(RunnerPhase.STOPPED)
        if self.runner.phase is RunnerPhase.STOPPED:
            self.runner.teardown(TeardownRequest())
        await self.runner.reach(RunnerPhase.FINISHED)
        until = self._clock.now() + min(SCRAPE_WAIT_S, self.assignment.description.linger_s)
        while self._clock.now() < until and not self.server.scrapes_when_finished:
            await self._clock.sleep_until(self._clock.now() + LOOK_S)
        return EXIT_TERMINATED if self._terminated.is_set() else EXIT_NOT_STARTED
