"""A run as Kubernetes objects: the ConfigMap that describes it and the Indexed Job of its runners. Pure builders.

One pod per runner, never replaced: a pod that failed is evidence, and a runner that joined again in the middle of a
run would be no measurement. Hence `backoffLimitPerIndex: 0` without `maxFailedIndexes` (a plain `backoffLimit: 0`
would end the whole fleet with the first failed pod) and `podReplacementPolicy: Failed`. Everything is owned by the
LoadTest, so it goes with it, operator or not. No finalizers.

Source: https://kubernetes.io/docs/concepts/workloads/controllers/job/ ; restricted pod security standard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kload_operator.cluster import Manifest
from kload_operator.runs import NAME_LABEL, PART_LABEL, RUNNER_NAME, Run
from kload_spec.control import CONTROL_PORT, READY_PATH, RUN_FILE, RunDescription
from kload_spec.model import API_VERSION, KIND, Spec

CONTAINER = "runner"
RUN_FOLDER = "/etc/kload"  # where `kload pod` finds RUN_FILE, and the files it names beside it
FILES_FOLDER = "files"
GRACE_S = 90  # s; SIGTERM: iterations in flight end, numbers are scraped once more
DEADLINE_SLACK_S = 600  # s; the Job's deadline is behind the runner's own
DEFAULT_RESOURCES: Mapping[str, Any] = {"requests": {"cpu": "250m", "memory": "128Mi"}}
DEFAULT_ANNOTATIONS: Mapping[str, str] = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
    "sidecar.istio.io/inject": "false",
    "linkerd.io/inject": "disabled",
    "prometheus.io/scrape": "true",
    "prometheus.io/port": str(CONTROL_PORT),
    "prometheus.io/path": "/metrics",
}
_MINIMAL_RIGHTS: Mapping[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@dataclass(frozen=True, slots=True)
class PodDefaults:
    """What the operator's configuration says about runner pods."""

    image: str
    image_pull_policy: str | None = None


def owner_reference(run: Run) -> Manifest:
    """Return the reference that makes a child go with its LoadTest."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "name": run.loadtest,
        "uid": run.loadtest_uid,
        "controller": True,
        "blockOwnerDeletion": False,
    }


def is_owned(child: Mapping[str, Any], run: Run) -> bool:
    """Tell whether an object is a child of this run: its owner is our LoadTest, its label our run."""
    metadata = child["metadata"]
    owners = {owner.get("uid") for owner in metadata.get("ownerReferences", ())}
    return run.loadtest_uid in owners and run.labels.items() <= metadata.get("labels", {}).items()


def description_config_map(run: Run, description: RunDescription) -> Manifest:
    """Return the ConfigMap that every runner reads."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(run, run.name, {PART_LABEL: "description"}),
        "immutable": True,
        "data": {RUN_FILE: description.to_json()},
    }


def runner_job(
    run: Run, spec: Spec, description: RunDescription, defaults: PodDefaults
) -> Manifest:
    """Return the Job of a run's runners."""
    size = description.runners
    labels = {NAME_LABEL: RUNNER_NAME}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(run, run.name, labels),
        "spec": {
            "completionMode": "Indexed",
            "completions": size,
            "parallelism": size,
            "backoffLimitPerIndex": 0,
            "podReplacementPolicy": "Failed",
            "activeDeadlineSeconds": int(description.deadline_s) + DEADLINE_SLACK_S,
            "template": {
                "metadata": _pod_metadata(run, spec),
                "spec": _pod_spec(run, spec, defaults),
            },
        },
    }


def file_keys(spec: Spec) -> dict[str, str]:
    """Return where in the run's folder each file of the manifest is: path as written -> path in the folder."""
    return {path: f"{FILES_FOLDER}/{path}" for path, _, _ in _files(spec)}


def _metadata(run: Run, name: str, labels: Mapping[str, str]) -> Manifest:
    return {
        "name": name,
        "namespace": run.namespace,
        "labels": {**run.labels, **labels},
        "ownerReferences": [owner_reference(run)],
    }


def _pod_metadata(run: Run, spec: Spec) -> Manifest:
    runners = spec.runners
    labels = dict(runners.labels or {}) if runners else {}
    annotations = dict(runners.annotations or {}) if runners else {}
    return {
        "labels": {**labels, **run.labels, NAME_LABEL: RUNNER_NAME},
        "annotations": {**DEFAULT_ANNOTATIONS, **annotations},
    }


