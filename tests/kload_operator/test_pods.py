"""What pods and events say is named in the words of the status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kload_operator.pods import fleet_seen, job_seen, pod_seen, unborn, unmounted
from kload_operator.seen import PodPhase
from kload_spec.verdicts import Reason

AT = "2026-01-01T00:00:00Z"


def pod(
    index: int = 0, *, deleted: bool = False, created: str = AT, **status: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": f"shop-{index}",
        "labels": {"batch.kubernetes.io/job-completion-index": str(index)},
        "creationTimestamp": created,
    }
    if deleted:
        metadata["deletionTimestamp"] = AT
    return {"metadata": metadata, "status": status}


def waiting(reason: str, message: str = "the kubelet's words") -> dict[str, Any]:
    return {
        "phase": "Pending",
        "containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}],
    }


def terminated(**fields: Any) -> dict[str, Any]:
    return {"phase": "Failed", "containerStatuses": [{"state": {"terminated": fields}}]}


@pytest.mark.parametrize(
    ("why", "reason"),
    [
        ("ErrImagePull", Reason.IMAGE_PULL_BACK_OFF),
        ("ImagePullBackOff", Reason.IMAGE_PULL_BACK_OFF),
        ("ErrImageNeverPull", Reason.IMAGE_PULL_BACK_OFF),
        ("InvalidImageName", Reason.IMAGE_PULL_BACK_OFF),
        ("CreateContainerConfigError", Reason.CREATE_CONTAINER_CONFIG_ERROR),
        ("RunContainerError", Reason.CREATE_CONTAINER_CONFIG_ERROR),
    ],
)
def test_a_container_that_cannot_start_says_why(why: str, reason: Reason) -> None:
    blocker = pod_seen(pod(**waiting(why))).blocker
    assert blocker is not None
    assert blocker.reason is reason
    assert blocker.message == "shop-0: the kubelet's words"


def test_a_container_that_is_just_being_made_is_no_fault() -> None:
    assert pod_seen(pod(**waiting("ContainerCreating"))).blocker is None


def test_a_pod_without_a_node_is_unschedulable_in_the_schedulers_words() -> None:
    scheduled = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
    blocker = pod_seen(pod(phase="Pending", conditions=[scheduled])).blocker
    assert blocker is not None
    assert (blocker.reason, blocker.message) == (
        Reason.UNSCHEDULABLE,
        "shop-0: 0/3 nodes are available",
    )


SCRIPT_ERROR = json.dumps({"reason": "ScriptError", "message": "line 3"})
PREEMPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}
EVICTED = {"phase": "Failed", "reason": "Evicted", "message": "low on disk"}
LOST = Reason.RUNNER_LOST


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        pytest.param(
            terminated(reason="OOMKilled", exitCode=137),
            Reason.RUNNER_OOM_KILLED,
            "out of memory",
            id="OOM",
        ),
        pytest.param(terminated(exitCode=1, message="boom"), LOST, "code 1: boom", id="crash"),
        pytest.param(terminated(exitCode=143, message=""), LOST, "code 143", id="SIGTERM"),
        pytest.param(
            terminated(exitCode=107, message=SCRIPT_ERROR),
            Reason.SCRIPT_ERROR,
            "line 3",
            id="script",
        ),
        pytest.param(
            terminated(exitCode=1, message='{"faults": ["a bug"]}'), LOST, "a bug", id="fault"
        ),
        pytest.param(terminated(exitCode=1, message="[1]"), LOST, "code 1", id="JSON of strangers"),
        pytest.param(EVICTED, LOST, "low on disk", id="evicted"),
        pytest.param(
            {"phase": "Failed", "conditions": [PREEMPTED]}, LOST, "PreemptionBy", id="preempted"
        ),
    ],
)
def test_a_pod_that_ended_badly_says_why(status: dict[str, Any], reason: Reason, said: str) -> None:
    end = pod_seen(pod(**status)).end
    assert end is not None
    assert end.reason is reason
    assert said in end.message


@pytest.mark.parametrize(
    ("status", "deleted", "phase"),
    [
        ({}, False, PodPhase.PENDING),
        ({"phase": "Pending"}, False, PodPhase.PENDING),
        ({"phase": "Running"}, False, PodPhase.RUNNING),
        ({"phase": "Running"}, True, PodPhase.GONE),
        ({"phase": "Unknown"}, False, PodPhase.PENDING),
        ({"phase": "Succeeded"}, True, PodPhase.SUCCEEDED),
        ({"phase": "Failed"}, True, PodPhase.FAILED),
    ],
)
def test_phases(status: dict[str, Any], deleted: bool, phase: PodPhase) -> None:
    seen = pod_seen(pod(deleted=deleted, **status))
    assert seen.phase is phase
    assert (seen.end is None) == (phase not in (PodPhase.GONE, PodPhase.FAILED))


def test_only_a_running_pod_is_ready() -> None:
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": AT}
    assert pod_seen(pod(phase="Running", conditions=[ready])).ready
    assert not pod_seen(pod(phase="Succeeded", conditions=[ready])).ready
    assert not pod_seen(pod(phase="Running", deleted=True, conditions=[ready])).ready


def test_of_two_pods_with_one_index_the_living_one_counts() -> None:
    dead = pod(1, **terminated(exitCode=1))
    alive = pod(1, created="2026-01-01T00:01:00Z", phase="Running")
    assert fleet_seen([alive, dead])[1].phase is PodPhase.RUNNING
    assert fleet_seen([dead])[1].phase is PodPhase.FAILED


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('pods "x" is forbidden: exceeded quota: q', Reason.QUOTA_EXCEEDED),
        ('pods "x" is forbidden: maximum memory usage per Pod is 1Gi', Reason.QUOTA_EXCEEDED),
        ('pods "x" is forbidden: violates PodSecurity "restricted"', Reason.FORBIDDEN),
        ('admission webhook "w" denied the request', Reason.FORBIDDEN),
    ],
)
def test_a_job_that_cannot_make_pods_says_why(message: str, reason: Reason) -> None:
    events = [
        {"reason": "FailedCreate", "message": "older", "lastTimestamp": AT},
        {"reason": "FailedCreate", "message": message, "lastTimestamp": "2026-01-01T00:00:05Z"},
        {"reason": "SuccessfulCreate", "message": "x", "lastTimestamp": "2026-01-01T00:00:09Z"},
    ]
    blocker = unborn(events)
    assert blocker is not None
    assert blocker.reason is reason
    assert blocker.message.endswith(message)
    assert blocker.since is not None
    assert blocker.since.second == 0
    assert unborn([]) is None


def test_volumes_that_are_not_there_are_a_fault_of_configuration() -> None:
    message = "references non-existent config key: u.csv"
    blocker = unmounted("shop-0", [{"reason": "FailedMount", "message": message, "eventTime": AT}])
    assert blocker is not None
    assert blocker.reason is Reason.CREATE_CONTAINER_CONFIG_ERROR
    assert message in blocker.message


@pytest.mark.parametrize(
    ("kind", "over"), [("Complete", True), ("Failed", True), ("SuccessCriteriaMet", False)]
)
def test_a_job_is_over_when_it_says_so(kind: str, over: bool) -> None:
    job = {
        "metadata": {"uid": "u"},
        "status": {"conditions": [{"type": kind, "status": "True"}]},
    }
    assert job_seen(job, ours=True).over is over
