"""What a runner and whoever leads it say to each other: paths, the token's header, and every message.

Messages only: no I/O, no state. The runner serves them (`kload_runner.fleet.control_api`); the local leader and the
operator speak them, so one protocol is used by a laptop and a cluster. JSON, camelCase, unknown fields ignored.

    GET  /healthz /readyz /metrics    open
    GET  /v1/plan                     PlanReply       which plan this runner holds: N equal hashes or no run
    POST /v1/setup                    PhaseReply      starts `target.ready` and setup once, then tells how it stands
    POST /v1/start    StartRequest    StartReply      arms the start; the same attempt again is answered the same
    POST /v1/cancel   CancelRequest   StatusReply     disarms an attempt that has not begun
    POST /v1/stop     StopRequest     StatusReply     graceful, or at once
    POST /v1/teardown TeardownRequest PhaseReply      starts teardown once (runner 0), freezes, then tells how it stands
    GET  /v1/status                   StatusReply     a cheap look while it runs
    GET  /v1/result                   the result document of this runner; 409 until its counters are frozen
    POST /v1/release                  StatusReply     the runner may exit

All of /v1 wants the token in `TOKEN_HEADER` (not `Authorization`: the API server's pod proxy keeps that to itself).
Every POST may be repeated. 401: wrong token. 409: not in this phase; the body is a Refusal.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

PROTOCOL = "v1"
TOKEN_HEADER = "X-Kload-Token"
CONTROL_PORT = 9095  # the container port of a runner pod; metrics and control share it

HEALTH_PATH = "/healthz"
READY_PATH = "/readyz"
METRICS_PATH = "/metrics"
PLAN_PATH = "/v1/plan"
SETUP_PATH = "/v1/setup"
START_PATH = "/v1/start"
CANCEL_PATH = "/v1/cancel"
STOP_PATH = "/v1/stop"
TEARDOWN_PATH = "/v1/teardown"
STATUS_PATH = "/v1/status"
RESULT_PATH = "/v1/result"
RELEASE_PATH = "/v1/release"

# Key of the ConfigMap, and name of the file in the pod, that holds a RunDescription.
RUN_FILE = "run.json"


def token_hash(token: str) -> str:
    """Return what a runner stores instead of the token: its SHA-256 in lower-case hex."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_matches(token: str, expected_hash: str) -> bool:
    """Tell whether a token has the expected hash, in constant time."""
    return hmac.compare_digest(token_hash(token), expected_hash)


class Message(BaseModel):
    """Base of all messages: camelCase on the wire, frozen, tolerant of fields a newer peer adds."""

    # JSON has no infinity, but the response time of an iteration that was dropped is one: it travels as a word.
    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        frozen=True,
        extra="ignore",
        ser_json_inf_nan="strings",
        defer_build=True,  # built when the first one is read or made: start-up time
    )

    def to_json(self) -> str:
        """Return the message as JSON text."""
        return self.model_dump_json(by_alias=True)


class RunnerPhase(StrEnum):
    """Where a runner is; it only ever moves down this list, save that a cancelled start goes back to `ready`."""

    IDLE = "idle"
    PROBING = "probing"
    SETUP = "setup"
    READY = "ready"  # setup is done (or has no place on this runner)
    ARMED = "armed"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"  # no load any more; waiting for teardown
    TEARDOWN = "teardown"
    FINISHED = "finished"  # counters frozen, result ready
    RELEASED = "released"


class StopReason(StrEnum):
    """Why a load ended before its time; the verdict follows from it (design, section 5)."""

    THRESHOLD = "threshold"  # one with `abort` was broken: Failed
    PERSON = "person"  # Ctrl-C, annotation, SIGTERM: Cancelled
    ABORT_STEP = "abort-step"  # the test's own `abort`: Cancelled
    DEADLINE = "deadline"  # activeDeadlineSeconds
    START_FAILED = "start-failed"  # a fleet that started in part: Error
    RUNNER_LOST = "runner-lost"


class PhaseState(StrEnum):
    """How setup or teardown stands."""

    RUNNING = "running"  # ask again
    DONE = "done"
    FAILED = "failed"


class RunIdentity(Message):
    """Which run this is.

    Attributes:
        uid: unique for ever; the label `run_uid` of every series.
        run_id: what expressions see as `run.id`.
        loadtest: name of the LoadTest.
    """

    uid: str
    run_id: str = ""
    number: int = 1
    loadtest: str = ""
    namespace: str = ""


class PlanSource(Message):
    """What a plan is made from. The same source gives the same plan, with the same hash, in every process.

    Attributes:
        document: the LoadTest as JSON, patches applied.
        params: values given on the command line, over the manifest's own.
        target: takes the place of `target.baseURL`.
        scenarios: run only these; empty: all.
        vus: with `duration` or `iterations`, a quick run.
    """

    document: dict[str, Any]
    params: dict[str, str] = Field(default_factory=dict)
    target: str | None = None
    scenarios: tuple[str, ...] = ()
    vus: int | None = None
    duration: str | None = None
    iterations: int | None = None


