"""The Kubernetes API as the operator uses it: plain dictionaries in and out, every call with a timeout.

`Cluster` is the seam: everything else in the operator knows only it, tests hold a fake to the same contract as the
real API server. `KubernetesCluster` is the only importer of `kubernetes` (its aio client). It retries nothing: whoever
asks knows whether to come back, and the error says how soon.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/ and .../server-side-apply/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import aiohttp
from kubernetes.aio import client, config

from kload_spec.model import API_VERSION, GROUP, PLURAL, VERSION

Manifest: TypeAlias = dict[str, Any]
Manifests: TypeAlias = list[Manifest]
Pairs: TypeAlias = list[tuple[str, str]]
Versions: TypeAlias = dict[tuple[str, str], str]

FIELD_MANAGER = "kload-operator"
TIMEOUT_S = 10.0
_APPLY = "application/apply-patch+yaml"  # without it the client silently sends a merge patch
_MERGE = "application/merge-patch+json"
_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class ClusterError(Exception):
    """The API server did not do it."""


class NotFound(ClusterError):
    """There is no such object (404)."""


class AlreadyExists(ClusterError):
    """An object of that name exists (409 on create); it is the caller's to find out whose it is."""


class Conflict(ClusterError):
    """The object has changed, or is another one of the same name (409 with resourceVersion or uid): read it again."""


class Refused(ClusterError):
    """The request can never succeed as it is (400, 403, 405, 413, 422): trying again does not help."""


class Busy(ClusterError):
    """The API server cannot now (429, 5xx, connection): come back.

    Attributes:
        after_s: when, if it said so.
    """

    def __init__(self, message: str, after_s: float | None = None) -> None:
        self.after_s = after_s
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Kind:
    """Where objects of a kind are."""

    api: str
    plural: str

    def path(self, namespace: str | None = None, name: str | None = None, sub: str = "") -> str:
        """Return the path of the collection, or of one object or subresource."""
        top = f"/apis/{self.api}" if "/" in self.api else f"/api/{self.api}"
        middle = f"/namespaces/{namespace}" if namespace else ""
        tail = f"/{name}" if name else ""
        return f"{top}{middle}/{self.plural}{tail}" + (f"/{sub}" if sub else "")


LOADTESTS = Kind(f"{GROUP}/{VERSION}", PLURAL)
JOBS = Kind("batch/v1", "jobs")
PODS = Kind("v1", "pods")
CONFIG_MAPS = Kind("v1", "configmaps")
SECRETS = Kind("v1", "secrets")
EVENTS = Kind("v1", "events")


class Cluster(Protocol):
    """What the operator asks of a cluster. Every call may raise ClusterError."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """Return one object. Raises NotFound."""
        ...

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Manifests:
        """Return the objects of a kind, in a namespace or everywhere."""
        ...

    async def versions(self, kind: Kind, namespace: str | None) -> Versions:
        """Return the resourceVersion of every object of a kind by namespace and name, without the objects."""
        ...

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create an object in the namespace it names. Raises AlreadyExists."""
        ...

    async def apply_status(
        self, namespace: str, name: str, identity: Mapping[str, str], status: Mapping[str, Any]
    ) -> Manifest:
        """Replace the operator's status of a LoadTest, if it still is what was read.

        Args:
            identity: uid and resourceVersion. Raises Conflict if either differs.
        """
        ...

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """Merge a patch into an object. Raises NotFound, Conflict."""
        ...

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete an object in the background if it still has this uid; one that is gone is fine."""
        ...

    async def proxy(self, method: str, namespace: str, pod: str, request: ProxyRequest) -> bytes:
        """Ask a pod through the API server and return its answer's body."""
        ...


@dataclass(frozen=True, slots=True)
class ProxyRequest:
    """What is asked of a pod."""

    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes = b""
    timeout_s: float = TIMEOUT_S


