"""What is seen of a LoadTest in a cluster: its status, its children, and the waiting for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cluster.api import Api, ApiError, Object
from cluster.waiting import eventually

from trials.load_tests import KIND

LOADTEST_UID_LABEL = "kload.dev/loadtest-uid"


def status_of(api: Api, namespace: str, name: str) -> Object:
    """Return a LoadTest's status; empty before the operator has written one."""
    return dict(api.get(KIND, name, namespace).get("status") or {})


def condition(status: Mapping[str, Any], kind: str) -> str:
    """Return a condition's status; empty where there is none."""
    found = (one["status"] for one in status.get("conditions", ()) if one["type"] == kind)
    return str(next(found, ""))


def is_finished(status: Mapping[str, Any]) -> bool:
    """Tell whether the run of the observed generation has ended."""
    return condition(status, "Finished") == "True"


def finished(api: Api, namespace: str, name: str, *, within_s: float = 90.0) -> Object:
    """Wait until the newest generation's run has ended and return the status."""

    def look() -> Object:
        found = api.get(KIND, name, namespace)
        status = dict(found.get("status") or {})
        if status.get("observedGeneration") != found["metadata"]["generation"]:
            return {}
        return status

    return eventually(
        look, until=is_finished, within_s=within_s, every_s=0.3, what=f"the end of {name}"
    )


def reached(api: Api, namespace: str, name: str, phase: str, *, within_s: float = 60.0) -> Object:
    """Wait until a run is in a phase and return the status; an end before that is an error."""
    return eventually(
        lambda: status_of(api, namespace, name),
        until=lambda seen: seen.get("phase") == phase,
        unless=is_finished,
        within_s=within_s,
        what=f"phase {phase} of {name}",
    )


def outcome(status: Mapping[str, Any]) -> tuple[str, str]:
    """Return verdict and reason."""
    return str(status.get("verdict", "")), str(status.get("reason", ""))


def children(api: Api, namespace: str) -> dict[str, list[str]]:
    """Return the names of everything the operator made in a namespace, by kind."""
    kinds = ("batch/v1/Job", "v1/Pod", "v1/ConfigMap")
    try:
        found = {kind: api.list(kind, namespace, LOADTEST_UID_LABEL) for kind in kinds}
    except ApiError as error:
        if error.status == 404:
            return {}
        raise
    return {
        kind: [one["metadata"]["name"] for one in items] for kind, items in found.items() if items
    }


def jobs(api: Api, namespace: str) -> list[Object]:
    """Return the Jobs of runs in a namespace."""
    return api.list("batch/v1/Job", namespace, LOADTEST_UID_LABEL)


def runner_pods(api: Api, namespace: str) -> list[Object]:
    """Return the runner pods in a namespace, by index."""
    index = "batch.kubernetes.io/job-completion-index"
    pods = api.list("v1/Pod", namespace, "app.kubernetes.io/name=kload-runner")
    return sorted(pods, key=lambda one: int(one["metadata"]["labels"].get(index, 0)))


def edit(api: Api, namespace: str, name: str, **spec: Any) -> Object:
    """Merge fields into a LoadTest's spec; return the LoadTest."""
    return api.patch(KIND, name, {"spec": spec}, namespace)


def annotate(api: Api, namespace: str, name: str, **annotations: str) -> Object:
    """Set annotations of kload.dev on a LoadTest."""
    wanted = {f"kload.dev/{key}": value for key, value in annotations.items()}
    return api.patch(KIND, name, {"metadata": {"annotations": wanted}}, namespace)
