"""The loop: key -> read -> observe -> decide -> carry out -> one status write. Everything else is in its own module.

A look that fails (API busy, conflict) is made again with backoff by the queue; a bug in one run's look is logged and
backs off too, and never stops the others. Writes carry uid and resourceVersion, so of two operators one wins and the
other looks again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from kload_operator.announcing import event_about
from kload_operator.carry_out import ActionRefused, Hands
from kload_operator.cluster import (
    EVENTS,
    LOADTESTS,
    AlreadyExists,
    Busy,
    ClusterError,
    Conflict,
    Manifest,
    NotFound,
    Refused,
)
from kload_operator.decision import AT_ONCE_S, Decision, Prune, Release, Rules
from kload_operator.observing import Instruments, Observer
from kload_operator.phases.accepting import longest_of, run_of
from kload_operator.reconcile import decide, needs_follow_up, phase_of, refuse
from kload_operator.seen import Seen
from kload_operator.settings import Settings
from kload_operator.subject import Reader, Subject
from kload_operator.telemetry import Telemetry
from kload_operator.workqueue import WorkQueue
from kload_spec.model import Phase, Status

logger = logging.getLogger(__name__)

WRITE_EVERY_S = (
    10.0  # s between writes that are no transitions; a twelfth of the load where that is more
)
MESSAGE_EVERY_S = 3.0  # s between writes that only say better what is waited for
TERMINATING = "being terminated"


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """Which LoadTest."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class _Written:
    """When the status of a LoadTest was last written by us, and as which resourceVersion."""

    at: float = -1e9
    version: str = ""


class CutOff(Exception):
    """Part of a look was cancelled by somebody else: kopf does that to younger tasks as it ends. No fault."""


