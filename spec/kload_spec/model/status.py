"""What the operator reports: the status of a LoadTest.

Tolerant, other than the spec: written by an operator that may be newer than whoever reads it, so unknown fields are
kept and every field may be absent. Numbers meant for people are texts with their unit, as `kubectl get` shows them;
the exact ones are in the result document.

Source: Kubernetes API conventions (conditions, observedGeneration); kstatus for Reconciling and Stalled.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from kload_spec.model.written import says, written_name

MAX_THRESHOLDS = 512
MAX_HISTORY = 10
MAX_MESSAGE = 32_768  # as for conditions in the Kubernetes API


class Phase(StrEnum):
    """Where a run is; the printer column PHASE."""

    PENDING = "Pending"  # accepted, nothing made yet
    SUSPENDED = "Suspended"
    LAUNCHING = "Launching"  # Job made, pods coming up
    GATING = "Gating"  # waiting for ready runners and their scraped zeros
    SETUP = "Setup"  # target.ready and setup
    STARTING = "Starting"  # armed
    RUNNING = "Running"
    STOPPING = "Stopping"
    TEARDOWN = "Teardown"
    JUDGING = "Judging"  # load is over; numbers are reconciled
    FINISHED = "Finished"


class ConditionType(StrEnum):
    """Conditions of a LoadTest; they speak of `observedGeneration` only."""

    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    READY = "Ready"
    SUCCEEDED = "Succeeded"
    FINISHED = "Finished"
    METRICS_COMPLETE = "MetricsComplete"


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class Reported(BaseModel):
    """Base of all parts of `status`: camelCase, frozen, tolerant."""

    model_config = ConfigDict(
        alias_generator=written_name,
        extra="allow",
        frozen=True,
        validate_by_alias=True,
        validate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,  # a runner reads no status: 6 ms of its start-up
    )


Word = Annotated[str, Field(max_length=256)]
Prose = Annotated[str, Field(max_length=MAX_MESSAGE)]
Time = Annotated[str, Field(max_length=64, json_schema_extra={"format": "date-time"})]

AbortedBy = Annotated[
    tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=MAX_THRESHOLDS)
]


class Condition(Reported):
    """One condition, as in the Kubernetes API."""

    type: Annotated[
        Word, says("a type", "Reconciling, Stalled, Ready, Succeeded, Finished or MetricsComplete.")
    ]
    status: Annotated[Word, says("a status", "True, False or Unknown.")]
    reason: Annotated[Word, says("a reason", "Why, in one CamelCase word.")] = ""
    message: Annotated[Prose, says("a message", "Why, as a sentence.")] = ""
    last_transition_time: Annotated[
        Time | None, says("a time", "When the status last changed.")
    ] = None
    observed_generation: Annotated[
        int | None, says("a generation", "Generation of the spec this is about.")
    ] = None


class RunStatus(Reported):
    """Which run this is."""

    number: Annotated[
        int | None, says("a number", "Runs of this LoadTest are numbered from 1.")
    ] = None
    uid: Annotated[
        Word | None, says("an identifier", "Unique for ever; label run_uid of its series.")
    ] = None
    id: Annotated[Word | None, says("a name", "spec.runId, or one made from the number.")] = None
    spec_hash: Annotated[Word | None, says("a hash", "Hash of the spec that is run.")] = None
    generation: Annotated[
        int | None, says("a generation", "Generation of the spec that is run.")
    ] = None


class RunnersStatus(Reported):
    """The fleet."""

    desired: Annotated[int | None, says("a number", "Runners the run needs.")] = None
    ready: Annotated[int | None, says("a number", "Runners that are ready.")] = None
    lost: Annotated[int | None, says("a number", "Runners that were lost.")] = None
    start_skew: Annotated[
        Word | None, says("a duration", "Between the first and the last runner's start.")
    ] = None


class ThresholdStatus(Reported):
    """One threshold as it stands."""

    metric: Annotated[Word, says("a metric", "Metric with its selector.")] = ""
    expression: Annotated[Word, says("a rule", "The rule as written.")] = ""
    observed: Annotated[Word | None, says("a value", "What was measured, with its unit.")] = None
    verdict: Annotated[
        Word | None, says("a verdict", "Passed, Failed or Inconclusive; absent while it runs.")
    ] = None
    samples: Annotated[int | None, says("a number", "Samples it was judged from.")] = None


class Generator(Reported):
    """How well the load generator did."""

    loop_lag_p99: Annotated[
        Word | None,
        says("a duration", "How late the event loop ran (99th percentile, worst runner)."),
    ] = None
    cpu: Annotated[Word | None, says("a percentage", "Of one core, busiest runner.")] = None
    late_starts: Annotated[
        int | None, says("a number", "Arrivals started late by the generator's own fault.")
    ] = None
    dropped: Annotated[
        int | None, says("a number", "Arrivals dropped by the generator's own fault.")
    ] = None
    local_errors: Annotated[
        int | None, says("a number", "Requests failed for lack of ports or files.")
    ] = None


class Summary(Reported):
    """The headline numbers."""

    vus: Annotated[
        int | None, says("a number", "VUs now, or at most once the run has finished.")
    ] = None
    requests: Annotated[int | None, says("a number", "Requests sent.")] = None
    rate: Annotated[Word | None, says("a rate", "Requests per second.")] = None
    failed: Annotated[Word | None, says("a percentage", "Requests without an expected answer.")] = (
        None
    )
    p50: Annotated[Word | None, says("a duration", "Median of http_req_duration.")] = None
    p95: Annotated[Word | None, says("a duration", "95th percentile of http_req_duration.")] = None
    p99: Annotated[Word | None, says("a duration", "99th percentile of http_req_duration.")] = None
    checks: Annotated[Word | None, says("a percentage", "Checks that held.")] = None
    iterations: Annotated[int | None, says("a number", "Iterations that ended by themselves.")] = (
        None
    )
    dropped: Annotated[int | None, says("a number", "Iterations that could not be started.")] = None
    generator: Annotated[Generator | None, says("health", "How well the load generator did.")] = (
        None
    )


class PastRun(Reported):
    """A finished run."""

    run: Annotated[RunStatus | None, says("a run", "Which run it was.")] = None
    verdict: Annotated[Word | None, says("a verdict", "What it ended as.")] = None
    reason: Annotated[Word | None, says("a reason", "Why, in one word.")] = None
    message: Annotated[Prose | None, says("a message", "Why, as a sentence.")] = None
    start_time: Annotated[Time | None, says("a time", "When its load started.")] = None
    completion_time: Annotated[Time | None, says("a time", "When it finished.")] = None
    summary: Annotated[Summary | None, says("numbers", "Its headline numbers.")] = None
    result: Annotated[Word | None, says("a name", "ConfigMap with its result document.")] = None


class Progress(Reported):
    """What the operator must know to carry on after a restart: intents, written before they are acted upon."""

    accepted_time: Annotated[
        Time | None, says("a time", "When the run was accepted; startTimeout counts from here.")
    ] = None
    phase_time: Annotated[Time | None, says("a time", "When the present phase began.")] = None
    attempt: Annotated[int | None, says("a number", "Start attempt that is armed, from 1.")] = None
    stop_reason: Annotated[
        Word | None, says("a word", "Why all runners are to stop: threshold, person ...")
    ] = None
    stop_message: Annotated[Prose | None, says("a message", "The same as a sentence.")] = None
    stop_time: Annotated[Time | None, says("a time", "When the stop was decided.")] = None
    fault_reason: Annotated[
        Word | None, says("a reason", "What broke; the run ends as Error unless more is known.")
    ] = None
    fault_message: Annotated[Prose | None, says("a message", "The same as a sentence.")] = None
    aborted_by: Annotated[
        AbortedBy | None, says("a list", "Ids of the thresholds whose breach stopped the run.")
    ] = None


Thresholds = Annotated[tuple[ThresholdStatus, ...], Field(max_length=MAX_THRESHOLDS)]
History = Annotated[tuple[PastRun, ...], Field(max_length=MAX_HISTORY)]
Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
Warnings = Annotated[tuple[Prose, ...], Field(max_length=64)]


class Status(Reported):
    """What became of a LoadTest."""

    observed_generation: Annotated[
        int | None,
        says(
            "a generation", "Generation all of this is about; -1 before the operator has seen it."
        ),
    ] = None
    phase: Annotated[
        Word | None, says("a phase", "Where the run is: " + ", ".join(Phase) + ".")
    ] = None
    verdict: Annotated[
        Word | None,
        says(
            "a verdict", "Passed, Failed, Inconclusive, Error or Cancelled; absent while it runs."
        ),
    ] = None
    reason: Annotated[Word | None, says("a reason", "Why, in one CamelCase word.")] = None
    message: Annotated[
        Prose | None, says("a message", "Why, as a sentence: number, limit, remedy.")
    ] = None
    run: Annotated[RunStatus | None, says("a run", "The run this is about.")] = None
    progress: Annotated[
        Progress | None, says("intents", "What the operator carries on from; absent when finished.")
    ] = None
    start_time: Annotated[Time | None, says("a time", "When the load started.")] = None
    completion_time: Annotated[Time | None, says("a time", "When the run finished.")] = None
    runners: Annotated[RunnersStatus | None, says("a fleet", "The runners.")] = None
    thresholds: Annotated[Thresholds | None, says("a list", "Every threshold as it stands.")] = None
    summary: Annotated[Summary | None, says("numbers", "The headline numbers.")] = None
    warnings: Annotated[
        Warnings | None, says("a list", "What does not change the verdict but should be known.")
    ] = None
    result: Annotated[
        Word | None, says("a name", "ConfigMap with the result document of this run.")
    ] = None
    history: Annotated[
        History | None, says("a list", "Earlier runs, the newest first, at most 10.")
    ] = None
    conditions: Annotated[
        Conditions | None, says("a list", "Conditions, for kubectl wait, Flux and Argo CD.")
    ] = None
