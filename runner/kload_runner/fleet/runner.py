"""The protocol's state machine over one engine: what may be asked when, and what is answered to repeats.

Speaks `kload_spec.control`, knows no transport: `control_api` serves it over HTTP, the local coordinator calls it
directly. Whoever leads may vanish; `pod` bounds how long a runner waits.

    idle ─ setup ─> probing ─> setup ─> ready ─ start ─> armed ─> running ─ stop ─> stopping ─> stopped
      └──────────── start (not the leader) ────────────────┘ <─ cancel ┘                            │
                                      finished <─────────────────── teardown (the leader's, if any) ┘
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from kload_runner.engine import Engine, PhaseFailed, TargetNotReady
from kload_runner.engine.account import kload_version, result_of, status_of
from kload_spec.control import (
    CancelRequest,
    PhaseReply,
    PhaseState,
    PlanReply,
    RunnerPhase,
    StartReply,
    StartRequest,
    StatusReply,
    StopRequest,
    TeardownRequest,
)
from kload_spec.errors import InvalidSpec
from kload_spec.expressions import Value
from kload_spec.result import Result
from kload_spec.verdicts import Fault, Reason

logger = logging.getLogger(__name__)

_BEFORE_LOAD = (RunnerPhase.IDLE, RunnerPhase.PROBING, RunnerPhase.SETUP, RunnerPhase.READY)


class WrongPhase(Exception):
    """What was asked has no place in the runner's present phase."""

    def __init__(self, message: str, phase: RunnerPhase) -> None:
        self.phase = phase
        super().__init__(message)