class Controller:
    """Reconciles LoadTests."""

    def __init__(
        self,
        tools: Instruments,
        settings: Settings,
        queue: WorkQueue[Key],
        telemetry: Telemetry,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._queue = queue
        self._telemetry = telemetry
        self._monotonic = monotonic
        self._reader = Reader()
        self._observer = Observer(tools)
        self._hands = Hands(tools, settings, monotonic)
        self._rules = Rules(settings.limits, settings.times)
        self._written: dict[Key, _Written] = {}
        self._runs: dict[Key, str] = {}

    def is_own(self, key: Key, version: str) -> bool:
        """Tell whether a version of a LoadTest is what we wrote last: the look that follows is planned already."""
        written = self._written.get(key)
        return written is not None and written.version == version

    async def work(self) -> None:
        """Work off the queue until cancelled; several of these may run side by side."""
        while True:
            key = await self._queue.get()
            try:
                again_s = await self.reconcile(key)
            except asyncio.CancelledError as error:
                if _is_being_cancelled():
                    raise
                self._failed(key, CutOff(f"part of the look was cancelled {error}".rstrip()))
            except Exception as error:
                self._failed(key, error)
            else:
                self._queue.done(key)
                if again_s is not None:
                    self._queue.add_after(key, again_s)

    async def reconcile(self, key: Key) -> float | None:
        """Bring one LoadTest a step further; return after how many seconds to look again, None: on events.

        Raises:
            ClusterError: the API server did not cooperate.
        """
        try:
            manifest = await self._tools.cluster.get(LOADTESTS, key.namespace, key.name)
        except NotFound:
            self._forget(key)
            return None
        subject = self._reader.read(manifest)
        if subject.deleting:
            self._forget(key)
            return None
        self._remember(key, subject)
        seen = await self._look(subject)
        decision = decide(subject, seen, self._rules)
        try:
            await self._carry_out(subject, seen, decision)
        except ActionRefused as refused:
            if TERMINATING in refused.blocker.message:
                return None
            decision = refuse(subject, seen, self._rules, refused.blocker)
        written = await self._write(key, subject, decision)
        await self._tell_numbers(subject)
        return AT_ONCE_S if written and decision.again_s is None else decision.again_s

    async def _tell_numbers(self, subject: Subject) -> None:
        """Have the numbers of a finished run exposed, also of one that finished before we were started."""
        run = run_of(subject)
        if run is None or phase_of(subject) is not Phase.FINISHED:
            return
        if self._telemetry.knows(subject.namespace, subject.name, run.number):
            return
        result = await self._observer.kept(run) if subject.status.result else None
        self._telemetry.record(subject, run.number, result)
        self._tools.memory.of(run.uid).slim()

    def _remember(self, key: Key, subject: Subject) -> None:
        """Keep in mind which run a LoadTest is at, and drop what is remembered of the one before."""
        run = run_of(subject)
        before = self._runs.get(key)
        if before is not None and (run is None or run.uid != before):
            self._tools.memory.forget(before)
        if run is not None:
            self._runs[key] = run.uid

    async def _look(self, subject: Subject) -> Seen:
        run, phase = run_of(subject), phase_of(subject)
        if run is None or phase is None or not needs_follow_up(subject):
            return Seen(now=self._tools.now())
        return await self._observer.look(subject, run, phase)

    async def _carry_out(self, subject: Subject, seen: Seen, decision: Decision) -> None:
        run = run_of(subject)
        if run is None or not decision.actions:
            return
        fleet = self._observer.fleet(run, seen.pods)
        for action in decision.actions:
            level = logging.DEBUG if isinstance(action, Prune | Release) else logging.INFO
            logger.log(
                level,
                "%s/%s run %d: %s",
                subject.namespace,
                subject.name,
                run.number,
                type(action).__name__,
            )
            await self._hands.carry_out(action, subject, run, seen, fleet)

    async def _write(self, key: Key, subject: Subject, decision: Decision) -> bool:
        """Write the status if it is worth it; return whether it was."""
        before, after = subject.status, decision.status
        if not self._worth_writing(key, subject, after):
            return False
        content = after.model_dump(by_alias=True, exclude_none=True, mode="json")
        try:
            wrote = await self._tools.cluster.apply_status(
                key.namespace, key.name, subject.identity, content
            )
        except Refused as error:
            if TERMINATING in str(error):
                return False
            raise
        version = str(wrote["metadata"].get("resourceVersion", ""))
        self._written[key] = _Written(self._monotonic(), version)
        if after.phase != before.phase:
            logger.info("%s/%s: %s %s", key.namespace, key.name, after.phase, after.message)
        await self._announce(event_about(subject, after, self._tools.now()))
        return True

    def _worth_writing(self, key: Key, subject: Subject, after: Status) -> bool:
        before = subject.status
        if after == before:
            return False
        if _essence(after) != _essence(before):
            return True
        plan = subject.compiled.plan
        every_s = max(WRITE_EVERY_S, longest_of(plan) / 12 if plan else 0.0)
        if after.message != before.message:
            every_s = min(every_s, MESSAGE_EVERY_S)
        written = self._written.get(key, _Written())
        return self._monotonic() - written.at >= every_s

    async def _announce(self, event: Manifest | None) -> None:
        if event is None:
            return
        try:
            await self._tools.cluster.create(EVENTS, event)
        except (AlreadyExists, Busy, Refused, Conflict, NotFound) as error:
            logger.info("event not written: %s", error)

    def _failed(self, key: Key, error: Exception) -> None:
        after_s = error.after_s if isinstance(error, Busy) else None
        delay_s = self._queue.failed(key, after_s)
        self._telemetry.failed(type(error).__name__)
        if isinstance(error, Conflict):
            logger.info("%s/%s has changed meanwhile; looking again", key.namespace, key.name)
        elif isinstance(error, CutOff):
            logger.info("%s/%s: %s", key.namespace, key.name, error)
        elif isinstance(error, ClusterError):
            logger.warning("%s/%s: %s; again in %.1fs", key.namespace, key.name, error, delay_s)
        else:
            logger.error("%s/%s: again in %.1fs", key.namespace, key.name, delay_s, exc_info=error)

    def _forget(self, key: Key) -> None:
        self._written.pop(key, None)
        if run_uid := self._runs.pop(key, None):
            self._tools.memory.forget(run_uid)
        self._queue.forget(key)
        self._telemetry.forget(key.namespace, key.name)


def _is_being_cancelled() -> bool:
    """Tell a cancellation of this task from that of one it waited for (kopf does that as it ends)."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _essence(status: Status) -> tuple[object, ...]:
    """Return what of a status is written at once when it changes; the rest can wait a little."""
    return (
        status.phase,
        status.verdict,
        status.run,
        status.progress,
        status.observed_generation,
        status.reason,
        status.result,
        [(item.type, item.status) for item in status.conditions or ()],
    )


def workers(controller: Controller, count: int) -> list[asyncio.Task[None]]:
    """Start workers in the running loop."""
    return [asyncio.create_task(controller.work(), name=f"worker-{n}") for n in range(count)]
