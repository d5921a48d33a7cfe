"""The state machine of a simulated runner: the protocol's phases as a function of the clock, without a task or a load.

Has the methods of the runner's own `Runner`, so that the runner's own server serves it. Nothing waits here: each
call first brings the phase up to date, so that hundreds of runners cost nothing while nobody asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from fleet.manners import Manner
from fleet.numbers import Numbers, count
from fleet.page import Page
from kload_runner.fleet.runner import WrongPhase
from kload_spec.control import (
    CancelRequest,
    PhaseReply,
    PhaseState,
    PlanReply,
    RunDescription,
    RunnerPhase,
    ScenarioStatus,
    StartReply,
    StartRequest,
    StatusReply,
    StopReason,
    StopRequest,
    TeardownRequest,
    ThresholdTotals,
)
from kload_spec.plan import Plan
from kload_spec.result import Result, RunIdentity, RunnerInfo

VERSION = "simulated"
_DRAIN_S = 0.02  # s; iterations in flight when it is stopped
_BEFORE_LOAD = (RunnerPhase.IDLE, RunnerPhase.PROBING, RunnerPhase.SETUP, RunnerPhase.READY)


@dataclass(frozen=True, slots=True)
class Clocks:
    """A monotonic clock and the wall's, in seconds."""

    now: Callable[[], float]
    wall: Callable[[], float]


