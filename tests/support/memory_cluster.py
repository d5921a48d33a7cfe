"""An API server in memory: as much of one as the operator can tell from the real one.

Held to the same contract as `KubernetesCluster` (`cluster_contract`). Objects have uid and resourceVersion, writes with
stale ones conflict, deletes take what they own with them. No watches, no schema, no fields beyond those asked for.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from kload_operator.cluster import (
    AlreadyExists,
    Conflict,
    Kind,
    Manifest,
    Manifests,
    NotFound,
    ProxyRequest,
    Versions,
)

Hook = Callable[[str, Kind], None]


class MemoryCluster:
    """The server.

    Attributes:
        before: called with verb and kind before every request is served; may raise.
        after: called after every write has been done; may raise, and the write stays done.
        writes: verb and plural of every write, in order.
    """

    def __init__(self) -> None:
        self.objects: dict[tuple[Kind, str, str], Manifest] = {}
        self.before: Hook = lambda verb, kind: None
        self.after: Hook = lambda verb, kind: None
        self.writes: list[tuple[str, str]] = []
        self._versions = itertools.count(1)
        self._uids = itertools.count(1)

    # -- the protocol --------------------------------------------------------------------------------------------------

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        self.before("get", kind)
        return copy.deepcopy(self._known(kind, namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Manifests:
        self.before("list", kind)
        wanted = dict(part.split("=", 1) for part in labels.split(",") if part)
        asked = dict(part.split("=", 1) for part in fields.split(",") if part)
        return [
            copy.deepcopy(found)
            for (known, where, _), found in self.objects.items()
            if known == kind
            and namespace in (None, where)
            and wanted.items() <= (found["metadata"].get("labels") or {}).items()
            and all(_field(found, path) == value for path, value in asked.items())
        ]

    async def versions(self, kind: Kind, namespace: str | None) -> Versions:
        found = await self.list(kind, namespace)
        return {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item["metadata"][
                "resourceVersion"
            ]
            for item in found
        }

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        self.before("create", kind)
        namespace, name = manifest["metadata"]["namespace"], manifest["metadata"]["name"]
        if (kind, namespace, name) in self.objects:
            raise AlreadyExists(f'409 {kind.plural} "{name}" already exists')
        made = self.put(kind, manifest)
        self._wrote("create", kind)
        return made

    async def apply_status(
        self, namespace: str, name: str, identity: Mapping[str, str], status: Mapping[str, Any]
    ) -> Manifest:
        kind = _LOADTESTS
        self.before("apply_status", kind)
        found = self._known(kind, namespace, name)
        if any(found["metadata"][key] != value for key, value in identity.items()):
            raise Conflict("409 the object has been modified")
        if found.get("status") != status:
            found["status"] = copy.deepcopy(dict(status))
            self._touch(found)
        self._wrote("apply_status", kind)
        return copy.deepcopy(found)

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Manifest) -> Manifest:
        self.before("merge", kind)
        found = self._known(kind, namespace, name)
        _merge(found, patch)
        self._touch(found)
        self._wrote("merge", kind)
        return copy.deepcopy(found)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        self.before("delete", kind)
        found = self.objects.get((kind, namespace, name))
        if found is not None and found["metadata"]["uid"] == uid:
            self.remove(kind, namespace, name)
        self._wrote("delete", kind)

    async def proxy(self, method: str, namespace: str, pod: str, request: ProxyRequest) -> bytes:
        raise NotFound(f"404 {pod}")

    # -- for tests -----------------------------------------------------------------------------------------------------

    def put(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Put an object in place, new or in another's stead, as a user or a controller would."""
        stored = copy.deepcopy(manifest)
        metadata = stored["metadata"]
        key = (kind, metadata["namespace"], metadata["name"])
        before = self.objects.get(key)
        metadata["uid"] = before["metadata"]["uid"] if before else f"uid-{next(self._uids)}"
        generation = before["metadata"]["generation"] if before else 0
        changed = before is None or before.get("spec") != stored.get("spec")
        metadata["generation"] = generation + changed
        if before is not None and "status" in before:
            stored.setdefault("status", before["status"])
        self._touch(stored)
        self.objects[key] = stored
        return copy.deepcopy(stored)

    def remove(self, kind: Kind, namespace: str, name: str) -> None:
        """Delete an object and everything it owns."""
        gone = self.objects.pop((kind, namespace, name))
        uid = gone["metadata"]["uid"]
        for key, item in list(self.objects.items()):
            owners = {owner["uid"] for owner in item["metadata"].get("ownerReferences", ())}
            if uid in owners and key in self.objects:
                self.remove(*key)

    def of(self, kind: Kind) -> Manifests:
        """Return all objects of a kind."""
        return [item for (known, _, _), item in self.objects.items() if known == kind]

    def _known(self, kind: Kind, namespace: str, name: str) -> Manifest:
        try:
            return self.objects[kind, namespace, name]
        except KeyError:
            raise NotFound(f'404 {kind.plural} "{name}" not found') from None

    def _touch(self, stored: Manifest) -> None:
        stored["metadata"]["resourceVersion"] = str(next(self._versions))

    def _wrote(self, verb: str, kind: Kind) -> None:
        self.writes.append((verb, kind.plural))
        self.after(verb, kind)


def _field(manifest: Manifest, path: str) -> object:
    value: Any = manifest
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _merge(target: Manifest, patch: Manifest) -> None:
    for key, value in patch.items():
        if value is None:
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = copy.deepcopy(value)


_LOADTESTS = Kind("kload.dev/v1alpha1", "loadtests")
