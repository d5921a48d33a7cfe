"""The counting target as pod and service of a namespace, and what it says it was sent.

Asked through the API server's service proxy, so that it works wherever the tests' own credentials do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.api import Api, ApiError, Object
from cluster.pods import pod, service
from cluster.waiting import eventually

NAME = "target"
PORT = 8080
_PROGRAM = Path(__file__).with_name("target_server.py")
_FOLDER = "/etc/target"


@dataclass(frozen=True, slots=True)
class Counts:
    """What the target counted.

    Attributes:
        last: Unix time of the last request, by the node's clock; 0 without any.
        seconds: requests by second of Unix time.
    """

    total: int
    paths: Mapping[str, int]
    seconds: Mapping[int, int]
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class CountingTarget:
    """A target that runs in a namespace."""

    api: Api
    namespace: str

    @property
    def url(self) -> str:
        """Where pods reach it."""
        return f"http://{NAME}.{self.namespace}.svc.cluster.local"

    def counts(self) -> Counts:
        """Return what it has counted so far."""
        found = self.api.request("GET", f"{self._proxy}/_counts")
        seconds = {int(second): number for second, number in found["seconds"].items()}
        return Counts(found["total"], found["paths"], seconds, found["first"], found["last"])

    def answer(self, status: int) -> None:
        """Have everything answered with a status from now on; 0 ends that."""
        self.api.request("POST", f"{self._proxy}/_answer", {}, {"status": status})

    def forget(self) -> None:
        """Have it count from 0 again."""
        self.api.request("POST", f"{self._proxy}/_forget", {}, {})

    @property
    def _proxy(self) -> str:
        return f"/api/v1/namespaces/{self.namespace}/services/{NAME}:80/proxy"


def start_target(api: Api, namespace: str, image: str) -> CountingTarget:
    """Start a counting target in a namespace and return it once it answers."""
    api.apply_all(target_manifests(image), namespace)
    target = CountingTarget(api, namespace)
    eventually(lambda: _answers(target), within_s=60, what="the counting target")
    return target


def target_manifests(image: str) -> list[Object]:
    """Return the objects the target is made of."""
    program = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME},
        "data": {_PROGRAM.name: _PROGRAM.read_text(encoding="utf-8")},
    }
    server = pod(
        NAME,
        ["python3", f"{_FOLDER}/{_PROGRAM.name}", str(PORT)],
        image=image,
        spec={"volumes": [{"name": "program", "configMap": {"name": NAME}}]},
        volumeMounts=[{"name": "program", "mountPath": _FOLDER}],
        ports=[{"containerPort": PORT}],
        resources={"requests": {"cpu": "60m", "memory": "48Mi"}},
        readinessProbe={"httpGet": {"path": "/_counts", "port": PORT}, "periodSeconds": 1},
    )
    return [program, server, service(NAME, target_port=PORT)]


def _answers(target: CountingTarget) -> bool:
    try:
        return target.counts().total == 0
    except ApiError as error:
        raise AssertionError(str(error)) from error