class Runner:
    """One runner under the protocol; see the module.

    Attributes:
        phase: where it is.
    """

    def __init__(self, engine: Engine, wall: Callable[[], float]) -> None:
        self.engine = engine
        self.phase = RunnerPhase.IDLE
        self._wall = wall
        self._vars: dict[str, Value] = {}
        self._setup: PhaseReply | None = None
        self._teardown: PhaseReply | None = None
        self._armed: StartReply | None = None
        self._start_at = 0.0
        self._load: asyncio.Task[None] | None = None
        self._phase_task: asyncio.Task[None] | None = None
        self._result: Result | None = None
        self._changed = asyncio.Event()

    @property
    def finished(self) -> bool:
        """Whether its result is frozen: nothing is counted any more."""
        return self._result is not None

    # -- what is asked -------------------------------------------------------------------------------------------

    def plan(self) -> PlanReply:
        """Return which plan this runner holds."""
        facts, plan = self.engine.facts, self.engine.plan
        return PlanReply(
            version=kload_version(),
            run_uid=facts.run.uid,
            runner=facts.runner.index,
            runners=facts.runner.count,
            plan_hash=plan.plan_hash,
            spec_hash=plan.spec_hash,
            files_hash=self.engine.files.hash,
            phase=self.phase,
        )

    def setup(self) -> PhaseReply:
        """Begin the ready probe and setup, or tell how they stand."""
        if self._setup is None:
            if self.phase is not RunnerPhase.IDLE:
                raise WrongPhase("setup comes before the start", self.phase)
            self._setup = PhaseReply(state=PhaseState.RUNNING)
            self._phase_task = self._spawn(self._run_setup())
        return self._setup

    def start(self, request: StartRequest) -> StartReply:
        """Arm the load for an instant; the same attempt is answered the same again."""
        if self._armed is not None and self._armed.attempt == request.attempt:
            return self._armed.model_copy(update={"phase": self.phase})
        if self.phase is RunnerPhase.ARMED:
            self._disarm()
        ready = RunnerPhase.READY if self.engine.facts.leads else RunnerPhase.IDLE
        if self.phase not in (ready, RunnerPhase.READY):
            raise WrongPhase("cannot be started now: setup first, and only once", self.phase)
        self._vars = dict(request.vars)
        self._start_at = self.engine.clock.now() + request.start_in_s
        self._move(RunnerPhase.ARMED)
        self._load = self._spawn(self._run_load(self._start_at))
        self._armed = StartReply(
            attempt=request.attempt,
            starts_at=self._wall() + request.start_in_s,
            phase=self.phase,
        )
        return self._armed

    def cancel(self, request: CancelRequest) -> StatusReply:
        """Disarm an attempt that has not begun."""
        if self._armed is None or self._armed.attempt != request.attempt:
            return self.status()
        if self.phase is not RunnerPhase.ARMED or self.engine.clock.now() >= self._start_at:
            raise WrongPhase("the load has begun; stop it instead", self.phase)
        self._disarm()
        return self.status()

    def stop(self, request: StopRequest) -> StatusReply:
        """End the load, or whatever comes before it."""
        if self.phase in _BEFORE_LOAD or self.phase is RunnerPhase.ARMED:
            self.engine.stop(request.reason, request.message, graceful=request.graceful)
            for task in (self._phase_task, self._load):
                if task is not None:
                    task.cancel()
            if self._setup is not None and self._setup.state is PhaseState.RUNNING:
                self._setup = PhaseReply(state=PhaseState.FAILED, message="stopped before the load")
            self._finish()
        elif self.phase in (RunnerPhase.RUNNING, RunnerPhase.STOPPING):
            self.engine.stop(request.reason, request.message, graceful=request.graceful)
            self._move(RunnerPhase.STOPPING)
        elif self.phase is RunnerPhase.STOPPED and not request.graceful:
            self._finish()  # without its teardown
        elif self.phase is RunnerPhase.TEARDOWN and not request.graceful and self._phase_task:
            self._phase_task.cancel()
        return self.status()

    def teardown(self, request: TeardownRequest) -> PhaseReply:
        """Begin teardown and freeze the counters, or tell how it stands."""
        if self._teardown is None:
            if self.phase is RunnerPhase.FINISHED:
                self._teardown = PhaseReply(state=PhaseState.DONE)
            elif self.phase is RunnerPhase.STOPPED:
                self._teardown = PhaseReply(state=PhaseState.RUNNING)
                self._phase_task = self._spawn(self._run_teardown(request.totals))
            else:
                raise WrongPhase("teardown comes when the load has stopped", self.phase)
        return self._teardown

    def status(self) -> StatusReply:
        """Return the live numbers."""
        return status_of(self.engine, self.phase)

    def result(self) -> Result:
        """Return the document: preliminary before teardown, frozen after it."""
        if self._result is not None:
            return self._result
        if self.phase is not RunnerPhase.STOPPED:
            raise WrongPhase("there is no result before the load has stopped", self.phase)
        return result_of(self.engine)

    def last_result(self) -> Result:
        """Return the document as it is when the process ends, whatever phase that is in."""
        return self._result if self._result is not None else result_of(self.engine)

    def release(self) -> StatusReply:
        """Let the runner exit."""
        if self.phase is not RunnerPhase.RELEASED:
            if self.phase is not RunnerPhase.FINISHED:
                raise WrongPhase("the runner has not finished; stop it first", self.phase)
            self._move(RunnerPhase.RELEASED)
        return self.status()

    # -- for those who keep the process ----------------------------------------------------------------------------

    async def reach(self, *phases: RunnerPhase) -> None:
        """Return once the runner is in one of these phases, or beyond all of them."""
        order = list(RunnerPhase)
        last = max(map(order.index, phases))
        while self.phase not in phases and order.index(self.phase) <= last:
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """End everything that still runs and give it back."""
        tasks = [task for task in (self._phase_task, self._load) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.close()

    # -- what it does ------------------------------------------------------------------------------------------------

    async def _run_setup(self) -> None:
        try:
            self._move(RunnerPhase.PROBING)
            await self.engine.probe_target()
            self._move(RunnerPhase.SETUP)
            found = await self.engine.setup()
        except TargetNotReady as exc:
            self._fail_setup(Reason.TARGET_NOT_READY, str(exc))
        except (PhaseFailed, InvalidSpec) as exc:
            self._fail_setup(Reason.SETUP_FAILED, str(exc))
        else:
            self._setup = PhaseReply(state=PhaseState.DONE, vars=found)
            self._move(RunnerPhase.READY)

    def _fail_setup(self, reason: Reason, message: str) -> None:
        self._setup = PhaseReply(
            state=PhaseState.FAILED, reason=reason.value, message=self.engine.mask(message)
        )
        self._finish()

    async def _run_load(self, start_at: float) -> None:
        begun = self._spawn(self._begin_at(start_at))
        try:
            await self.engine.load(start_at, self._vars)
        finally:
            begun.cancel()
        if self.phase is RunnerPhase.FINISHED:
            return
        self._move(RunnerPhase.STOPPED)
        if not self.engine.has_teardown:
            self._finish()

    async def _begin_at(self, start_at: float) -> None:
        await self.engine.clock.sleep_until(start_at)
        if self.phase is RunnerPhase.ARMED:
            self._move(RunnerPhase.RUNNING)

    async def _run_teardown(self, totals: dict[str, dict[str, float]]) -> None:
        self._move(RunnerPhase.TEARDOWN)
        message = ""
        try:
            await self.engine.teardown(self._vars, totals)
        except PhaseFailed as exc:
            message = self.engine.mask(str(exc))
        except asyncio.CancelledError:
            message = "teardown was cut off"
        if message:
            self.engine.faults.append(Fault(Reason.TEARDOWN_FAILED, message))
        self._teardown = PhaseReply(
            state=PhaseState.FAILED if message else PhaseState.DONE,
            reason=Reason.TEARDOWN_FAILED.value if message else "",
            message=message,
        )
        self._finish()

    def _disarm(self) -> None:
        if self._load is not None:
            self._load.cancel()
        self._load, self._armed = None, None
        self._move(RunnerPhase.READY)

    def _finish(self) -> None:
        """Freeze: nothing is counted any more."""
        self._result = result_of(self.engine)
        self._move(RunnerPhase.FINISHED)

    def _move(self, phase: RunnerPhase) -> None:
        if phase is not self.phase:
            logger.info(
                "runner is %s", phase.value, extra={"runner": self.engine.facts.runner.index}
            )
        self.phase = phase
        self._changed.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Never let a bug of ours look like a run that goes on."""
        if task.cancelled() or task.exception() is None:
            return
        error = task.exception()
        logger.error("runner failed", exc_info=error)
        self.engine.faults.append(
            Fault(Reason.ENGINE_ERROR, f"{type(error).__name__}: {self.engine.mask(str(error))}")
        )
        if self._setup is not None and self._setup.state is PhaseState.RUNNING:
            self._fail_setup(Reason.ENGINE_ERROR, str(error))
        elif self.phase is not RunnerPhase.RELEASED:
            self._finish()
