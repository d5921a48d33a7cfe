"""Leads the runners of a local run through the protocol, from their plans to one result with a verdict.

What the operator does in a cluster, for processes on one machine. It never measures: numbers come from the runners,
thresholds are judged by the same pure functions as everywhere.

    plans equal? ─> setup (runner 0) ─> start ─> watch ─> teardown (runner 0, fleet's totals) ─> merge ─> conclude
                        │                          └ each second: snapshot, thresholds with `abort`, interrupts
                        └ not ready, failed: no load
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from kload_runner.clock import Clock
from kload_runner.fleet.members import Member, MemberLost
from kload_runner.fleet.summing import snapshot_of, tallies_of
from kload_runner.snapshots import RunPhase, RunSnapshot
from kload_spec.control import (
    PhaseReply,
    PhaseState,
    RunnerPhase,
    StartRequest,
    StatusReply,
    StopReason,
    StopRequest,
    TeardownRequest,
)
from kload_spec.expressions import Value
from kload_spec.plan import Plan
from kload_spec.result import (
    Circumstances,
    Result,
    RunIdentity,
    ThresholdResult,
    conclude,
    merge,
    totals,
)
from kload_spec.shapes import ArrivalShape
from kload_spec.thresholds import must_abort
from kload_spec.verdicts import Fault, Reason

POLL_S = 0.05  # s; how soon the end of a phase is noticed
SHOW_S = 1.0  # s; snapshots and thresholds
_OVER = frozenset({RunnerPhase.STOPPED, RunnerPhase.FINISHED, RunnerPhase.RELEASED})
_NOT_STARTED = frozenset({Reason.TARGET_NOT_READY})

_T = TypeVar("_T")


@dataclass(slots=True)
class Findings:
    """What the leader has seen that the runners' documents do not say."""

    not_started: Fault | None = None
    cancelled: Fault | None = None
    faults: list[Fault] = field(default_factory=list)
    aborted_by: set[str] = field(default_factory=set)
    lost: dict[int, str] = field(default_factory=dict)


