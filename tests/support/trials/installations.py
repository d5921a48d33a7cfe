"""What an operator needs in a cluster before it can run: the resource, a namespace, an account with the chart's rights.

Everything comes from what users install (`deploy/`, `charts/kload`), rendered by the real helm. Made once per
cluster; two tests that ask at once get the same.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

import yaml
from cluster.api import Object, documents
from cluster.bed import Bed
from cluster.failures import ClusterError
from cluster.places import REPOSITORY
from cluster.waiting import eventually

from trials.operators import free_port

CHART = REPOSITORY / "charts" / "kload"
DEFINITION = REPOSITORY / "deploy" / "crds" / "loadtests.kload.dev.yaml"
HOME = "kload-e2e"  # namespace of operators that run as processes
ACCOUNT = "kload-operator"
_RELEASE = "e2e"
_TIMES = {"look": "1s", "scrapesWithin": "20s"}


def helm(bed: Bed, *arguments: str, timeout_s: float = 120) -> str:
    """Run helm and return its output.

    Raises:
        ClusterError: it failed; its message is the text.
    """
    program = bed.cluster.tools["helm"] if bed.cluster else shutil.which("helm") or "helm"
    command = [program, f"--kubeconfig={bed.kubeconfig}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode:
        raise ClusterError(f"helm {arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def rendered(bed: Bed, *arguments: str) -> list[Object]:
    """Return what the chart makes of values."""
    text = helm(bed, "template", _RELEASE, str(CHART), f"--namespace={HOME}", *arguments)
    return [one for one in yaml.safe_load_all(text) if one]


def install_definition(bed: Bed) -> None:
    """Have the API server know LoadTests."""
    for definition in documents(DEFINITION):
        bed.api.apply(definition)

    def established() -> bool:
        kind, name = "apiextensions.k8s.io/v1/CustomResourceDefinition", "loadtests.kload.dev"
        found = bed.api.get(kind, name).get("status", {}).get("conditions") or ()
        return any(one["type"] == "Established" and one["status"] == "True" for one in found)

    eventually(established, what="the resource definition")


def install_account(bed: Bed, values: Sequence[str] = ()) -> None:
    """Make the operator's namespace and account with the rights of the chart, those of the pod proxy included."""
    bed.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}})
    chosen = ["--show-only=templates/rights.yaml", "--set=runnerAccess=proxy", *values]
    bed.api.apply_all(rendered(bed, *chosen), HOME)


def kubeconfig_of(bed: Bed, account: str = ACCOUNT, namespace: str = HOME) -> dict[str, Any]:
    """Return a kubeconfig's content that leads to the cluster as a service account."""
    token = bed.kubectl("-n", namespace, "create", "token", account, "--duration=4h").strip()
    content: dict[str, Any] = yaml.safe_load(
        bed.kubectl("config", "view", "--raw", "--minify", "--flatten")
    )
    content["users"] = [{"name": content["users"][0]["name"], "user": {"token": token}}]
    return content


def settings_for(bed: Bed, image: str, *namespaces: str, **changes: Any) -> dict[str, Any]:
    """Return the settings of an operator that watches these namespaces (or patterns)."""
    return {
        "namespace": HOME,
        "watchNamespaces": list(namespaces),
        "runnerImage": image,
        "runnerImagePullPolicy": "IfNotPresent",
        "runnerAccess": "direct" if bed.cluster else "proxy",
        "prometheus": [{"url": bed.prometheus_url}],
        "times": _TIMES,
        "port": free_port(),
        **changes,
    }
