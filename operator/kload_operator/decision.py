"""What `reconcile` takes and gives: one situation in, one decision out. Data, and the few moves every phase makes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kload_operator.cluster import Kind
from kload_operator.runs import Run
from kload_operator.seen import Blocker, Seen
from kload_operator.settings import LimitSettings, TimeSettings
from kload_operator.status import moment, precise, timestamp, with_history
from kload_operator.subject import Subject
from kload_spec.control import StopReason
from kload_spec.model import Phase, Progress, Status
from kload_spec.result import Result
from kload_spec.verdicts import Reason, Verdict


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about every run."""

    limits: LimitSettings = field(default_factory=LimitSettings)
    times: TimeSettings = field(default_factory=TimeSettings)


@dataclass(frozen=True, slots=True)
class CreateDescription:
    """Make the ConfigMap that describes the run."""


@dataclass(frozen=True, slots=True)
class CreateJob:
    """Make the Job of its runners."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete a child, if it still has this uid."""

    kind: Kind
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class Arm:
    """Arm all runners for a common instant; cancel all where not all are in time."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Disarm whoever is armed."""

    attempt: int


@dataclass(frozen=True, slots=True)
class StopAll:
    """Tell every runner to end the load."""

    reason: StopReason
    message: str
    graceful: bool = True


@dataclass(frozen=True, slots=True)
class KeepResult:
    """Write the result document to its ConfigMap."""

    result: Result


@dataclass(frozen=True, slots=True)
class Release:
    """Let the runners exit; those that have not finished are stopped first."""


@dataclass(frozen=True, slots=True)
class SuspendJob:
    """End pods that do not end by themselves; those that failed stay as evidence."""


@dataclass(frozen=True, slots=True)
class Prune:
    """Delete children of earlier runs: Jobs and descriptions, and results beyond the last ten."""

    before: int


Action = (
    CreateDescription
    | CreateJob
    | Delete
    | Arm
    | Cancel
    | StopAll
    | KeepResult
    | Release
    | SuspendJob
    | Prune
)


@dataclass(frozen=True, slots=True)
class Situation:
    """One LoadTest with a run, and what was seen of it."""

    subject: Subject
    run: Run
    seen: Seen
    rules: Rules

    @property
    def status(self) -> Status:
        """As it was read."""
        return self.subject.status

    @property
    def progress(self) -> Progress:
        """The intents so far."""
        return self.subject.status.progress or Progress()

    @property
    def now(self) -> datetime:
        """Wall clock when it was looked."""
        return self.seen.now

    @property
    def runners(self) -> int:
        """How many runners the run has."""
        known = self.status.runners.desired if self.status.runners else None
        plan = self.seen.description.plan if self.seen.description else None
        return known or (plan.runners if plan else 1)

    @property
    def start_deadline(self) -> datetime:
        """When the load must have begun."""
        accepted = moment(self.progress.accepted_time) or self.now
        return accepted + timedelta(seconds=self.subject.start_timeout_s)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do and what to write.

    Attributes:
        status: as it should be; conditions are added by `reconcile`.
        actions: carried out first; they follow from what is persisted already, never from `status`.
        again_s: look again after this long even if nothing happens; None: not needed.
        metrics_complete: how the numbers were reconciled, once they are.
    """

    status: Status
    actions: tuple[Action, ...] = ()
    again_s: float | None = None
    metrics_complete: tuple[bool, str] | None = None


AT_ONCE_S = 0.0
SOON_S = 0.5


def stay(
    situation: Situation, message: str, *actions: Action, reason: str | None = None,
    again_s: float | None = None,
) -> Decision:  # fmt: skip
    """Remain in the phase, with a message."""
    status = situation.status.model_copy(update={"message": message, "reason": reason})
    look_s = situation.rules.times.look_s if again_s is None else again_s
    return Decision(status, actions, look_s)


def move(
    situation: Situation, phase: Phase, message: str, *actions: Action, **updates: object
) -> Decision:
    """Go on to a phase; `updates` are further fields of status, `progress` included."""
    progress = updates.pop("progress", situation.progress)
    assert isinstance(progress, Progress)
    progress = progress.model_copy(update={"phase_time": precise(situation.now)})
    status = situation.status.model_copy(
        update={
            "phase": phase.value,
            "message": message,
            "reason": None,
            "progress": progress,
            **updates,
        }
    )
    return Decision(status, actions, AT_ONCE_S)


def stop(
    situation: Situation,
    why: StopReason,
    fault: Blocker | None,
    message: str,
    aborted_by: tuple[str, ...] = (),
) -> Decision:
    """Persist that all runners are to stop, and what that says about the run."""
    progress = situation.progress.model_copy(
        update={
            "stop_reason": why.value,
            "stop_message": message,
            "stop_time": precise(situation.now),
            "fault_reason": fault.reason.value if fault else None,
            "fault_message": fault.message if fault else None,
            "aborted_by": aborted_by or None,
        }
    )
    return move(situation, Phase.STOPPING, f"stopping: {message}", progress=progress)


def finish(
    situation: Situation, verdict: Verdict, reason: Reason, message: str, *actions: Action,
    **updates: object,
) -> Decision:  # fmt: skip
    """End the run with a verdict."""
    status = situation.status.model_copy(
        update={
            "phase": Phase.FINISHED.value,
            "verdict": verdict.value,
            "reason": reason.value,
            "message": message,
            "completion_time": timestamp(situation.now),
            "progress": None,
            **updates,
        }
    )
    return Decision(with_history(status), actions, AT_ONCE_S)


def fail(situation: Situation, blocker: Blocker) -> Decision:
    """End a run that never sent a request."""
    return finish(situation, Verdict.ERROR, blocker.reason, blocker.message)
