"""A base image for the project's Dockerfile where no image can be pulled: Debian's Python, made with debootstrap once.

Stands in for the public image that the Dockerfile names by default; kept in the cache by the checksum of its recipe.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from cluster.failures import ClusterError
from cluster.image_archive import folder_as_layer, write_archive
from cluster.output import say, step
from cluster.places import Places

_SUITE = "bookworm"
_PACKAGES = "ca-certificates,python3,python3-venv"
_LEFT_OUT = (
    "dev",
    "proc",
    "sys",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
    "var/cache/apt",
    "var/lib/apt/lists",
    "var/log",
)
_KEY = hashlib.sha256(repr((_SUITE, _PACKAGES, _LEFT_OUT)).encode()).hexdigest()[:12]
BASE_IMAGE = f"localhost/kload-base:{_KEY}"


def base_archive(places: Places) -> Path:
    """Return the archive of the base image, made when the cache lacks it.

    Raises:
        ClusterError: debootstrap failed; its last words are in the text.
    """
    path = places.cache / "images" / f"base-{_KEY}.tar"
    if path.exists():
        return path
    say("making the base image with debootstrap, once: about a minute")
    path.parent.mkdir(parents=True, exist_ok=True)
    with step("base image"), tempfile.TemporaryDirectory(dir=path.parent) as folder:
        _bootstrap(Path(folder))
        layer = folder_as_layer(Path(folder), _LEFT_OUT)
        write_archive(path, BASE_IMAGE, layer, {"Cmd": ["python3"], "Env": ["PATH=/usr/bin:/bin"]})
    return path


def _bootstrap(folder: Path) -> None:
    command = [shutil.which("debootstrap") or "/usr/sbin/debootstrap", "--variant=minbase"]
    command += [f"--include={_PACKAGES}", _SUITE, str(folder), *_mirror()]
    # In namespaces of its own, so that what debootstrap mounts is gone with it, also when it is cut off.
    inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    done = subprocess.run([*inside, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stdout + done.stderr).strip()[-1000:]
        raise ClusterError(f"debootstrap could not make the base image: {words}")


def _mirror() -> list[str]:
    """Return the mirror this machine uses for the suite, if it has one; debootstrap knows the public one."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    command += ["Created-By: Packages", f"Codename: {_SUITE}", "Component: main"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split()[:1]