class Fleet:
    """One run over its members.

    Args:
        start_in_s: how far ahead the start is armed; 0 suits a single runner.
        on_snapshot: called about once a second.
    """

    def __init__(
        self,
        plan: Plan,
        members: Sequence[Member],
        clock: Clock,
        *,
        start_in_s: float = 0.0,
        on_snapshot: Callable[[RunSnapshot], None] | None = None,
    ) -> None:
        self.plan = plan
        self.found = Findings()
        self._members = list(members)
        self._clock = clock
        self._start_in_s = start_in_s
        self._on_snapshot = on_snapshot
        self._interrupts = 0
        self._told_interrupts = 0
        self._asked: set[StopReason] = set()  # why we told runners to stop; empty: nobody was told
        self._last: RunSnapshot | None = None
        self._shown_at = 0.0

    # -- from outside --------------------------------------------------------------------------------------------

    def interrupt(self) -> None:
        """Take note of Ctrl-C: the first stops gracefully, the second at once. May be called from a signal handler."""
        self._interrupts += 1

    @property
    def interrupted(self) -> bool:
        """Whether a person has asked for the end."""
        return self._interrupts > 0

    async def run(self) -> Result:
        """Lead the run to its end and return its result with a verdict."""
        given = await self._set_up()
        if given is not None and await self._start(given):
            await self._watch()
            await self._tear_down()
        return await self._conclude()

    # -- setup ---------------------------------------------------------------------------------------------------

    async def _set_up(self) -> dict[str, Value] | None:
        """Probe and set up; None where there will be no load."""
        leader = self._members[0]
        plans = await self._all(lambda member: member.plan())
        if len({(plan.plan_hash, plan.files_hash) for plan in plans}) > 1:
            message = (
                "the workers hold different plans or files; was a file of the test changed while they started?"
                " Run it again"
            )
            self.found.not_started = Fault(Reason.START_FAILED, message)
            return None
        try:
            reply = await self._until_done(leader.setup)
        except MemberLost as exc:
            self._lose(leader.index, str(exc))
            return None
        if self.found.cancelled is not None or reply.state is PhaseState.DONE:
            return None if self.found.cancelled is not None else dict(reply.vars)
        reason = Reason(reply.reason or Reason.SETUP_FAILED)
        fault = Fault(reason, reply.message)
        if reason in _NOT_STARTED:
            self.found.not_started = fault
        else:
            self.found.faults.append(fault)
        return None

    async def _until_done(self, ask: Callable[[], Awaitable[PhaseReply]]) -> PhaseReply:
        """Ask until a phase has ended; a person's interrupt ends it."""
        while True:
            reply = await ask()
            if reply.state is not PhaseState.RUNNING:
                return reply
            await self._heed_interrupts()
            await self._show()
            await self._pause()

    async def _start(self, given: dict[str, Value]) -> bool:
        """Arm all runners for the same instant; False where not all could be."""
        instant = self._clock.now() + self._start_in_s

        async def start(member: Member) -> None:
            left = max(0.0, instant - self._clock.now())
            await member.start(StartRequest(attempt=1, start_in_s=left, vars=given))

        await self._all(start)
        if self.found.lost:
            message = f"not all workers could be started: {'; '.join(self.found.lost.values())}"
            self.found.not_started = Fault(Reason.START_FAILED, message)
            await self._stop(StopReason.START_FAILED, message, graceful=False)
            return False
        return True

    # -- the load ------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        while True:
            phases = [reply.phase for reply in await self._all(lambda member: member.plan())]
            await self._heed_interrupts()
            statuses = await self._show()
            if statuses:
                await self._heed(statuses)
            if all(phase in _OVER for phase in phases):
                break
            await self._pause()
        self._heed_reasons(await self._all(lambda member: member.status()))

    async def _heed(self, statuses: Sequence[StatusReply]) -> None:
        """Stop the whole fleet where one runner was stopped, is lost, or a threshold says so."""
        if self._asked:
            return
        for status in statuses:
            if status.stop is not None:
                self._heed_reasons(statuses)
                await self._stop(status.stop, status.stop_message)
                return
        if self.found.lost:
            await self._stop(StopReason.RUNNER_LOST, "; ".join(self.found.lost.values()))
            return
        elapsed_s = max(status.elapsed_s for status in statuses)
        measured_s = elapsed_s - self.plan.measure_after_s
        if measured_s <= 0:
            return
        tallies = tallies_of(statuses)
        for threshold in self.plan.thresholds:
            tally = tallies.get(threshold.id)
            if self.plan.quick and threshold.depends_on_length:
                continue  # another load than the manifest's: shown, not judged
            if tally is not None and must_abort(
                threshold, tally, elapsed_s=elapsed_s, duration_s=measured_s
            ):
                self.found.aborted_by.add(threshold.id)
        if self.found.aborted_by:
            await self._stop(StopReason.THRESHOLD, "a threshold with `abort` was broken")

    def _heed_reasons(self, statuses: Sequence[StatusReply]) -> None:
        """Turn what runners say about their end into what the verdict rests on."""
        for status in statuses:
            for message in status.faults:
                self._blame(Fault(Reason.ENGINE_ERROR, message))
            match status.stop:
                case StopReason.ABORT_STEP if self.found.cancelled is None:
                    message = status.stop_message or "without a message"
                    self.found.cancelled = Fault(
                        Reason.ABORT_STEP, f"the test aborted itself: {message}"
                    )
                case StopReason.DEADLINE:
                    self._blame(Fault(Reason.DEADLINE_EXCEEDED, status.stop_message))
                case None | StopReason.ABORT_STEP:
                    pass
                case reason if reason not in self._asked and not status.faults:
                    # Somebody else, e.g. a SIGTERM.
                    message = status.stop_message or reason.value
                    self._blame(
                        Fault(Reason.RUNNER_LOST, f"worker {status.runner} was stopped: {message}")
                    )
                case _:
                    pass

    def _blame(self, fault: Fault) -> None:
        if fault not in self.found.faults:
            self.found.faults.append(fault)

    async def _heed_interrupts(self) -> None:
        if self._interrupts == self._told_interrupts:
            return
        self._told_interrupts = self._interrupts
        graceful = self._interrupts == 1
        if self.found.cancelled is None and not self.found.aborted_by:
            self.found.cancelled = Fault(Reason.ABORTED_BY_PERSON, "stopped by a person (Ctrl-C)")
        await self._stop(StopReason.PERSON, "stopped by a person", graceful=graceful)

    async def _stop(self, reason: StopReason, message: str, *, graceful: bool = True) -> None:
        self._asked.add(reason)
        request = StopRequest(reason=reason, message=message, graceful=graceful)
        await self._all(lambda member: member.stop(request))

    # -- after the load ------------------------------------------------------------------------------------------

    async def _tear_down(self) -> None:
        if not self._members or self._members[0].index != 0:
            return  # the leader is lost, and its teardown with it
        leader = self._members[0]
        if self._interrupts < 2:
            results = await self._all(lambda member: member.result())
            request = TeardownRequest(totals=totals(merge(results)) if results else {})
            try:
                reply = await self._until_done(lambda: leader.teardown(request))
            except MemberLost as exc:
                self._lose(leader.index, str(exc))
                return
            if reply.state is PhaseState.FAILED:
                self._blame(Fault(Reason.TEARDOWN_FAILED, reply.message))
            return
        await self._stop(StopReason.PERSON, "killed", graceful=False)

    async def _conclude(self) -> Result:
        results = await self._all(self._final)
        merged = merge(results) if results else self._nothing()
        thresholds = [
            item.model_copy(update={"aborted": item.definition.id in self.found.aborted_by})
            for item in merged.thresholds
        ]
        lost = [Fault(Reason.RUNNER_LOST, message) for message in self.found.lost.values()]
        result = conclude(
            merged.model_copy(update={"thresholds": thresholds}),
            Circumstances(
                not_started=self.found.not_started,
                cancelled=self.found.cancelled,
                faults=(*self.found.faults, *lost),
                incomplete=f"{len(lost)} of the workers were lost with their numbers"
                if lost
                else None,
                limits=self.plan.limits,
                closed_loop=any(
                    not isinstance(item.load.shape, ArrivalShape) for item in self.plan.scenarios
                ),
            ),
        )
        await self._show(last=True)
        await self._all(lambda member: member.release())
        return result

    async def _final(self, member: Member) -> Result:
        """Return a runner's frozen document, freezing it first where that was left out."""
        if (await member.plan()).phase not in (RunnerPhase.FINISHED, RunnerPhase.RELEASED):
            stop = StopRequest(reason=StopReason.START_FAILED, graceful=False)
            await member.stop(stop)
            while (await member.plan()).phase not in (RunnerPhase.FINISHED, RunnerPhase.STOPPED):
                await self._pause()
            await member.stop(stop)
        return await member.result()

    def _nothing(self) -> Result:
        """Return the document of a run of which nothing is left."""
        plan = self.plan
        return Result(
            run=RunIdentity(
                name=plan.name,
                namespace=plan.namespace,
                spec_hash=plan.spec_hash,
                plan_hash=plan.plan_hash,
                quick=plan.quick,
            ),
            thresholds=[ThresholdResult(definition=item) for item in plan.thresholds],
        )

    # -- members -------------------------------------------------------------------------------------------------

    async def _all(self, ask: Callable[[Member], Awaitable[_T]]) -> list[_T]:
        """Ask all members side by side; those that do not answer are lost from then on."""
        members = list(self._members)
        answers = await asyncio.gather(*map(ask, members), return_exceptions=True)
        found: list[_T] = []
        for member, answer in zip(members, answers, strict=True):
            if isinstance(answer, MemberLost):
                self._lose(member.index, str(answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found.append(answer)
        return found

    def _lose(self, index: int, message: str) -> None:
        self.found.lost.setdefault(index, message)
        self._members = [member for member in self._members if member.index != index]

    async def _pause(self) -> None:
        await self._clock.sleep_until(self._clock.now() + POLL_S)

    async def _show(self, *, last: bool = False) -> list[StatusReply]:
        """Look at all runners when a second is over, and tell the display; empty in between."""
        now = self._clock.now()
        if not last and now - self._shown_at < SHOW_S:
            return []
        self._shown_at = now
        statuses = await self._all(lambda member: member.status())
        if statuses and self._on_snapshot is not None:
            phase = RunPhase.FINISHED if last else None
            self._last = snapshot_of(self.plan, statuses, self._last, phase)
            self._on_snapshot(self._last)
        return statuses
