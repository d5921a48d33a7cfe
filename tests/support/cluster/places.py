"""Where the cluster keeps things: the cache of built tools, and the folder of one running cluster.

Pure paths, derived from the environment once at the door; creates and deletes nothing. Every other module of the
package is handed a :class:`Places` instead of reading the environment itself.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
_RUNNING = Path("/var/lib/kload-e2e")  # short, because a unix socket's path ends at 107 bytes
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,22}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Places:
    """The paths of one cluster.

    Attributes:
        name: the cluster's name; part of every path, link and cgroup it makes.
        cache: what outlives clusters: built tools, images, the base file system.
        running: what lives and dies with this cluster.
    """

    name: str
    cache: Path
    running: Path

    @property
    def lock(self) -> Path:
        """The file that whoever brings a cluster of this name up or down holds a lock on."""
        return self.running.parent / f".{self.name}.lock"

    @property
    def supervisor_socket(self) -> Path:
        return self.running / "supervisor.sock"

    @property
    def namespaces(self) -> Path:
        """The file that names the cluster's kernel namespaces, for whoever looks for its processes."""
        return self.running / "namespaces.json"

    @property
    def containerd_socket(self) -> Path:
        return self.running / "containerd.sock"

    @property
    def kubeconfig(self) -> Path:
        return self.running / "kubeconfig"

    @property
    def logs(self) -> Path:
        return self.running / "logs"

    @property
    def certificates(self) -> Path:
        return self.running / "pki"

    @property
    def config(self) -> Path:
        return self.running / "config"

    @property
    def data(self) -> Path:
        return self.running / "data"

    @property
    def facts(self) -> Path:
        """The file that says what was brought up (addresses, versions)."""
        return self.running / "cluster.json"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Return the folder of the cache: ``$XDG_CACHE_HOME/kload-e2e`` or ``~/.cache/kload-e2e``."""
    base = environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "kload-e2e"


def cluster_places(name: str, environ: Mapping[str, str] | None = None) -> Places:
    """Return the places of the cluster called `name`.

    Raises:
        ValueError: the name is not a DNS label of at most 24 characters.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"cluster name {name!r}: use at most 24 of a-z, 0-9 and '-', e.g. 'mine'")
    return Places(
        name=name,
        cache=cache_folder(os.environ if environ is None else environ),
        running=_RUNNING / name,
    )


def default_name(environ: Mapping[str, str] | None = None) -> str:
    """Return the name of this checkout's cluster, so that two checkouts never share one."""
    chosen = (os.environ if environ is None else environ).get("KLOAD_E2E_CLUSTER")
    if chosen:
        return chosen
    return "dev-" + hashlib.sha256(str(REPOSITORY).encode()).hexdigest()[:8]


def all_running() -> list[str]:
    """Return the names of every cluster that left a folder on this machine."""
    if not _RUNNING.is_dir():
        return []
    return sorted(entry.name for entry in _RUNNING.iterdir() if entry.is_dir())
