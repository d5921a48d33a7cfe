"""The cluster's control groups: one branch that holds all its processes, and is all that they see.

The supervisor is started inside the branch and in a cgroup namespace of its own; within the cluster the branch is
mounted as the whole hierarchy. So containers of two clusters never meet, and what is left after a crash is one
branch by name. Knows cgroup v1 (a hierarchy per controller) and v2 (one for all).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

_TOP = Path("/sys/fs/cgroup")
# Moves itself into the cgroups named before `--`, then becomes the command after it.
ENTER = [
    "/bin/sh",
    "-c",
    'while [ "$1" != -- ]; do echo 0 > "$1" || exit 1; shift; done; shift; exec "$@"',
    "enter",
]


def name_of(cluster: str) -> str:
    """Return the name of the cluster's branch."""
    return f"kload-e2e-{cluster}"


def branches(cluster: str) -> list[Path]:
    """Return the cluster's branch in every hierarchy mounted on this machine, there or not."""
    if is_v2():
        return [_TOP / name_of(cluster)]
    parents = [entry for entry in sorted(_TOP.iterdir()) if entry.is_dir()]
    return [entry / name_of(cluster) for entry in parents if not entry.is_symlink()]


def make(cluster: str) -> list[Path]:
    """Make the branches and return the files that take in a process."""
    found = []
    for branch in branches(cluster):
        branch.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):  # v1: an empty cpuset takes in no process
            if not is_v2() and (branch.parent / name).exists():
                (branch / name).write_text((branch.parent / name).read_text())
        found.append(branch / "cgroup.procs")
    return found


def is_v2() -> bool:
    """Tell whether this machine has the unified hierarchy alone."""
    return (_TOP / "cgroup.controllers").exists()


def processes(cluster: str) -> list[int]:
    """Return the processes in the branches, of this machine's numbering."""
    found: set[int] = set()
    for branch in branches(cluster):
        for listing in branch.rglob("cgroup.procs") if branch.exists() else ():
            try:
                found |= {int(line) for line in listing.read_text().split()}
            except OSError:
                continue
    return sorted(found - {0})


def remove(cluster: str) -> None:
    """Kill what is left in the branches and remove them, the deepest first; what is busy stays for the next call."""
    for pid in processes(cluster):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for branch in branches(cluster):
        below = [Path(folder) for folder, _, _ in os.walk(branch)]
        for folder in sorted(below, key=lambda path: len(path.parts), reverse=True):
            try:
                folder.rmdir()
            except OSError:
                continue