def _pod_spec(run: Run, spec: Spec, defaults: PodDefaults) -> Manifest:
    written = _written(spec.runners)
    pod: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": GRACE_S,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(spec, written, defaults)],
        "volumes": [
            {"name": "kload-run", "projected": {"sources": _sources(run, spec)}},
            {"name": "kload-tmp", "emptyDir": {}},
            *written.get("volumes", ()),
        ],
    }
    copied = (
        "imagePullSecrets", "serviceAccountName", "nodeSelector", "tolerations", "affinity",
        "topologySpreadConstraints", "priorityClassName", "runtimeClassName",
    )  # fmt: skip
    pod |= {name: written[name] for name in copied if name in written}
    return pod


def _container(spec: Spec, written: Manifest, defaults: PodDefaults) -> Manifest:
    script_image = spec.script.image if spec.script else None
    container: Manifest = {
        "name": CONTAINER,
        "image": script_image or written.get("image") or defaults.image,
        "args": ["pod"],
        "env": [*map(_variable, spec.env or ()), *_OWN_VARIABLES],
        "ports": [{"name": "metrics", "containerPort": CONTROL_PORT}],
        "readinessProbe": {
            "httpGet": {"path": READY_PATH, "port": "metrics"},
            "periodSeconds": 1,
            "timeoutSeconds": 2,
            "failureThreshold": 3,
        },
        "resources": written.get("resources") or dict(DEFAULT_RESOURCES),
        "securityContext": dict(_MINIMAL_RIGHTS),
        "volumeMounts": [
            {"name": "kload-run", "mountPath": RUN_FOLDER, "readOnly": True},
            {"name": "kload-tmp", "mountPath": "/tmp"},  # in the pod
            *written.get("volumeMounts", ()),
        ],
    }
    policy = written.get("imagePullPolicy") or defaults.image_pull_policy
    return container | ({"imagePullPolicy": policy} if policy else {})


_OWN_VARIABLES: tuple[Manifest, ...] = (
    {"name": "KLOAD_CONFIG", "value": RUN_FOLDER},
    {"name": "KLOAD_POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    {"name": "KLOAD_NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
)


def _variable(variable: Any) -> Manifest:
    """Return an entry of `env` as a container has it."""
    found: Manifest = {"name": variable.name}
    if variable.value is not None:
        found["value"] = variable.value
    source = variable.value_from
    if source is None:
        return found
    for kind, ref in (
        ("secretKeyRef", source.secret_key_ref),
        ("configMapKeyRef", source.config_map_key_ref),
    ):
        if ref is not None:
            key = {"name": ref.name, "key": ref.key}
            found["valueFrom"] = {kind: key | ({"optional": True} if variable.is_optional else {})}
    return found


def _sources(run: Run, spec: Spec) -> list[Manifest]:
    """Return what is projected into the run's folder: the description, and the user's files at their paths."""
    description = {"name": run.name, "items": [{"key": RUN_FILE, "path": RUN_FILE}]}
    found: dict[str, list[Manifest]] = {}
    for path, name, key in _files(spec):
        found.setdefault(name, []).append({"key": key, "path": f"{FILES_FOLDER}/{path}"})
    files = [{"configMap": {"name": name, "items": items}} for name, items in found.items()]
    return [{"configMap": description}, *files]


def _files(spec: Spec) -> list[tuple[str, str, str]]:
    """Return path, ConfigMap and key of every file that comes from a ConfigMap."""
    found: dict[str, tuple[str, str, str]] = {}
    script_files = (spec.script.files if spec.script else None) or ()
    for item in script_files:
        if item.config_map_key_ref is not None:
            ref = item.config_map_key_ref
            found[item.path] = (item.path, ref.name, ref.key)
    for feed in (spec.data or {}).values():
        if feed.file is not None and feed.config_map_key_ref is not None:
            ref = feed.config_map_key_ref
            found[feed.file] = (feed.file, ref.name, ref.key)
    return list(found.values())


def _written(runners: Any) -> Manifest:
    """Return what the user set about the pods, named as in a manifest."""
    if runners is None:
        return {}
    found: Manifest = runners.model_dump(by_alias=True, exclude_none=True, mode="json")
    return found
