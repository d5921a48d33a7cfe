"""Manifests the harness' own tests are written with: small pods and Jobs that a restricted namespace admits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cluster.small_images import BOX_IMAGE

Object = dict[str, Any]


def container(command: Sequence[str], *, image: str = BOX_IMAGE, **more: Any) -> Object:
    """Return a container that runs as nobody, may not write its root and gains no privileges."""
    security = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    return {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": list(command),
        "securityContext": security,
        **more,
    }


def pod_spec(command: Sequence[str], *, spec: Object | None = None, **more: Any) -> Object:
    """Return a pod's spec of one container; `spec` overrides its fields, `more` those of the container."""
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "containers": [container(command, **more)],
        **(spec or {}),
    }


def pod(name: str, command: Sequence[str], *, labels: Object | None = None, **more: Any) -> Object:
    """Return a pod of one container."""
    meta = {"name": name, "labels": {"app": name} | (labels or {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": pod_spec(command, **more)}


def indexed_job(name: str, command: Sequence[str], *, size: int = 2, **more: Any) -> Object:
    """Return an Indexed Job built as the operator builds a fleet: one pod per index, none replaced."""
    spec = {
        "completions": size,
        "parallelism": size,
        "completionMode": "Indexed",
        "backoffLimitPerIndex": 0,
        "podReplacementPolicy": "Failed",
        "template": {"metadata": {"labels": {"app": name}}, "spec": pod_spec(command, **more)},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def service(name: str, *, port: int = 80, target_port: int = 8080) -> Object:
    """Return a service that leads to the pods labelled ``app: name``."""
    spec = {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target_port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}
