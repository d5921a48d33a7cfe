"""Situations of a run, as the operator's decisions are made from: three runners, in any phase, seen in any way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from manifests import manifest

from kload_operator.runs import run_uid
from kload_operator.seen import (
    Blocker,
    DescriptionSeen,
    JobSeen,
    MetricsSeen,
    PodPhase,
    PodSeen,
    RunnerSeen,
    Seen,
)
from kload_operator.subject import Reader, Subject
from kload_spec.control import (
    PlanSource,
    RunDescription,
    RunIdentity,
    RunnerPhase,
)
from kload_spec.model import Phase
from kload_spec.planning import plan, spec_hash
from kload_spec.verdicts import Reason

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
BEGAN = "2026-01-01T12:00:00.000Z"
N = 3
DOCUMENT = manifest(runners={"replicas": N}, thresholds={"http_req_failed": ["rate<10% abort"]})
PLAN = plan(DOCUMENT)
HASH = spec_hash(DOCUMENT)
UID = run_uid("lt-1", 1, 1, HASH)
DESCRIPTION = DescriptionSeen(
    "cm-1",
    True,
    RunDescription(run=RunIdentity(uid=UID), source=PlanSource(document=DOCUMENT), runners=N),
    PLAN,
)
READER = Reader()
IN_PROGRESS = [
    phase for phase in Phase if phase not in (Phase.PENDING, Phase.SUSPENDED, Phase.FINISHED)
]


def subject(phase: Phase, *, abort: str = "", **status: Any) -> Subject:
    progress = {"acceptedTime": BEGAN, "phaseTime": BEGAN, **status.pop("progress", {})}
    written = {
        "phase": phase.value,
        "run": {"number": 1, "uid": UID, "specHash": HASH, "generation": 1},
        "runners": {"desired": N},
        "progress": progress,
        "startTime": "2026-01-01T12:00:00Z",
        **status,
    }
    metadata = {
        **DOCUMENT["metadata"],
        "uid": "lt-1",
        "generation": 1,
        "resourceVersion": "7",
        "annotations": {"kload.dev/abort": abort} if abort else {},
    }
    return READER.read({**DOCUMENT, "metadata": metadata, "status": written})


def pods(
    phase: PodPhase = PodPhase.RUNNING, *, ready: bool = True, **more: Any
) -> dict[int, PodSeen]:
    return {
        index: PodSeen(
            f"p-{index}", index, phase, "10.0.0.1", ready, NOW - timedelta(seconds=20), **more
        )
        for index in range(N)
    }


def runners(*phases: RunnerPhase | None, **more: Any) -> dict[int, RunnerSeen]:
    return {
        index: RunnerSeen(
            index, phase, PLAN.plan_hash if phase else "", error="" if phase else "silent", **more
        )
        for index, phase in enumerate(phases)
    }


def scraped(**changes: Any) -> MetricsSeen:
    coverage = {item.id: N for item in PLAN.thresholds}
    return replace(MetricsSeen(runners=N, coverage=coverage), **changes)


def seen(**facts: Any) -> Seen:
    base: dict[str, Any] = {"description": DESCRIPTION, "job": JobSeen("j-1"), "pods": pods()}
    return Seen(now=NOW, **{**base, **facts})


IDLE, READY, ARMED, RUNNING, STOPPED, DONE = (
    RunnerPhase.IDLE,
    RunnerPhase.READY,
    RunnerPhase.ARMED,
    RunnerPhase.RUNNING,
    RunnerPhase.STOPPED,
    RunnerPhase.FINISHED,
)
GONE = {**pods(), 1: PodSeen("p-1", 1, PodPhase.GONE, end=Blocker(Reason.RUNNER_LOST, "evicted"))}
