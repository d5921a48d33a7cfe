"""``make demo-cluster``: kload in a cluster as a user would do it, command by command, down to the verdict's exit code.

Uses the harness' cluster, brought up if need be and left running, or the one of `KLOAD_E2E_KUBECONFIG` (then
`KLOAD_E2E_IMAGE` names an image of kload it can pull). Only the image is put in place behind the scenes; everything
else is what the README says.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.bed import OWN_KUBECONFIG, Bed, open_bed
from cluster.bring_up import bring_up
from cluster.failures import ClusterError
from cluster.images import PROJECT_IMAGE, load_project
from cluster.output import say
from cluster.places import REPOSITORY, cluster_places, default_name

NAMESPACE = "kload-demo"
TEST = "shop"
_WORK = REPOSITORY / ".cache" / "demo-cluster"
_OPERATOR = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../../../deploy]
images:
  - {{name: kload, newName: {name}, newTag: {tag}}}
"""
_SHOP = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {namespace}
resources: [../../../examples/cluster]
images:
  - {{name: kload, newName: {name}, newTag: {tag}}}
"""


@dataclass(frozen=True, slots=True)
class Shell:
    """Runs commands as a user types them, and shows them."""

    environ: Mapping[str, str]

    def run(self, *command: str, check: bool = True) -> int:
        """Show and run a command; return its exit code.

        Raises:
            ClusterError: it failed, and `check` is set.
        """
        say(f"$ {' '.join(command)}")
        code = subprocess.run(
            command, env=dict(self.environ), cwd=REPOSITORY, check=False
        ).returncode
        if check and code:
            raise ClusterError(f"{command[0]} ended with {code}")
        return code

    def watch(self, *command: str) -> subprocess.Popen[bytes]:
        """Show and start a command that goes on by itself."""
        say(f"$ {' '.join(command)} &")
        return subprocess.Popen(command, env=dict(self.environ), cwd=REPOSITORY)


def main() -> int:
    """Show everything; return the verdict's exit code."""
    try:
        bed = _bed()
        return demonstrate(Shell(_environment(bed)), _image(bed))
    except ClusterError as error:
        say(f"error: {error}")
        return 1


def demonstrate(shell: Shell, image: str) -> int:
    """Install the operator, run the load test, follow it, show how it ended; return the verdict's exit code."""
    operator, shop = _overlays(image)
    here = ("-n", NAMESPACE)
    say("\n# 1. the operator: one kustomize base, with the image of your registry")
    shell.run("kubectl", "apply", "--server-side", "--force-conflicts", "-k", operator)
    rollout = ("rollout", "status", "deployment/kload-operator", "--timeout=120s")
    shell.run("kubectl", "-n", "kload-system", *rollout)
    say("\n# 2. something to load, and a LoadTest of three runners")
    if shell.run("kubectl", "get", "namespace", NAMESPACE, "--ignore-not-found=false", check=False):
        shell.run("kubectl", "create", "namespace", NAMESPACE)
    shell.run("kubectl", *here, "delete", "klt", TEST, "--ignore-not-found")
    shell.run("kubectl", "apply", "-k", shop)
    say("\n# 3. follow it; `kload wait` ends with the verdict's exit code")
    following = shell.watch("kubectl", *here, "get", "klt", "-w")
    try:
        code = shell.run("kload", "wait", TEST, *here, "--timeout", "5m", check=False)
        time.sleep(1)  # let the last line of the watch appear
    finally:
        following.terminate()
        following.wait()
    say("\n# 4. how it ended")
    shell.run("kubectl", *here, "get", "klt", TEST, "-o", f"jsonpath={_SHOWN}")
    shell.run("kubectl", *here, "get", "events", "--field-selector", "involvedObject.kind=LoadTest")
    say(f"\nexit code {code}")
    return code


_SHOWN = (
    "{.status.verdict} ({.status.reason}): {.status.message}{'\\n'}"
    "{range .status.thresholds[*]}  {.verdict}{'\\t'}{.metric} {.expression}{'\\t'}observed {.observed}"
    " in {.samples} samples{'\\n'}{end}"
    "runners {.status.runners.ready}/{.status.runners.desired}, started within {.status.runners.startSkew};"
    " {.status.summary.requests} requests, {.status.summary.rate}, p95 {.status.summary.p95}{'\\n'}"
)


def _bed() -> Bed:
    places = cluster_places(os.environ.get("CLUSTER") or default_name())
    if not os.environ.get(OWN_KUBECONFIG):
        bring_up(places)
        say("(the cluster stays: `make cluster-down` removes it)")
    return open_bed(os.environ, places)


def _image(bed: Bed) -> str:
    if bed.cluster is None:
        return bed.project_image()
    load_project(bed.cluster, PROJECT_IMAGE)
    return PROJECT_IMAGE


def _environment(bed: Bed) -> dict[str, str]:
    folders = [str(Path(sys.executable).parent)]
    if bed.cluster is not None:
        folders.append(str(Path(bed.kubectl_program).parent))
    path = ":".join([*folders, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "KUBECONFIG": str(bed.kubeconfig)}


def _overlays(image: str) -> Sequence[str]:
    """Write the two overlays that a user would keep; return their folders, as seen from the repository."""
    name, _, tag = image.rpartition(":")
    names = {"name": name, "tag": tag, "namespace": NAMESPACE}
    for folder, text in (("operator", _OPERATOR), ("shop", _SHOP)):
        (_WORK / folder).mkdir(parents=True, exist_ok=True)
        (_WORK / folder / "kustomization.yaml").write_text(text.format(**names))
    return [str((_WORK / folder).relative_to(REPOSITORY)) for folder in ("operator", "shop")]


if __name__ == "__main__":
    sys.exit(main())
