"""A pod's manifest -> what it means for a run. Pure.

Reads why a pod does not come up (scheduler, image, configuration, volumes) and why it ended (out of memory, evicted,
deleted, its own exit code), and names both in the words of `verdicts.Reason` with the message that Kubernetes gives.

Source: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kload_operator.runs import INDEX_LABEL
from kload_operator.seen import Blocker, JobSeen, PodPhase, PodSeen
from kload_spec.farewell import Farewell
from kload_spec.verdicts import Reason

Manifest = Mapping[str, Any]

_WAITING = {
    "ErrImagePull": Reason.IMAGE_PULL_BACK_OFF,
    "ImagePullBackOff": Reason.IMAGE_PULL_BACK_OFF,
    "ErrImageNeverPull": Reason.IMAGE_PULL_BACK_OFF,
    "InvalidImageName": Reason.IMAGE_PULL_BACK_OFF,
    "ImageInspectError": Reason.IMAGE_PULL_BACK_OFF,
    "RegistryUnavailable": Reason.IMAGE_PULL_BACK_OFF,
    "CreateContainerConfigError": Reason.CREATE_CONTAINER_CONFIG_ERROR,
    "CreateContainerError": Reason.CREATE_CONTAINER_CONFIG_ERROR,
    "RunContainerError": Reason.CREATE_CONTAINER_CONFIG_ERROR,
}
_QUOTA = ("exceeded quota", "LimitRange", "maximum cpu", "maximum memory", "minimum cpu")
_OWN_REASONS = {reason.value: reason for reason in (Reason.INVALID_SPEC, Reason.SCRIPT_ERROR)}
_EXIT_REASONS = {104: Reason.INVALID_SPEC, 107: Reason.SCRIPT_ERROR}


def time_of(text: str | None) -> datetime | None:
    """Return a time of the Kubernetes API."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None


def job_seen(job: Manifest, *, ours: bool) -> JobSeen:
    """Return what a Job's manifest says."""
    status, metadata = job.get("status", {}), job["metadata"]
    over = {"Complete", "Failed"} & {
        item["type"] for item in status.get("conditions", ()) if item["status"] == "True"
    }
    return JobSeen(
        uid=metadata["uid"],
        ours=ours,
        over=bool(over),
        suspended=bool(job.get("spec", {}).get("suspend")),
        deleting="deletionTimestamp" in metadata,
        created=time_of(metadata.get("creationTimestamp")),
    )


def fleet_seen(pods: Iterable[Manifest]) -> dict[int, PodSeen]:
    """Return the pods of a run by runner; of several with one index the one that lives, or else the first."""
    found: dict[int, PodSeen] = {}
    for pod in sorted(pods, key=lambda pod: pod["metadata"].get("creationTimestamp") or ""):
        seen = pod_seen(pod)
        if seen.index not in found or (seen.alive and not found[seen.index].alive):
            found[seen.index] = seen
    return found


def pod_seen(pod: Manifest) -> PodSeen:
    """Return what a pod's manifest says."""
    metadata, status = pod["metadata"], pod.get("status", {})
    phase = _phase(metadata, status)
    ready = _condition(status, "Ready")
    return PodSeen(
        name=metadata["name"],
        index=int(metadata.get("labels", {}).get(INDEX_LABEL, "0")),
        phase=phase,
        ip=status.get("podIP") or "",
        ready=phase is PodPhase.RUNNING and ready.get("status") == "True",
        ready_since=time_of(ready.get("lastTransitionTime")),
        created=time_of(metadata.get("creationTimestamp")),
        blocker=_blocker(metadata, status) if phase is PodPhase.PENDING else None,
        end=_end(metadata["name"], status) if phase in (PodPhase.FAILED, PodPhase.GONE) else None,
        farewell=_farewell(status) if phase is PodPhase.SUCCEEDED else None,
    )


def unborn(events: Iterable[Manifest]) -> Blocker | None:
    """Return why a Job cannot make its pods, from its events; None: nothing says that it cannot."""
    failed = [event for event in events if event.get("reason") == "FailedCreate"]
    if not failed:
        return None
    event = max(failed, key=_event_time)
    message = str(event.get("message", ""))
    reason = Reason.QUOTA_EXCEEDED if any(word in message for word in _QUOTA) else Reason.FORBIDDEN
    since = min(map(_event_time, failed))
    return Blocker(reason, f"the Job cannot create its pods: {message}", time_of(since))


