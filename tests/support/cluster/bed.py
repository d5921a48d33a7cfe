"""What a test stands on: a cluster to talk to, ours or somebody's, with its Prometheus and the project's image.

Chooses which cluster it is (`KLOAD_E2E_KUBECONFIG`, a named one, or a fresh one for this test run) and makes and
removes namespaces in it. Fixtures in ``tests/e2e/conftest.py`` hand it out.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.api import Api
from cluster.bring_up import Cluster, bring_up, running_cluster
from cluster.failures import ClusterError
from cluster.images import PROJECT_IMAGE, load_project
from cluster.locks import exclusive
from cluster.places import Places, cluster_places
from cluster.teardown import take_down
from cluster.waiting import eventually

OWN_KUBECONFIG = "KLOAD_E2E_KUBECONFIG"
OWN_PROMETHEUS = "KLOAD_E2E_PROMETHEUS"
OWN_IMAGE = "KLOAD_E2E_IMAGE"
KEPT_CLUSTER = "KLOAD_E2E_CLUSTER"


@dataclass(frozen=True, slots=True)
class Bed:
    """A cluster under test.

    Attributes:
        api: its API, as an administrator.
        kubeconfig: the file that leads there.
        prometheus_url: its Prometheus as this machine reaches it; empty when somebody's cluster names none.
        cluster: the levers on it; None when it is somebody's own.
        kubectl_program: kubectl.
    """

    api: Api
    kubeconfig: Path
    prometheus_url: str
    cluster: Cluster | None
    kubectl_program: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl and return its output.

        Raises:
            ClusterError: it failed; its message is the text.
        """
        command = [self.kubectl_program, f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def make_namespace(self, purpose: str) -> str:
        """Make a namespace named after its purpose, ready for bare pods; return its name."""
        short = re.sub(r"[^a-z0-9]+", "-", purpose.lower()).strip("-")[:40].strip("-")
        name = f"{short}-{secrets.token_hex(3)}"
        labels = {"kload.dev/e2e": "true"}
        meta = {"name": name, "labels": labels}
        self.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": meta})
        eventually(
            lambda: self.api.exists("v1/ServiceAccount", "default", name),
            what=f"the service account of namespace {name}",
        )
        return name

    def remove_namespace(self, name: str) -> None:
        """Have a namespace removed, without waiting for it."""
        self.api.delete("v1/Namespace", name)

    def project_image(self) -> str:
        """Return the name of the project's image on the nodes; built and loaded once per cluster."""
        if self.cluster is None:
            if image := os.environ.get(OWN_IMAGE):
                return image
            raise ClusterError(f"set {OWN_IMAGE} to an image of kload that your cluster can pull")
        loaded = self.cluster.places.running / "project-image"
        with exclusive(self.cluster.places.running / "project-image.lock"):
            if not loaded.exists():
                load_project(self.cluster, PROJECT_IMAGE)
                loaded.write_text(PROJECT_IMAGE)
        return PROJECT_IMAGE


def open_bed(environ: Mapping[str, str], places: Places) -> Bed:
    """Return the bed that stands already: somebody's cluster, or the one at `places`.

    Raises:
        ClusterError: there is none.
    """
    if own := environ.get(OWN_KUBECONFIG):
        path = Path(own).expanduser()
        return Bed(Api(path), path, environ.get(OWN_PROMETHEUS, ""), None, "kubectl")
    cluster = running_cluster(places)
    if cluster is None:
        raise ClusterError(f"cluster {places.name!r} is not running")
    kubectl = cluster.tools["kubectl"]
    return Bed(
        Api(cluster.kubeconfig), cluster.kubeconfig, cluster.prometheus_url, cluster, kubectl
    )


@contextmanager
def standing(environ: Mapping[str, str]) -> Iterator[Places]:
    """Have a cluster stand for as long as the block runs; yields where.

    A cluster named by `KLOAD_E2E_CLUSTER` is brought up if need be and left running. Without a name it is this
    process's own, and is gone afterwards even if this process is killed: it holds the other end of its lifeline.
    """
    kept = environ.get(KEPT_CLUSTER)
    places = cluster_places(kept or f"e2e-{os.getpid()}")
    if environ.get(OWN_KUBECONFIG):
        yield places
        return
    if kept:
        bring_up(places)
        yield places
        return
    lifeline, held = os.pipe()
    try:
        bring_up(places, lifeline=lifeline)
        os.close(lifeline)
        yield places
    finally:
        os.close(held)
        take_down(places)