class TargetLimits(Message):
    """Addresses a runner may or must not connect to, as CIDRs or host names; checked at connect, after DNS."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class RunDescription(Message):
    """Everything a runner process is given, apart from its index and its environment.

    A pod finds it as `RUN_FILE` in a mounted ConfigMap, a local worker reads it from standard input.

    Attributes:
        files: manifest path of each script or data file -> name of the ConfigMap's key (keys cannot hold `/`).
        token_sha256: hash of the token that /v1 asks for.
        start_within_s: how long a runner waits for its start before it gives up.
        linger_s: how long it stays for scrapes and its release after it has finished.
        deadline_s: the longest a runner may live; it ends itself then, whatever its leader does.
    """

    protocol: str = PROTOCOL
    run: RunIdentity
    source: PlanSource
    runners: int = Field(default=1, ge=1)
    seed: int | None = None
    files: dict[str, str] = Field(default_factory=dict)
    token_sha256: str = ""
    limits: TargetLimits = TargetLimits()
    start_within_s: float = 900.0
    linger_s: float = 300.0
    deadline_s: float = 86_400.0


class PlanReply(Message):
    """The plan a runner holds.

    Attributes:
        plan_hash: of the spec and what was given over it.
        files_hash: of the contents of the files the plan names (data, script, certificates, uploads), which the plan
            itself does not hold; empty without any.
    """

    protocol: str = PROTOCOL
    version: str
    run_uid: str
    runner: int
    runners: int
    plan_hash: str
    spec_hash: str
    files_hash: str = ""
    phase: RunnerPhase


class PhaseReply(Message):
    """How setup or teardown stands.

    Attributes:
        vars: what setup saved; handed to every runner with the start.
        reason: `TargetNotReady`, `SetupFailed`, `TeardownFailed`, `ScriptError`; empty unless failed.
        message: the same as a sentence.
    """

    state: PhaseState
    vars: dict[str, Any] = Field(default_factory=dict)
    reason: str = ""
    message: str = ""


class StartRequest(Message):
    """Begin the load in `start_in_s` seconds from now; the runner holds that instant on its monotonic clock."""

    attempt: int = Field(ge=1)
    start_in_s: float = Field(ge=0)
    vars: dict[str, Any] = Field(default_factory=dict)


class StartReply(Message):
    """The start is armed (or has begun, for a repeat)."""

    attempt: int
    starts_at: float  # Unix time, s, by the runner's own clock
    phase: RunnerPhase


class CancelRequest(Message):
    """Disarm this attempt, unless it has begun."""

    attempt: int = Field(ge=1)


class StopRequest(Message):
    """End the load. Graceful: no new iterations, those in flight get their `gracefulStop`; else at once."""

    reason: StopReason
    message: str = ""
    graceful: bool = True


class TeardownRequest(Message):
    """The totals of the whole fleet, as teardown reads them: metric -> stat -> value."""

    totals: dict[str, dict[str, float]] = Field(default_factory=dict)


class Refusal(Message):
    """Why a request was not carried out."""

    error: str
    phase: RunnerPhase | None = None


class ThresholdTotals(Message):
    """A threshold's three numbers on this runner; see `thresholds`.

    `estimate` is the order statistic as this runner's histogram shows it; for display.
    """

    good: int = 0
    samples: int = 0
    sum: float = 0.0
    estimate: float | None = None


class ScenarioStatus(Message):
    """One scenario on this runner; counts since the start."""

    name: str
    phase: str = "waiting"
    elapsed_s: float = 0.0
    vus: int = 0
    iterations: int = 0
    dropped: int = 0


class StatusReply(Message):
    """A runner at one moment; made once a second, so it stays cheap.

    Attributes:
        started_late_s: how far the load began behind the armed instant; None before.
        stop: why the load was told to end, or the runner itself decided (`abort` step, deadline).
        faults: what broke in the runner itself, one sentence each: the run ends as Error.
        latency: encoded histogram of `http_req_duration`, mergeable; empty without samples.
    """

    phase: RunnerPhase
    runner: int
    elapsed_s: float = 0.0
    started_late_s: float | None = None
    stop: StopReason | None = None
    stop_message: str = ""
    faults: tuple[str, ...] = ()
    requests: int = 0
    failed: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    iterations: int = 0
    iterations_failed: int = 0
    dropped: int = 0
    vus: int = 0
    scenarios: tuple[ScenarioStatus, ...] = ()
    thresholds: dict[str, ThresholdTotals] = Field(default_factory=dict)
    latency: dict[str, Any] = Field(default_factory=dict)
    warnings: tuple[str, ...] = ()
