"""Runner pods as they may be shaped. What is not listed here is the operator's and cannot be set."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator
from typing_extensions import override

from kload_spec.model.scalars import (
    JsonSchema,
    Keys,
    LooseStaticText,
    OneOf,
    OpenOf,
    StaticName,
    StaticText,
    Whole,
    fault,
    show,
)
from kload_spec.model.written import Written, says

MAX_RUNNERS = 1_000
LABEL = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi|E|Ei|n|u)?$"


class PullPolicy(StrEnum):
    """When the image is pulled."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


def _accept_quantity(value: object) -> object:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | str)
        or not re.fullmatch(QUANTITY, str(value))
    ):
        raise fault(f"{show(value)} is no quantity; write e.g. 500m or 256Mi")
    return value


class QuantityOf(OpenOf):
    """A Kubernetes quantity: ``1``, ``500m``, ``256Mi``."""

    @override
    def schema(self) -> JsonSchema:
        """Return an int-or-string schema."""
        return {"x-kubernetes-int-or-string": True, "maxLength": 32, "pattern": QUANTITY}


def _accept_map(value: object) -> object:
    if not isinstance(value, dict):
        raise fault(f"{show(value)} is no map")
    return value


_Quantity = Annotated[Any, QuantityOf(accept=_accept_quantity)]
_Quantities = Annotated[dict[str, _Quantity], Field(max_length=16), Keys("a resource", LABEL, 253)]
_Labels = Annotated[dict[str, LooseStaticText], Field(max_length=64), Keys("a label", LABEL, 317)]
_Open = Annotated[Any, OpenOf(editor={"type": "object"}, accept=_accept_map)]
_OpenList = Annotated[tuple[_Open, ...], Field(max_length=32)]


class Resources(Written):
    """What a runner asks for; one runner uses at most one core."""

    requests: Annotated[
        _Quantities | None,
        says("a map of quantities", "What is reserved.", {"cpu": "1", "memory": "256Mi"}),
    ] = None
    limits: Annotated[
        _Quantities | None,
        says("a map of quantities", "What is never exceeded.", {"memory": "1Gi"}),
    ] = None


class Toleration(Written):
    """A taint that runner pods put up with; as in a pod."""

    key: Annotated[StaticText | None, says("a taint's key", "Key of the taint.", "load")] = None
    operator: Annotated[StaticText | None, says("an operator", "Equal or Exists.", "Exists")] = None
    value: Annotated[LooseStaticText | None, says("text", "Value of the taint.", "true")] = None
    effect: Annotated[
        StaticText | None,
        says("an effect", "NoSchedule, PreferNoSchedule or NoExecute.", "NoSchedule"),
    ] = None
    toleration_seconds: Annotated[
        Annotated[int, Whole(0, 1_000_000_000)] | None,
        says("seconds", "How long NoExecute is put up with.", 300),
    ] = None


class PullSecret(Written):
    """A Secret with credentials for a registry."""

    name: Annotated[StaticName, says("a name", "Name of the Secret.", "registry")]


_Tolerations = Annotated[tuple[Toleration, ...], Field(max_length=32)]
_PullSecrets = Annotated[tuple[PullSecret, ...], Field(max_length=16)]


class Runners(Written):
    """The fleet: how many pods, and where they run."""

    replicas: Annotated[
        Annotated[int, Whole(1, MAX_RUNNERS)] | None,
        says("the number of runners", "Runner pods; the load is divided among them. Default 1.", 3),
    ] = None
    image: Annotated[
        StaticText | None,
        says("an image", "Image of the runner. Default: the operator's.", "registry/kload:0.1.0"),
    ] = None
    image_pull_policy: Annotated[
        Annotated[PullPolicy, OneOf(PullPolicy, "policy")] | None,
        says("a policy", "When the image is pulled.", "IfNotPresent"),
    ] = None
    image_pull_secrets: Annotated[
        _PullSecrets | None,
        says("a list of names", "Credentials for the registry.", [{"name": "registry"}]),
    ] = None
    service_account_name: Annotated[
        StaticName | None,
        says("a name", "ServiceAccount of the pods; no token is mounted.", "load-tests"),
    ] = None
    resources: Annotated[
        Resources | None,
        says("requests and limits", "Resources of each runner.", {"requests": {"cpu": "1"}}),
    ] = None
    node_selector: Annotated[
        _Labels | None, says("a map of labels", "Nodes the runners may run on.", {"pool": "load"})
    ] = None
    tolerations: Annotated[
        _Tolerations | None,
        says("a list of tolerations", "Taints the runners put up with.", [{"key": "load"}]),
    ] = None
    affinity: Annotated[
        _Open | None, says("an affinity", "As in a pod.", {"podAntiAffinity": {}})
    ] = None
    topology_spread_constraints: Annotated[
        _OpenList | None, says("a list of constraints", "As in a pod.")
    ] = None
    priority_class_name: Annotated[
        StaticName | None, says("a name", "PriorityClass of the pods.", "load-tests")
    ] = None
    runtime_class_name: Annotated[
        StaticName | None, says("a name", "RuntimeClass of the pods.", "runc")
    ] = None
    labels: Annotated[
        _Labels | None,
        says("a map of labels", "Labels of the pods; kload's own win.", {"team": "shop"}),
    ] = None
    annotations: Annotated[
        _Labels | None,
        says("a map of annotations", "Annotations of the pods, over kload's defaults against eviction and mesh"
             " injection.", {"sidecar.istio.io/inject": "true"}),
    ] = None  # fmt: skip
    volumes: Annotated[
        _OpenList | None,
        says("a list of volumes", "As in a pod.", [{"name": "data", "emptyDir": {}}]),
    ] = None
    volume_mounts: Annotated[
        _OpenList | None,
        says("a list of mounts", "Where the volumes appear in the runner; as in a container.",
             [{"name": "data", "mountPath": "/data"}]),
    ] = None  # fmt: skip

    @model_validator(mode="after")
    def _mounts_have_volumes(self) -> Runners:
        names = {volume.get("name") for volume in self.volumes or ()}
        for mount in self.volume_mounts or ():
            if mount.get("name") not in names:
                raise fault(
                    f"volumeMounts names volume {show(mount.get('name'))}, which `volumes` does not have"
                )
        return self
