"""The project's image, built from its Dockerfile: runs as nobody, on a read-only root, and is quick to replace."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from cluster import images
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.places import REPOSITORY
from cluster.pods import pod
from cluster.waiting import eventually

# What the Dockerfile copies, and what says so.
TAKEN = ["Dockerfile", ".dockerignore", "LICENSE", "README.md", "pyproject.toml", "requirements"]
TAKEN += ["spec", "runner", "operator"]


def run(bed: Bed, namespace: str, name: str, image: str, *command: str) -> tuple[str, str]:
    """Run a command in a pod of an image; returns the pod's last phase and what it wrote."""
    # The runner keeps its files in /tmp: the one folder that the operator lets it write.
    scratch = {"spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    bed.api.apply(pod(name, command, image=image, volumeMounts=mounts, **scratch), namespace)
    over = eventually(
        lambda: str(bed.api.get("v1/Pod", name, namespace)["status"].get("phase")),
        until=lambda seen: seen in ("Succeeded", "Failed"),
        what=f"the end of pod {name}",
    )
    return over, bed.api.logs(name, namespace)


def test_it_runs_as_nobody_on_a_read_only_root(bed: Bed, namespace: str) -> None:
    program = "import os, kload_spec, kload_runner, kload_operator; print(os.getuid())"
    image = bed.project_image()
    assert run(bed, namespace, "import", image, "python3", "-c", program) == (
        "Succeeded",
        "65532\n",
    )
    over, wrote = run(bed, namespace, "kload", image, "kload", "--help")
    assert (over, "usage" in wrote.lower()) == ("Succeeded", True)


def test_a_runner_without_its_description_says_so(bed: Bed, namespace: str) -> None:
    over, wrote = run(bed, namespace, "runner", bed.project_image(), "kload", "pod")
    assert over == "Failed"
    assert "run.json" in wrote


def test_an_edit_is_in_a_running_pod_within_seconds(
    cluster: Cluster, bed: Bed, namespace: str, tmp_path: Path
) -> None:
    bed.project_image()  # what comes before the edit is there already
    tracked = ["git", "ls-files", "-z", "--", *TAKEN]
    listed = subprocess.run(tracked, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, tmp_path / name)
    with (tmp_path / "spec/kload_spec/__init__.py").open("a") as module:
        module.write("\nEDITED = True\n")
    began = time.monotonic()
    images.load_project(cluster, "localhost/kload:edited", tmp_path / "Dockerfile")
    program = "import kload_spec; print(kload_spec.EDITED)"
    over = run(bed, namespace, "edited", "localhost/kload:edited", "python3", "-c", program)
    took_s = time.monotonic() - began
    assert over == ("Succeeded", "True\n")
    assert took_s < 60  # seen: 8 s on two busy cores; a rebuild of all layers takes minutes