def unmounted(name: str, events: Iterable[Manifest]) -> Blocker | None:
    """Return why a pod's volumes are not there, from its events."""
    failed = [event for event in events if event.get("reason") == "FailedMount"]
    if not failed:
        return None
    event = max(failed, key=_event_time)
    message = f"{name}: {event.get('message', '')}"
    since = time_of(min(map(_event_time, failed)))
    return Blocker(Reason.CREATE_CONTAINER_CONFIG_ERROR, message, since)


def _event_time(event: Manifest) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")


def _phase(metadata: Manifest, status: Manifest) -> PodPhase:
    known = status.get("phase")
    if known == "Succeeded":
        return PodPhase.SUCCEEDED
    if known == "Failed":
        return PodPhase.FAILED
    if "deletionTimestamp" in metadata:
        return PodPhase.GONE
    return PodPhase.RUNNING if known == "Running" else PodPhase.PENDING


def _condition(status: Manifest, kind: str) -> Manifest:
    return next((item for item in status.get("conditions", ()) if item["type"] == kind), {})


def _blocker(metadata: Manifest, status: Manifest) -> Blocker | None:
    since = time_of(metadata.get("creationTimestamp"))
    name = metadata["name"]
    scheduled = _condition(status, "PodScheduled")
    if scheduled.get("status") == "False":
        return Blocker(
            Reason.UNSCHEDULABLE,
            f"{name}: {scheduled.get('message', 'not scheduled')}",
            time_of(scheduled.get("lastTransitionTime")) or since,
        )
    for container in _containers(status):
        waiting = container.get("state", {}).get("waiting", {})
        if reason := _WAITING.get(waiting.get("reason", "")):
            message = waiting.get("message") or waiting["reason"]
            return Blocker(reason, f"{name}: {message}", since)
    return None


def _containers(status: Manifest) -> list[Manifest]:
    return [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]


def _end(name: str, status: Manifest) -> Blocker:
    """Return why a pod ended badly."""
    for container in _containers(status):
        terminated = container.get("state", {}).get("terminated") or {}
        if terminated.get("reason") == "OOMKilled":
            message = (
                f"{name}: out of memory (OOMKilled, exit code {terminated.get('exitCode')}); raise"
                " spec.runners.resources.limits.memory, or spread the VUs over more runners"
            )
            return Blocker(Reason.RUNNER_OOM_KILLED, message)
    if disrupted := _condition(status, "DisruptionTarget"):
        message = f"{name}: {disrupted.get('reason', 'disrupted')}: {disrupted.get('message', '')}"
        return Blocker(Reason.RUNNER_LOST, message)
    if status.get("reason"):
        message = f"{name}: {status['reason']}: {status.get('message', '')}".rstrip(": ")
        return Blocker(Reason.RUNNER_LOST, message)
    for container in _containers(status):
        if terminated := container.get("state", {}).get("terminated"):
            return _exited(name, terminated)
    return Blocker(Reason.RUNNER_LOST, f"{name}: the pod was deleted")


def _farewell(status: Manifest) -> Farewell | None:
    """Return the last words of a runner that ended well."""
    for container in _containers(status):
        terminated = container.get("state", {}).get("terminated") or {}
        if terminated.get("message"):
            return Farewell.read(str(terminated["message"]))
    return None


def _exited(name: str, terminated: Manifest) -> Blocker:
    """Read what a runner left in its termination message, if it is ours."""
    code = terminated.get("exitCode")
    told = str(terminated.get("message") or "")
    reason = _EXIT_REASONS.get(code or 0, Reason.RUNNER_LOST)
    farewell = Farewell.read(told)
    if farewell is None:
        told = told[-500:]
    else:
        reason = _OWN_REASONS.get(farewell.reason, reason)
        told = farewell.message or "; ".join(farewell.faults)
    if reason is not Reason.RUNNER_LOST and told:
        return Blocker(reason, told)
    return Blocker(reason, f"{name}: exited with code {code}{': ' if told else ''}{told}")
