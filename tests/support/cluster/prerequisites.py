"""What the machine must offer, and the Debian packages that are installed when it does not.

Says in one line what is missing where a cluster cannot be had at all; installs what is merely absent. Must not build
or start anything.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from cluster.failures import ClusterError, Unavailable
from cluster.output import say

# The command that proves a package is there, and the package that brings it.
_COMMANDS = {
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "gcc": "gcc",
    "dpkg-deb": "dpkg",
    "mount": "mount",
}
_FILES = {
    Path("/usr/lib/cni/bridge"): "containernetworking-plugins",
    Path("/usr/include/stdlib.h"): "libc6-dev",
    Path("/bin/busybox"): "busybox-static",
}
_GO_NEEDED = (1, 26)


def blockers() -> list[str]:
    """Return what makes a cluster impossible here, each as a short phrase; empty when nothing does."""
    found = []
    if platform.system() != "Linux":
        found.append(f"Linux (this is {platform.system()})")
    elif os.geteuid() != 0:
        found.append("root (namespaces, mounts and cgroups are made)")
    if not shutil.which("go"):
        found.append("Go 1.26 or newer (the cluster's tools are built from source)")
    elif (reason := _go_too_old()) is not None:
        found.append(reason)
    absent = absent_packages()
    if absent and not shutil.which("apt-get"):
        found.append("apt-get, or by hand: " + " ".join(absent))
    return found


def require() -> None:
    """Raise when this machine cannot hold a cluster.

    Raises:
        Unavailable: with one line naming everything that is missing.
    """
    if missing := blockers():
        raise Unavailable("no cluster on this machine, it lacks: " + "; ".join(missing))


def absent_packages() -> list[str]:
    """Return the Debian packages whose files are not on this machine."""
    names = {package for command, package in _COMMANDS.items() if not shutil.which(command)}
    names |= {package for path, package in _FILES.items() if not path.exists()}
    return sorted(names)


def install(run: Callable[[list[str]], None] | None = None) -> None:
    """Install the absent Debian packages; do nothing when all are there.

    Args:
        run: runs one command or raises; the default calls apt-get.

    Raises:
        ClusterError: a package could not be installed.
    """
    names = absent_packages()
    if not names:
        return
    say(f"installing Debian packages (about a minute): {' '.join(names)}")
    command = run or _apt
    command(["update", "-qq"])
    command(["install", "-y", "-qq", "--no-install-recommends", *names])
    if still := absent_packages():
        raise ClusterError(f"installed, and still not found: {' '.join(still)}")


def _apt(arguments: list[str]) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        ["apt-get", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ClusterError(f"apt-get {' '.join(arguments)}: {done.stderr.strip()[-600:]}")


def _go_too_old() -> str | None:
    """Return a phrase if Go is too old and may not fetch a newer one by itself."""
    shown = subprocess.run(
        ["go", "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False
    ).stdout.split()
    match = re.match(r"go(\d+)\.(\d+)", shown[0] if shown else "")
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    if version >= _GO_NEEDED:
        return None
    if version >= (1, 21) and shown[-1] != "local":
        return None  # it downloads the toolchain that go.mod asks for
    return f"Go 1.26 or newer (found {shown[0] if shown else 'none'})"
