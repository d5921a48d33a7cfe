"""The Kubernetes API as the tests use it: plain dictionaries in and out.

The one module of the tests that imports `kubernetes`, for its kubeconfigs (an exec plugin of a cloud works too) and
its connections. Kinds are named as manifests name them: ``"v1/Pod"``, ``"batch/v1/Job"``; a path is found by
discovery.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

Object = dict[str, Any]
FIELD_MANAGER = "kload-e2e"
_TIMEOUT_S = 15.0


class ApiError(Exception):
    """The API server refused; `status` is the HTTP status, the text its message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Api:
    """A client for one cluster; `close` it when done.

    Every method raises :class:`ApiError` when the server refuses, and lets errors of the connection through.
    """

    def __init__(self, kubeconfig: Path | None = None, *, settings: Object | None = None) -> None:
        """Connect by a kubeconfig file, or by its content."""
        configuration = client.Configuration()
        loader: Any = config
        if settings is not None:
            loader.load_kube_config_from_dict(settings, client_configuration=configuration)
        else:
            loader.load_kube_config(str(kubeconfig), client_configuration=configuration)
        self._http: Any = client.ApiClient(configuration)
        self._resources: dict[str, tuple[str, bool]] = {}

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def apply(self, manifest: Mapping[str, Any], namespace: str | None = None) -> Object:
        """Apply one object server-side, in `namespace` unless it names its own."""
        kind, meta = kind_of(manifest), manifest["metadata"]
        path = self._path(kind, meta.get("namespace", namespace), meta["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self.request("PATCH", path, query, dict(manifest), "application/apply-patch+yaml")

    def apply_all(
        self, manifests: Iterable[Mapping[str, Any]], namespace: str | None = None
    ) -> None:
        """Apply objects in their order."""
        for manifest in manifests:
            self.apply(manifest, namespace)

    def create(
        self, manifest: Mapping[str, Any], namespace: str | None = None, *, dry_run: bool = False
    ) -> Object:
        """Create one object; with `dry_run` only ask whether it would be accepted."""
        path = self._path(kind_of(manifest), manifest["metadata"].get("namespace", namespace))
        query = {"dryRun": "All"} if dry_run else {}
        return self.request("POST", path, query, dict(manifest))

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object:
        """Return one object."""
        return self.request("GET", self._path(kind, namespace, name))

    def exists(self, kind: str, name: str, namespace: str | None = None) -> bool:
        """Tell whether there is such an object."""
        try:
            self.get(kind, name, namespace)
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def list(self, kind: str, namespace: str | None = None, labels: str = "") -> list[Object]:
        """Return the objects of a kind, in one namespace or in all."""
        query = {"labelSelector": labels} if labels else {}
        items: list[Object] = self.request("GET", self._path(kind, namespace), query)["items"] or []
        return items

    def patch(
        self,
        kind: str,
        name: str,
        body: Object,
        namespace: str | None = None,
        *,
        subresource: str = "",
    ) -> Object:
        """Merge `body` into an object, or into a subresource of it such as ``status``."""
        path = self._path(kind, namespace, name) + (f"/{subresource}" if subresource else "")
        return self.request("PATCH", path, {}, body, "application/merge-patch+json")

    def delete(
        self,
        kind: str,
        name: str,
        namespace: str | None = None,
        *,
        grace_s: int | None = None,
        propagation: str = "Background",
    ) -> None:
        """Delete an object; its children go in the background unless told otherwise. One that is gone is fine."""
        options: Object = {"propagationPolicy": propagation}
        if grace_s is not None:
            options["gracePeriodSeconds"] = grace_s
        try:
            self.request("DELETE", self._path(kind, namespace, name), {}, options)
        except ApiError as error:
            if error.status != 404:
                raise

    def logs(self, pod: str, namespace: str, container: str = "", *, tail: int = 0) -> str:
        """Return what a container wrote: all of it, or the last `tail` lines."""
        query = {"container": container} if container else {}
        if tail:
            query["tailLines"] = str(tail)
        return self._send("GET", self._path("v1/Pod", namespace, pod) + "/log", query).decode()

    def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Object | None = None,
        media: str = "application/json",
    ) -> Object:
        """Send any request and return its JSON answer."""
        answer: Object = json.loads(self._send(method, path, query or {}, body, media))
        return answer

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Object | None = None,
        media: str = "application/json",
    ) -> bytes:
        request = self._http.param_serialize(
            method,
            path,
            query_params=list(query.items()),
            header_params={"Accept": "application/json, */*", "Content-Type": media},
            body=body,
            auth_settings=["BearerToken"],
        )
        answer = self._http.call_api(*request, _request_timeout=_TIMEOUT_S)
        content: bytes = answer.read()
        if not 200 <= answer.status <= 299:
            raise ApiError(answer.status, _message_of(content))
        return content

    def _path(self, kind: str, namespace: str | None = None, name: str | None = None) -> str:
        api_version, _, short = kind.rpartition("/")
        top = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        if kind not in self._resources:
            for found in self.request("GET", top)["resources"]:
                if "/" not in found["name"]:
                    known = f"{api_version}/{found['kind']}"
                    self._resources[known] = (found["name"], found["namespaced"])
        if kind not in self._resources:
            raise ApiError(404, f"the server does not know {short} in {api_version}")
        plural, namespaced = self._resources[kind]
        middle = f"/namespaces/{namespace}" if namespaced and namespace else ""
        return f"{top}{middle}/{plural}" + (f"/{name}" if name else "")


def kind_of(manifest: Mapping[str, Any]) -> str:
    """Return the kind of a manifest as the methods of :class:`Api` take it."""
    return f"{manifest['apiVersion']}/{manifest['kind']}"


def documents(path: Path) -> list[Object]:
    """Return the objects of a YAML file."""
    return [one for one in yaml.safe_load_all(path.read_text(encoding="utf-8")) if one]


def _message_of(content: bytes) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, TypeError, KeyError):
        return content.decode(errors="replace")
