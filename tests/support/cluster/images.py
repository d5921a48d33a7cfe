"""The project's image: built from its Dockerfile, and brought to the node with only the layers the node lacks.

buildah keeps every layer it has built, so an edit rebuilds kload's own layer alone; the layers that containerd has
already are left out of what it is handed. Knows nothing of what is in the image.
"""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
import tempfile
from pathlib import Path

from cluster.base_image import BASE_IMAGE, base_archive
from cluster.bring_up import Cluster
from cluster.failures import ClusterError
from cluster.locks import exclusive
from cluster.output import step
from cluster.places import REPOSITORY, Places

PROJECT_IMAGE = "localhost/kload:dev"
# pip's own variables: an index, a folder of wheels or an authority that this machine needs, the build needs too.
_PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_CERT")


def load_project(cluster: Cluster, name: str, dockerfile: Path = REPOSITORY / "Dockerfile") -> None:
    """Build the image `name` from a Dockerfile at the root of the project and put it on the cluster's node.

    Raises:
        ClusterError: the build or the import failed.
    """
    places = cluster.places
    with exclusive(places.cache / "images.lock"):
        with step(f"image {name}: build"):
            build(places, name, dockerfile)
        with step(f"image {name}: import"), tempfile.TemporaryDirectory(dir=places.data) as folder:
            layout, archive = Path(folder, "layout"), Path(folder, "image.tar")
            _export(places, name, layout)
            _write_missing(layout, name, _blobs_on_node(cluster), archive)
            cluster.import_image(archive)


def build(places: Places, name: str, dockerfile: Path, base: str = BASE_IMAGE) -> None:
    """Build an image with buildah, in a store of the tests' own.

    Raises:
        ClusterError: the build failed; its last lines are in the text.
    """
    if base == BASE_IMAGE and not _has_image(places, base):
        _buildah(places, "pull", "--quiet", f"oci-archive:{base_archive(places)}")
    command = ["build", "--layers", "--isolation=chroot", "--network=host", "--format=oci"]
    command += ["--build-arg", f"BASE={base}", "--tag", name, "--file", str(dockerfile)]
    for setting in _PIP_SETTINGS:
        if value := os.environ.get(setting):
            command += ["--build-arg", f"{setting}={value}"]
            if Path(value).exists():
                command += ["--volume", f"{value}:{value}:ro"]
    _buildah(places, *command, str(dockerfile.parent))


def _export(places: Places, name: str, layout: Path) -> None:
    """Write the image as an OCI layout; compressed, since buildah insists, as fast as it can."""
    fast = ["--compression-format=zstd", "--compression-level=1"]
    _buildah(places, "push", "--quiet", *fast, name, f"oci:{layout}:image")


def _write_missing(layout: Path, name: str, present: set[str], archive: Path) -> None:
    """Write an archive of one image of a layout, without the blobs in `present`."""
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    key = "org.opencontainers.image.ref.name"
    entry["annotations"] = {"io.containerd.image.name": name, key: name}
    manifest = json.loads(_blob(layout, entry["digest"]).read_text())
    digests = [entry["digest"], manifest["config"]["digest"]]
    digests += [layer["digest"] for layer in manifest["layers"]]
    index = json.dumps({"schemaVersion": 2, "manifests": [entry]})
    with tempfile.TemporaryDirectory() as folder, tarfile.open(archive, "w") as tar:
        for file, content in (
            ("oci-layout", '{"imageLayoutVersion":"1.0.0"}'),
            ("index.json", index),
        ):
            Path(folder, file).write_text(content)
            tar.add(Path(folder, file), arcname=file)
        for digest in dict.fromkeys(digests):
            if digest not in present:
                path = _blob(layout, digest)
                tar.add(path, arcname=str(path.relative_to(layout)))


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def _blobs_on_node(cluster: Cluster) -> set[str]:
    socket = str(cluster.places.containerd_socket)
    command = ["ctr", "--address", socket, "--namespace", "k8s.io", "content", "ls", "--quiet"]
    return set(cluster.processes.inside(*command).split())


def _has_image(places: Places, name: str) -> bool:
    return name in _buildah(places, "images", "--format", "{{.Name}}:{{.Tag}}").split()


def _buildah(places: Places, *arguments: str) -> str:
    store = places.cache / "containers"
    where = ["--root", str(store / "root"), "--runroot", str(store / "run")]
    command = ["buildah", *where, "--storage-driver=overlay", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    if done.returncode:
        words = (done.stdout[-1500:] + done.stderr[-1500:]).strip()
        raise ClusterError(f"buildah {arguments[0]} failed:\n{words}")
    return done.stdout
