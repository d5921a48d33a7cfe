"""What the operator remembers of runs in progress to spare itself work. Never needed: all of it can be found again.

Job and pods are read from the API server at the first look, at every new phase and every few seconds; in between,
watch events keep them up to date. A watch that went deaf therefore costs seconds, never the truth.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kload_operator.cluster import Manifest
from kload_operator.pods import job_seen, pod_seen
from kload_operator.runs import RUN_UID_LABEL
from kload_operator.seen import DescriptionSeen, JobSeen
from kload_spec.model import Phase
from kload_spec.result import Result

FRESH_S = 10.0  # s after which children are read anew, whatever the watches say


@dataclass(frozen=True, slots=True)
class EventsRead:
    """Events of one reason as last read.

    Attributes:
        about: the object they are about.
        at: when; monotonic.
    """

    about: str
    at: float
    events: list[Manifest]


@dataclass(slots=True)
class RunMemory:
    """One run.

    Attributes:
        description: the ConfigMap's content, which never changes.
        results: frozen documents by runner.
        skew_s: between the instants the runners were armed for.
        job, pods: as last read or told.
        read_at, read_in: when and in which phase they were last read; monotonic.
        pruned: children of earlier runs have been deleted.
        events: what Kubernetes said of its children, by reason.
    """

    description: DescriptionSeen | None = None
    results: dict[int, Result] = field(default_factory=dict)
    skew_s: float | None = None
    job: Manifest | None = None
    pods: dict[str, Manifest] = field(default_factory=dict)
    read_at: float = -1e9
    read_in: Phase | None = None
    pruned: bool = False
    events: dict[str, EventsRead] = field(default_factory=dict)

    def slim(self) -> None:
        """Drop what a finished run needs no more."""
        if self.description is not None:
            self.description = replace(self.description, description=None, plan=None)
        self.results.clear()
        self.events.clear()

    def is_fresh(self, phase: Phase, now: float) -> bool:
        """Tell whether children need not be read again yet."""
        return self.job is not None and self.read_in is phase and now - self.read_at < FRESH_S

    def read(self, job: Manifest | None, pods: list[Manifest], phase: Phase, now: float) -> None:
        """Take what was read from the API server."""
        self.job = job
        self.pods = {pod["metadata"]["name"]: pod for pod in pods}
        self.read_at, self.read_in = now, phase


class Memory:
    """Runs by uid."""

    def __init__(self) -> None:
        self._runs: dict[str, RunMemory] = {}

    def of(self, run_uid: str) -> RunMemory:
        """Return what is remembered of a run."""
        return self._runs.setdefault(run_uid, RunMemory())

    def forget(self, run_uid: str) -> None:
        """Drop a run that has ended."""
        self._runs.pop(run_uid, None)

    def told_of_job(self, job: Mapping[str, Any], *, deleted: bool) -> bool:
        """Take a watch event of a Job; return whether what matters of it has changed.

        Most changes of Jobs and pods are bookkeeping (counts, finalizers, probes' times). Of a run that was not looked
        at yet everything counts as changed.
        """
        memory = self._runs.get(_run_uid(job))
        if memory is None:
            return True
        before = memory.job
        if before is not None and not _is_newer(job, before):
            return False
        memory.job = None if deleted else dict(job)
        return deleted or before is None or _job_facts(before) != _job_facts(job)

    def told_of_pod(self, pod: Mapping[str, Any], *, deleted: bool) -> bool:
        """Take a watch event of a pod; return whether what matters of it has changed."""
        memory = self._runs.get(_run_uid(pod))
        if memory is None:
            return True
        name = pod["metadata"]["name"]
        before = memory.pods.get(name)
        if deleted:
            memory.pods.pop(name, None)
            return before is not None
        if before is not None and not _is_newer(pod, before):
            return False
        memory.pods[name] = dict(pod)
        return before is None or pod_seen(before) != pod_seen(pod)


def _job_facts(job: Mapping[str, Any]) -> JobSeen:
    return job_seen(job, ours=True)


def _run_uid(manifest: Mapping[str, Any]) -> str:
    return str((manifest["metadata"].get("labels") or {}).get(RUN_UID_LABEL, ""))


def _is_newer(manifest: Mapping[str, Any], known: Mapping[str, Any]) -> bool:
    """Compare resourceVersions, which are numbers that grow (KEP-5504); what is none counts as newer."""
    new = str(manifest["metadata"].get("resourceVersion", ""))
    old = str(known["metadata"].get("resourceVersion", ""))
    return not (new.isdecimal() and old.isdecimal()) or int(new) >= int(old)
