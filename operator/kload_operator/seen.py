"""What was seen of a run, as frozen facts: the whole input of `reconcile.decide` besides the LoadTest itself.

Gathered by `observing`, which decides what is worth looking at in which phase; None means "not looked at" or "not
there", each attribute says which. Holds no clients and does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kload_spec.control import PhaseReply, RunDescription, RunnerPhase, StatusReply
from kload_spec.farewell import Farewell
from kload_spec.plan import Plan
from kload_spec.result import Result
from kload_spec.thresholds import Tally
from kload_spec.verdicts import Reason


@dataclass(frozen=True, slots=True)
class Blocker:
    """Why something does not come about, in the words of the pod or event that says so.

    Attributes:
        since: when it is known to have begun; grace is counted from here.
    """

    reason: Reason
    message: str
    since: datetime | None = None


class PodPhase(StrEnum):
    """Where a pod is, as far as a run cares."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"  # being deleted


@dataclass(frozen=True, slots=True)
class PodSeen:
    """One runner pod.

    Attributes:
        index: of the runner.
        ready: passes its readiness probe.
        ready_since: when `ready` last changed.
        blocker: why it does not come up.
        end: why it ended, unless it ended well.
        farewell: its last words, if it left any.
    """

    name: str
    index: int
    phase: PodPhase
    ip: str = ""
    ready: bool = False
    ready_since: datetime | None = None
    created: datetime | None = None
    blocker: Blocker | None = None
    end: Blocker | None = None
    farewell: Farewell | None = None

    @property
    def alive(self) -> bool:
        """Whether its runner may be running."""
        return self.phase in (PodPhase.PENDING, PodPhase.RUNNING)


@dataclass(frozen=True, slots=True)
class JobSeen:
    """The Job of the run.

    Attributes:
        ours: whether it is of this run; a Job of the same name may not be.
        over: Complete or Failed.
    """

    uid: str
    ours: bool = True
    over: bool = False
    suspended: bool = False
    deleting: bool = False
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class DescriptionSeen:
    """The ConfigMap that describes the run, and the plan it holds."""

    uid: str
    ours: bool
    description: RunDescription | None = None
    plan: Plan | None = None


@dataclass(frozen=True, slots=True)
class RunnerSeen:
    """One runner as it answered.

    Attributes:
        phase: None: it did not answer; `error` says how that showed.
        plan_hash, files_hash: only asked for at the gate.
        status: only asked for once the load may run.
    """

    index: int
    phase: RunnerPhase | None = None
    plan_hash: str = ""
    files_hash: str = ""
    status: StatusReply | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class MetricsSeen:
    """What Prometheus said of the run; `problem` set: nothing is known.

    Attributes:
        permanent: the problem is one of configuration.
        runners: scraped.
        finished: scraped with final numbers.
        coverage: threshold id -> runners whose series of it were scraped, the least of its three.
        tallies: threshold id -> the fleet's numbers.
        requests: of the whole run; None: no such series.
    """

    problem: str = ""
    permanent: bool = False
    runners: int = 0
    finished: int = 0
    coverage: Mapping[str, int] = field(default_factory=dict)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    requests: float | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was looked at.

    Attributes:
        now: wall clock, UTC.
        description, job: None: not there (or not looked at, before the run is accepted).
        unborn: why the Job cannot make its pods (quota, admission), from its events.
        runners: by index; those whose pod is alive and was asked.
        setup, teardown: how runner 0 says it stands.
        results: merged document of those who had one, of how many runners.
        left: runners that ended by themselves, as planned, and left their totals in their pods.
        kept: the result document found in its ConfigMap.
        skew_s: between the first and the last instant the runners were armed for.
    """

    now: datetime
    description: DescriptionSeen | None = None
    job: JobSeen | None = None
    pods: Mapping[int, PodSeen] = field(default_factory=dict)
    unborn: Blocker | None = None
    runners: Mapping[int, RunnerSeen] = field(default_factory=dict)
    setup: PhaseReply | None = None
    teardown: PhaseReply | None = None
    metrics: MetricsSeen | None = None
    merged: Result | None = None
    merged_of: int = 0
    left: frozenset[int] = frozenset()
    kept: Result | None = None
    skew_s: float | None = None
