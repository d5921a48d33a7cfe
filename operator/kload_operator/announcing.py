"""Kubernetes Events about a run: about ten, at transitions, for `kubectl describe` and `kubectl events`. Pure.

Their reasons are those of the status. An event that cannot be written is not worth a second try.
"""

from __future__ import annotations

from datetime import datetime

from kload_operator.cluster import Manifest
from kload_operator.runs import short_hash
from kload_operator.status import clipped, timestamp
from kload_operator.subject import Subject
from kload_spec.model import API_VERSION, KIND, Phase, Status
from kload_spec.verdicts import Verdict

COMPONENT = "kload-operator"
MAX_MESSAGE = 1_000  # the API allows 1,024
_REASONS = {
    Phase.LAUNCHING: "RunAccepted",
    Phase.GATING: "RunnersReady",
    Phase.SETUP: "RunnersScraped",
    Phase.STARTING: "SetUp",
    Phase.RUNNING: "LoadStarted",
    Phase.STOPPING: "Stopping",
    Phase.TEARDOWN: "LoadEnded",
    Phase.SUSPENDED: "Suspended",
}


def event_about(subject: Subject, after: Status, now: datetime) -> Manifest | None:
    """Return the event of a transition; None where nothing changed that people care about."""
    before = subject.status
    phase, message = after.phase or "", after.message or ""
    changed = phase != before.phase or (
        after.run and before.run and after.run.uid != before.run.uid
    )
    blocked = after.verdict is None and after.reason and after.reason != before.reason
    if phase == Phase.FINISHED and changed:
        kind = "Normal" if after.verdict == Verdict.PASSED else "Warning"
        return _event(subject, kind, after.reason or "", f"{after.verdict}: {message}", now)
    if blocked and phase != Phase.SUSPENDED:
        return _event(subject, "Warning", after.reason or "", message, now)
    if changed and phase in _REASONS:
        kind = "Warning" if phase == Phase.STOPPING else "Normal"
        return _event(subject, kind, _REASONS[Phase(phase)], message, now)
    return None


def _event(subject: Subject, kind: str, reason: str, message: str, now: datetime) -> Manifest:
    at = timestamp(now)
    name = f"{subject.name}.{short_hash(f'{subject.uid}{reason}{now.isoformat()}')}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": subject.namespace},
        "involvedObject": {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": subject.name,
            "namespace": subject.namespace,
            "uid": subject.uid,
        },
        "type": kind,
        "reason": reason,
        "message": clipped(message, MAX_MESSAGE),
        "source": {"component": COMPONENT},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
