"""What a verdict is and what it rests on, as data.

The limits of `Limits` are fields of the spec; their defaults and reasons are here. The rules are in `rules`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from kload_spec.health import Health
from kload_spec.thresholds import Outcome, Tally, Threshold, show_outcome
from kload_spec.verdicts.outage import Outage
from kload_spec.verdicts.waiting import Waiting


class Verdict(StrEnum):
    """What a run ended as."""

    PASSED = "Passed"
    FAILED = "Failed"
    INCONCLUSIVE = "Inconclusive"
    ERROR = "Error"
    CANCELLED = "Cancelled"


class Reason(StrEnum):
    """Why, in one CamelCase word; the same in status, conditions and the result document."""

    # Error: it never started
    INVALID_SPEC = "InvalidSpec"
    SCRIPT_ERROR = "ScriptError"
    TARGET_NOT_READY = "TargetNotReady"
    START_FAILED = "StartFailed"
    START_TIMEOUT = "StartTimeout"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    CREATE_CONTAINER_CONFIG_ERROR = "CreateContainerConfigError"
    QUOTA_EXCEEDED = "QuotaExceeded"
    FORBIDDEN = "Forbidden"
    RUNNER_UNREACHABLE = "RunnerUnreachable"
    METRICS_UNAVAILABLE = "MetricsUnavailable"
    # Error: it started and could not be finished
    SETUP_FAILED = "SetupFailed"
    TEARDOWN_FAILED = "TeardownFailed"
    RUNNER_LOST = "RunnerLost"
    RUNNER_OOM_KILLED = "RunnerOOMKilled"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    ENGINE_ERROR = "EngineError"
    # Failed
    THRESHOLD_ABORTED = "ThresholdAborted"
    THRESHOLD_BROKEN = "ThresholdBroken"
    NOTHING_SUCCEEDED = "NothingSucceeded"
    # Inconclusive
    NO_SAMPLES = "NoSamples"
    INCOMPLETE_DATA = "IncompleteData"
    LOAD_NOT_DELIVERED = "LoadNotDelivered"
    LOCAL_FAULTS = "LocalFaults"
    GENERATOR_LAGGED = "GeneratorLagged"
    # Cancelled
    ABORTED_BY_PERSON = "AbortedByPerson"
    ABORT_STEP = "AbortStep"
    # Passed
    THRESHOLDS_HELD = "ThresholdsHeld"
    ONLY_IMPLICIT_RULES = "OnlyImplicitRules"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong or was done, with the sentence that goes into status."""

    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on the generator's own behaviour spoils a measurement; fields of the spec.

    Attributes:
        late_share: arrivals late or dropped by our own fault, as a share of all: above it the load was not delivered.
        late_start_s: an arrival is late when it starts this much after its instant. Far above what a busy small
            machine does (tens of milliseconds), far below what changes the shape of a load.
        loop_lag_share: loop lag p99 as a share of a latency bound: above it a broken bound may be our own doing.
        local_errors: requests that failed for our own lack of ports, files or memory.
        cpu_share: of one core: above it a closed loop is told that it could not push harder.
    """

    late_share: float = 0.01
    late_start_s: float = 0.1
    loop_lag_share: float = 0.10
    local_errors: int = 0
    cpu_share: float = 0.90


@dataclass(frozen=True, slots=True)
class JudgedThreshold:
    """A threshold and how it came out.

    Attributes:
        missing: samples known to exist but not seen; None: some, nobody knows how many.
        judged: False where it is only shown (counts in a quick run).
    """

    threshold: Threshold
    tally: Tally
    outcome: Outcome
    missing: int | None = 0
    judged: bool = True

    def describe(self) -> str:
        """Return ``http_req_duration p(95)<500ms is 612 ms``."""
        observed = show_outcome(self.outcome, self.threshold)
        return f"{self.threshold.key} {self.threshold.text} is {observed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything a verdict rests on.

    Attributes:
        not_started: why no load was sent.
        aborted_by: ids of thresholds whose breach stopped the run.
        cancelled: who stopped it, if a person or an `abort` step did.
        faults: what broke while it ran.
        incomplete: why the data is known not to be all there.
        requests: measured requests.
        expected: of these, answered as expected; a redirect that was followed is no answer.
        outage: how it showed that no request got an answer, where none did.
        closed_loop: whether any scenario's pace depends on the answers.
        duration_s: for rates of counters.
        waiting: requests that still waited when the load was cut off.
        notes: warnings that others have found (checks that could not be evaluated, samples not recorded ...).
    """

    thresholds: tuple[JudgedThreshold, ...] = ()
    not_started: Fault | None = None
    aborted_by: tuple[str, ...] = ()
    cancelled: Fault | None = None
    faults: tuple[Fault, ...] = ()
    incomplete: str | None = None
    health: Health = field(default_factory=Health)
    limits: Limits = field(default_factory=Limits)
    requests: int = 0
    expected: int = 0
    outage: Outage | None = None
    closed_loop: bool = True
    duration_s: float | None = None
    waiting: tuple[Waiting, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def judged(self) -> tuple[JudgedThreshold, ...]:
        """The thresholds that count; the others are only shown."""
        return tuple(item for item in self.thresholds if item.judged)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict with its reason.

    Attributes:
        message: one or two sentences: the number, the limit, the remedy.
        warnings: what does not change the verdict but should be known.
        exit_code: of the command line.
    """

    verdict: Verdict
    reason: Reason
    message: str
    warnings: tuple[str, ...] = ()
    exit_code: int = 0
