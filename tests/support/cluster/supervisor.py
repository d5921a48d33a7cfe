"""Process 1 of the cluster: starts its components, reaps what dies, and takes everything along when it ends.

Runs as the init of a process namespace of its own (with a network and a mount namespace), so the kernel itself
kills every component, shim and container when this process goes, however it goes. It also goes by itself when its
lifetime is over, or when the process that holds the other end of its lifeline is gone: no cluster outlives the test
run that made it.

Talks JSON lines over a unix socket (`processes.py` is the other end): ``start``, ``signal``, ``list``, ``end``.
Only the standard library and no import of the project: it is run as a file, before anything else exists.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from typing import Any

# Folders of the machine that the components would write to, each hidden under a file system of the cluster's own.
_HIDDEN = ("/run", "/var/lib/cni", "/var/lib/kubelet", "/var/log")
_CGROUPS = "/sys/fs/cgroup"


class Supervisor:
    """The components by name, and what became of them."""

    def __init__(self) -> None:
        self._pids: dict[str, int] = {}
        self._exits: dict[str, int] = {}
        self.ending = False

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request; what cannot be done comes back as ``error``."""
        verb = request.get("verb")
        try:
            if verb == "start":
                return {"pid": self._start(request)}
            if verb == "signal":
                os.kill(self._pids[request["name"]], request["signal"])
                return {}
            if verb == "list":
                return {"components": self._list()}
            if verb == "end":
                self.ending = True
                return {}
        except (OSError, KeyError) as error:
            return {"error": f"{verb}: {error!r}"}
        return {"error": f"unknown verb {verb!r}"}

    def reap(self) -> None:
        """Collect every dead child, also those that dead components left behind."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for name, known in list(self._pids.items()):
                if known == pid:
                    del self._pids[name]
                    self._exits[name] = os.waitstatus_to_exitcode(status)

    def _start(self, request: dict[str, Any]) -> int:
        name, argv = request["name"], request["argv"]
        if name in self._pids:
            return self._pids[name]
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        log = os.open(request["log"], flags, 0o644)
        try:
            pid = os.posix_spawn(
                argv[0],
                argv,
                os.environ | request.get("env", {}),
                file_actions=[(os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)],
                setsid=True,
            )
        finally:
            os.close(log)
        self._pids[name] = pid
        self._exits.pop(name, None)
        return pid

    def _list(self) -> dict[str, dict[str, int | None]]:
        alive: dict[str, dict[str, int | None]] = {
            name: {"pid": pid, "exit": None} for name, pid in self._pids.items()
        }
        return alive | {name: {"pid": None, "exit": code} for name, code in self._exits.items()}


def hide_machine(log_folder: str) -> None:
    """Mount file systems of the cluster's own over the folders of `_HIDDEN`.

    Mounts are shared within this mount namespace, because the kubelet and containerd pass mounts on to containers; the
    namespace itself is private, so that none of them reaches the machine.
    """
    subprocess.run(["mount", "--make-rshared", "/"], check=True)
    for folder in _HIDDEN:
        os.makedirs(folder, exist_ok=True)
        if folder == "/var/log":
            subprocess.run(["mount", "--bind", log_folder, folder], check=True)
        else:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", folder], check=True)
    os.makedirs("/run/netns", exist_ok=True)


def narrow_cgroups(name: str) -> None:
    """Mount the cluster's branch of every cgroup hierarchy as if it were the whole of it."""
    if os.path.exists(f"{_CGROUPS}/cgroup.controllers"):
        _make_leaf(f"{_CGROUPS}/{name}")
        subprocess.run(["mount", "--bind", f"{_CGROUPS}/{name}", _CGROUPS], check=True)
        return
    for entry in os.scandir(_CGROUPS):
        branch = f"{entry.path}/{name}"
        if not entry.is_symlink() and os.path.isdir(branch):
            subprocess.run(["mount", "--bind", branch, entry.path], check=True)


def _make_leaf(branch: str) -> None:
    """Move this process to a leaf of its own: under v2 a cgroup with processes hands no controllers down."""
    os.makedirs(f"{branch}/components", exist_ok=True)
    with open(f"{branch}/components/cgroup.procs", "w") as procs:
        procs.write("0")
    with open(f"{branch}/cgroup.controllers") as controllers:
        names = controllers.read().split()
    with open(f"{branch}/cgroup.subtree_control", "w") as handed_down:
        handed_down.write(" ".join(f"+{one}" for one in names))


def serve(path: str, lifetime_s: float, lifeline: int | None) -> None:
    """Answer requests until told to end, until the lifetime is over or the lifeline is cut."""
    supervisor = Supervisor()
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    deadline = time.monotonic() + lifetime_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(f"{path}.new")
        listener.listen()
        os.rename(f"{path}.new", path)  # whoever sees it can connect
        waiting: list[Any] = [listener, wake_read, *([] if lifeline is None else [lifeline])]
        while not supervisor.ending and time.monotonic() < deadline:
            ready, _, _ = select.select(waiting, [], [], 5)
            if wake_read in ready:
                os.read(wake_read, 4096)
            supervisor.reap()
            if lifeline is not None and lifeline in ready and not os.read(lifeline, 1):
                return
            if listener in ready:
                connection, _ = listener.accept()
                with connection:
                    answer_one(supervisor, connection)


def answer_one(supervisor: Supervisor, connection: socket.socket) -> None:
    """Read one request from the connection and answer it; a broken peer is nobody's loss."""
    connection.settimeout(5)
    try:
        with connection.makefile("rwb") as stream:
            line = stream.readline()
            if line:
                stream.write(json.dumps(supervisor.answer(json.loads(line))).encode() + b"\n")
    except (OSError, ValueError) as error:
        print(f"supervisor: {error!r}", file=sys.stderr, flush=True)


def main() -> None:
    """Hide the machine's folders, then serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", required=True)
    parser.add_argument("--logs", required=True)
    parser.add_argument("--cgroup", required=True)
    parser.add_argument("--lifetime-s", type=float, required=True)
    parser.add_argument("--lifeline", type=int)
    options = parser.parse_args()
    hide_machine(options.logs)
    narrow_cgroups(options.cgroup)
    serve(options.socket, options.lifetime_s, options.lifeline)


if __name__ == "__main__":
    main()