class KubernetesCluster:
    """A real API server. Make it with `connect`, `close` it."""

    def __init__(self, http: Any) -> None:
        self._http = http
        self.calls = 0

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None) -> KubernetesCluster:
        """Connect with the pod's service account, or with a kubeconfig where there is none (or one is given)."""
        settings = client.Configuration()
        settings.retries = None
        settings.connection_pool_maxsize = 64
        loader: Any = config
        try:
            if kubeconfig is not None:
                raise config.ConfigException("a kubeconfig is given")
            loader.load_incluster_config(settings)
        except config.ConfigException:
            path = str(kubeconfig) if kubeconfig is not None else None
            await loader.load_kube_config(path, client_configuration=settings)
        return cls(client.ApiClient(settings))

    async def close(self) -> None:
        """Close its connections."""
        await self._http.close()

    async def get(self, kind: Kind, namespace: str, name: str) -> Manifest:
        """Return one object."""
        return await self._json("GET", kind.path(namespace, name))

    async def list(
        self, kind: Kind, namespace: str | None, *, labels: str = "", fields: str = ""
    ) -> Manifests:
        """Return the objects of a kind."""
        query = [("labelSelector", labels)] if labels else []
        query += [("fieldSelector", fields)] if fields else []
        found = await self._json("GET", kind.path(namespace), query)
        items: list[Manifest] = found.get("items") or []
        return items

    async def versions(self, kind: Kind, namespace: str | None) -> Versions:
        """Return the resourceVersions of a kind's objects."""
        found = await self._json("GET", kind.path(namespace), accept=_METADATA)
        return {
            (item["metadata"]["namespace"], item["metadata"]["name"]): item["metadata"][
                "resourceVersion"
            ]
            for item in found.get("items") or ()
        }

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create an object."""
        query = [("fieldManager", FIELD_MANAGER)]
        path = kind.path(manifest["metadata"]["namespace"])
        return await self._json("POST", path, query, manifest)

    async def apply_status(
        self, namespace: str, name: str, identity: Mapping[str, str], status: Mapping[str, Any]
    ) -> Manifest:
        """Replace the operator's status of a LoadTest by server-side apply."""
        body = {
            "apiVersion": API_VERSION,
            "kind": "LoadTest",
            "metadata": {"name": name, "namespace": namespace, **identity},
            "status": dict(status),
        }
        query = [("fieldManager", FIELD_MANAGER), ("force", "true")]
        path = LOADTESTS.path(namespace, name, "status")
        return await self._json("PATCH", path, query, body, _APPLY)

    async def merge(self, kind: Kind, namespace: str, name: str, patch: Manifest) -> Manifest:
        """Merge a patch into an object."""
        query = [("fieldManager", FIELD_MANAGER)]
        return await self._json("PATCH", kind.path(namespace, name), query, patch, _MERGE)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Delete an object in the background."""
        options = {"propagationPolicy": "Background", "preconditions": {"uid": uid}}
        try:
            await self._json("DELETE", kind.path(namespace, name), [], options)
        except (NotFound, Conflict):
            return  # gone already, or another one of the same name

    async def proxy(self, method: str, namespace: str, pod: str, request: ProxyRequest) -> bytes:
        """Ask a pod through the API server."""
        path = PODS.path(namespace, f"{pod}:{request.port}", f"proxy{request.path}")
        serialized = await self._http.param_serialize(
            method,
            path,
            header_params={"Content-Type": "text/plain", **request.headers},
            body=request.body.decode(),
            auth_settings=["BearerToken"],
        )
        return await self._send(serialized, request.timeout_s)

    async def _json(
        self,
        method: str,
        path: str,
        query: Pairs | None = None,
        body: Manifest | None = None,
        media: str = _JSON,
        accept: str = _JSON,
    ) -> Manifest:
        serialized = await self._http.param_serialize(
            method,
            path,
            query_params=query or [],
            header_params={"Accept": accept, "Content-Type": media},
            body=body,
            auth_settings=["BearerToken"],
        )
        found: Manifest = json.loads(await self._send(serialized, TIMEOUT_S))
        return found

    async def _send(self, serialized: Any, timeout_s: float) -> bytes:
        method, url = serialized[0], serialized[1]
        self.calls += 1
        try:
            answer = await self._http.call_api(
                *serialized, _request_timeout=aiohttp.ClientTimeout(total=timeout_s)
            )
            content: bytes = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Busy(f"{method} {url}: {type(error).__name__} {error}") from error
        if 200 <= answer.status <= 299:
            return content
        raise _error_of(method, answer.status, content, answer.headers)


def _error_of(method: str, status: int, content: bytes, headers: Mapping[str, str]) -> ClusterError:
    """Map an answer to what it means for the caller."""
    message, reason = _told(content)
    text = f"{status} {message}"
    if status == 404:
        return NotFound(text)
    if status == 409:
        return AlreadyExists(text) if reason == "AlreadyExists" else Conflict(text)
    if status == 401 or status == 429 or status >= 500:
        after = headers.get("Retry-After", "")
        return Busy(text, float(after) if after.isdecimal() else None)
    return Refused(text)


def _told(content: bytes) -> tuple[str, str]:
    try:
        found = json.loads(content)
        return str(found["message"]), str(found.get("reason", ""))
    except (ValueError, TypeError, KeyError):
        return content.decode(errors="replace")[:500], ""