class SimulatedRunner:
    """One runner of a simulated fleet.

    Attributes:
        exposition: its /metrics page.
    """

    def __init__(
        self,
        description: RunDescription,
        plan: Plan,
        index: int,
        manner: Callable[[], Manner],
        clocks: Clocks,
    ) -> None:
        self.description, self.plan_held, self.index = description, plan, index
        self.exposition = Page(self)
        self._manner, self._clocks = manner, clocks
        self._phase = RunnerPhase.IDLE
        self._setup_ends: float | None = None
        self._teardown_ends: float | None = None
        self._teardown_failed = ""
        self._armed: StartReply | None = None
        self._start_at: float | None = None
        self._end_at: float | None = None
        self._stopped_by: tuple[StopReason, str] | None = None

    # -- what is asked -------------------------------------------------------------------------------------------

    @property
    def phase(self) -> RunnerPhase:
        """Where it is, as of now."""
        self._advance()
        return self._phase

    @property
    def finished(self) -> bool:
        """Whether its numbers are final."""
        return self.phase in (RunnerPhase.FINISHED, RunnerPhase.RELEASED)

    @property
    def manner(self) -> Manner:
        """How it behaves, as of now."""
        return self._manner()

    def plan(self) -> PlanReply:
        """Return which plan it holds, or claims to."""
        return PlanReply(
            version=VERSION,
            run_uid=self.description.run.uid,
            runner=self.index,
            runners=self.description.runners,
            plan_hash=self.manner.plan_hash or self.plan_held.plan_hash,
            spec_hash=self.plan_held.spec_hash,
            files_hash=f"files of {self.index}" if self.manner.own_files else "",
            phase=self.phase,
        )

    def setup(self) -> PhaseReply:
        """Begin setup, or tell how it stands."""
        if self._setup_ends is None:
            if self.phase is not RunnerPhase.IDLE:
                raise WrongPhase("setup comes before the start", self._phase)
            self._setup_ends = self._clocks.now() + (self.manner.setup_s if self._leads else 0.0)
            self._phase = RunnerPhase.SETUP
            return PhaseReply(state=PhaseState.RUNNING)
        if self.phase is RunnerPhase.SETUP:
            return PhaseReply(state=PhaseState.RUNNING)
        if failure := self._setup_failure():
            return PhaseReply(state=PhaseState.FAILED, reason="SetupFailed", message=failure)
        return PhaseReply(state=PhaseState.DONE, vars=dict(self.manner.setup_vars))

    def start(self, request: StartRequest) -> StartReply:
        """Arm the load; the same attempt is answered the same again."""
        if self.manner.refuses_start:
            raise WrongPhase("it will not start", self.phase)
        phase = self.phase
        if self._armed is not None and self._armed.attempt == request.attempt:
            return self._armed.model_copy(update={"phase": phase})
        ready = RunnerPhase.READY if self._leads else RunnerPhase.IDLE
        if phase not in (ready, RunnerPhase.READY, RunnerPhase.ARMED):
            raise WrongPhase("cannot be started now: setup first, and only once", phase)
        self._start_at = self._clocks.now() + request.start_in_s
        self._end_at = self._start_at + self.manner.load_s
        self._phase = RunnerPhase.ARMED
        self._armed = StartReply(
            attempt=request.attempt,
            starts_at=self._clocks.wall() + request.start_in_s,
            phase=self._phase,
        )
        return self._armed

    def cancel(self, request: CancelRequest) -> StatusReply:
        """Disarm an attempt that has not begun."""
        if self._armed is None or self._armed.attempt != request.attempt:
            return self.status()
        if self.phase is not RunnerPhase.ARMED:
            raise WrongPhase("the load has begun; stop it instead", self._phase)
        self._armed = self._start_at = self._end_at = None
        self._phase = RunnerPhase.READY
        return self.status()

    def stop(self, request: StopRequest) -> StatusReply:
        """End the load, or whatever comes before it."""
        phase = self.phase
        if phase in _BEFORE_LOAD or phase is RunnerPhase.ARMED:
            self._note_stop(request)
            self._start_at = self._end_at = None
            self._phase = RunnerPhase.FINISHED
        elif phase in (RunnerPhase.RUNNING, RunnerPhase.STOPPING):
            self._note_stop(request)
            self._end_at = min(self._end_at or 0.0, self._clocks.now() + _DRAIN_S)
            self._phase = RunnerPhase.STOPPING
        elif phase is RunnerPhase.STOPPED and not request.graceful:
            self._phase = RunnerPhase.FINISHED
        return self.status()

    def teardown(self, _: TeardownRequest) -> PhaseReply:
        """Begin teardown, or tell how it stands."""
        phase = self.phase
        if phase is RunnerPhase.FINISHED:
            return self._torn_down()
        if phase is RunnerPhase.TEARDOWN:
            return PhaseReply(state=PhaseState.RUNNING)
        if phase is not RunnerPhase.STOPPED:
            raise WrongPhase("teardown comes when the load has stopped", phase)
        self._teardown_failed = self.manner.teardown_failure
        self._teardown_ends = self._clocks.now() + self.manner.teardown_s
        self._phase = RunnerPhase.TEARDOWN
        return PhaseReply(state=PhaseState.RUNNING)

    def status(self) -> StatusReply:
        """Return the live numbers."""
        phase, numbers, elapsed = self.phase, self.numbers(), self.elapsed_s()
        reason, message = self._stopped_by or (None, "")
        tallies = numbers.tallies(self.plan_held)
        scenarios = (
            ScenarioStatus(
                name=self.plan_held.scenarios[0].name,
                phase="running" if phase is RunnerPhase.RUNNING else "waiting",
                elapsed_s=elapsed,
                iterations=numbers.requests,
            ),
        )
        return StatusReply(
            phase=phase,
            runner=self.index,
            elapsed_s=elapsed,
            started_late_s=self.manner.late_s if elapsed > 0 else None,
            stop=reason,
            stop_message=message,
            requests=numbers.requests,
            failed=numbers.failed,
            checks_passed=numbers.requests - numbers.failed,
            checks_failed=numbers.failed,
            iterations=numbers.requests,
            iterations_failed=numbers.failed,
            scenarios=scenarios,
            thresholds={
                name: ThresholdTotals(good=one.good, samples=one.samples, sum=one.sum)
                for name, one in tallies.items()
            },
            latency=numbers.histogram().to_json() if numbers.requests else {},
        )

    def result(self) -> Result:
        """Return the document, preliminary before teardown."""
        phase = self.phase
        if phase not in (RunnerPhase.STOPPED, RunnerPhase.FINISHED, RunnerPhase.RELEASED):
            raise WrongPhase("there is no result before the load has stopped", phase)
        run, plan = self.description.run, self.plan_held
        identity = RunIdentity(
            name=plan.name,
            namespace=plan.namespace,
            uid=run.uid,
            run_id=run.run_id or run.uid,
            number=run.number,
            spec_hash=plan.spec_hash,
            plan_hash=plan.plan_hash,
            seed=self.description.seed,
        )
        elapsed = self.elapsed_s()
        ended = self._clocks.wall()
        result = Result(
            run=identity,
            versions={"kload": VERSION},
            started_at=datetime.fromtimestamp(ended - elapsed, UTC) if elapsed else None,
            ended_at=datetime.fromtimestamp(ended, UTC) if elapsed else None,
            duration_s=elapsed,
            runners=[RunnerInfo(index=self.index, start_skew_s=self.manner.late_s)],
        )
        return self.numbers().fill_in(result, plan)

    def release(self) -> StatusReply:
        """Let it exit."""
        if self.phase not in (RunnerPhase.FINISHED, RunnerPhase.RELEASED):
            raise WrongPhase("the runner has not finished; stop it first", self._phase)
        self._phase = RunnerPhase.RELEASED
        return self.status()

    # -- what it knows -------------------------------------------------------------------------------------------

    def elapsed_s(self) -> float:
        """Return how long its load has lasted."""
        if self._start_at is None or self._end_at is None:
            return 0.0
        return max(min(self._clocks.now(), self._end_at) - self._start_at - self.manner.late_s, 0.0)

    def numbers(self) -> Numbers:
        """Return what it has counted."""
        return count(self.manner, self.elapsed_s())

    @property
    def _leads(self) -> bool:
        return self.index == 0

    @property
    def _has_teardown(self) -> bool:
        return self._leads and self.plan_held.teardown is not None

    def _advance(self) -> None:
        """Bring the phase up to the clock."""
        now = self._clocks.now()
        if (
            self._phase is RunnerPhase.SETUP
            and self._setup_ends is not None
            and now >= self._setup_ends
        ):
            failed = bool(self._setup_failure())
            self._phase = RunnerPhase.FINISHED if failed else RunnerPhase.READY
        if (
            self._phase is RunnerPhase.ARMED
            and self._start_at is not None
            and now >= self._start_at
        ):
            self._phase = RunnerPhase.RUNNING
        loading = self._phase in (RunnerPhase.RUNNING, RunnerPhase.STOPPING)
        if loading and self._end_at is not None and now >= self._end_at:
            self._phase = RunnerPhase.STOPPED if self._has_teardown else RunnerPhase.FINISHED
        torn = self._teardown_ends is not None and now >= self._teardown_ends
        if self._phase is RunnerPhase.TEARDOWN and torn:
            self._phase = RunnerPhase.FINISHED

    def _setup_failure(self) -> str:
        return self.manner.setup_failure if self._leads else ""

    def _torn_down(self) -> PhaseReply:
        if not self._teardown_failed:
            return PhaseReply(state=PhaseState.DONE)
        message = self._teardown_failed
        return PhaseReply(state=PhaseState.FAILED, reason="TeardownFailed", message=message)

    def _note_stop(self, request: StopRequest) -> None:
        if self._stopped_by is None:
            self._stopped_by = (request.reason, request.message)
