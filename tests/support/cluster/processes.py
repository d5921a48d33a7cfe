"""The other end of the supervisor: start the namespaces, then components in them, and stop, freeze or end them.

A component is known by name; its process numbers are those of the cluster's own process namespace, and only the
supervisor signals them: nothing on the machine outside can be hit by mistake. What the components are is not this
module's business.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cluster import cgroups
from cluster.failures import ClusterError
from cluster.places import Places

_SUPERVISOR = Path(__file__).parent / "supervisor.py"


@dataclass(frozen=True, slots=True)
class Component:
    """A program of the cluster and how it is run."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


def launch(places: Places, lifetime_s: float, lifeline: int | None = None) -> None:
    """Start the supervisor in network, mount and process namespaces of its own.

    Args:
        places: where its socket and logs go.
        lifetime_s: after so many seconds the cluster ends by itself.
        lifeline: read end of a pipe; when its other end is closed, the cluster ends.
    """
    places.logs.mkdir(parents=True, exist_ok=True)
    inner = ["--socket", str(places.supervisor_socket), "--logs", str(places.logs)]
    inner += ["--cgroup", cgroups.name_of(places.name)]
    inner += ["--lifetime-s", str(lifetime_s)]
    if lifeline is not None:
        inner += ["--lifeline", str(lifeline)]
    unshare = ["unshare", "--mount", "--pid", "--net", "--cgroup", "--fork", "--kill-child"]
    enter = [*cgroups.ENTER, *map(str, cgroups.make(places.name)), "--"]
    # Not a child of ours: the cluster may outlive this process, and is no zombie of it when it ends.
    detach = ["setsid", "--fork", *enter, *unshare, "--mount-proc", sys.executable, "-I"]
    with (places.logs / "supervisor.log").open("ab") as log:
        subprocess.run(
            [*detach, str(_SUPERVISOR), *inner],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=() if lifeline is None else (lifeline,),
            cwd="/",
            check=True,
        )
    deadline = time.monotonic() + 10
    while not places.supervisor_socket.exists():
        if time.monotonic() > deadline:
            text = (places.logs / "supervisor.log").read_text(errors="replace")[-600:]
            raise ClusterError(f"the namespaces of the cluster could not be made: {text}")
        time.sleep(0.01)
    places.namespaces.write_text(json.dumps(sorted(namespaces_of(Processes(places).init_pid()))))


def namespaces_of(pid: int) -> set[str]:
    """Return the mount, network and process namespace of a process; empty when it is gone."""
    try:
        return {os.readlink(f"/proc/{pid}/ns/{kind}") for kind in ("mnt", "net", "pid")}
    except OSError:
        return set()


class Processes:
    """The components of one running cluster."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def start(self, component: Component) -> None:
        """Start a component; one that runs already is left alone."""
        self._ask(
            verb="start",
            name=component.name,
            argv=list(component.argv),
            env=dict(component.env),
            log=str(self._places.logs / f"{component.name}.log"),
        )
        (self._places.config / f"{component.name}.command.json").write_text(
            json.dumps({"argv": list(component.argv), "env": dict(component.env)})
        )

    def start_again(self, name: str, *more: str) -> None:
        """Start a stopped component as it was started last, `more` arguments added for this once."""
        saved = json.loads((self._places.config / f"{name}.command.json").read_text())
        log = str(self._places.logs / f"{name}.log")
        argv = [*saved["argv"], *more]
        self._ask(verb="start", name=name, argv=argv, env=saved["env"], log=log)

    def stop(self, name: str, *, at_once: bool = False, within_s: float = 20.0) -> None:
        """End a component and wait for it: SIGTERM, and SIGKILL when that takes too long."""
        if not self.is_alive(name):
            return
        self.signal(name, signal.SIGKILL if at_once else signal.SIGTERM)
        deadline = time.monotonic() + within_s
        while self.is_alive(name):
            if time.monotonic() > deadline:
                self.signal(name, signal.SIGKILL)
                deadline += 10
            time.sleep(0.02)

    def freeze(self, name: str) -> None:
        """Stop a component in its tracks (SIGSTOP): its connections stay open and nothing answers."""
        self.signal(name, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """Let a frozen component go on."""
        self.signal(name, signal.SIGCONT)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a component."""
        self._ask(verb="signal", name=name, signal=int(number))

    def is_alive(self, name: str) -> bool:
        """Tell whether the component runs (frozen counts as running)."""
        state = self.states().get(name)
        return state is not None and state["exit"] is None

    def states(self) -> dict[str, dict[str, int | None]]:
        """Return pid and exit code of every component that was ever started."""
        components: dict[str, dict[str, int | None]] = self._ask(verb="list")["components"]
        return components

    def log_tail(self, name: str, lines: int = 20) -> str:
        """Return the last lines a component wrote."""
        path = self._places.logs / f"{name}.log"
        if not path.exists():
            return "(no log)"
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])

    def init_pid(self) -> int:
        """Return the supervisor's process id as this machine counts.

        Raises:
            ClusterError: no supervisor answers.
        """
        with self._connect() as connection:
            size = struct.calcsize("3i")
            raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid: int = struct.unpack("3i", raw)[0]
        return pid

    def inside(self, *command: str, check: bool = True, timeout_s: float = 60) -> str:
        """Run a command in the cluster's network and mount namespaces and return what it printed.

        Raises:
            ClusterError: it failed, and `check` is set.
        """
        enter = ["nsenter", f"--target={self.init_pid()}", "--net", "--mount"]
        done = subprocess.run(
            [*enter, *command],
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
            cwd="/",
        )
        if check and done.returncode:
            raise ClusterError(f"{' '.join(command)}: {done.stderr.strip()[-800:]}")
        return done.stdout

    def end(self) -> bool:
        """End the supervisor and with it every process of the cluster; False if none was there."""
        try:
            pid = self.init_pid()
        except ClusterError:
            return False
        handle = os.pidfd_open(pid)  # of this very process, whatever becomes of its number
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            _wait_for_exit(handle, within_s=60)
        except ProcessLookupError:
            pass
        finally:
            os.close(handle)
        return True

    def _ask(self, **request: Any) -> dict[str, Any]:
        with self._connect() as connection, connection.makefile("rwb") as stream:
            stream.write(json.dumps(request).encode() + b"\n")
            stream.flush()
            line = stream.readline()
        if not line:
            raise ClusterError("the cluster's supervisor closed the connection without an answer")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise ClusterError(f"the cluster's supervisor says: {reply['error']}")
        return reply

    def _connect(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(10)
        try:
            connection.connect(str(self._places.supervisor_socket))
        except OSError as error:
            connection.close()
            raise ClusterError(f"cluster {self._places.name!r} is not running ({error})") from error
        return connection


def _wait_for_exit(handle: int, within_s: float) -> None:
    if not select.select([handle], [], [], within_s)[0]:
        raise ClusterError(f"the cluster's processes did not end within {within_s:.0f} s")
