"""The operator as a process of this machine: started with settings of its own, ended or killed at will.

It proves itself with the service account that the Helm chart makes, so what it may do is what users grant it. Its
log is kept in its folder. The cluster's pods are reached directly or through the API server, as the settings say.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import yaml
from cluster.waiting import eventually

LOG_LINES = 60


@dataclass
class Operator:
    """One operator process; a block: ``with Operator(...) as operator``.

    Attributes:
        folder: of its settings and its log.
        kubeconfig: content of the file that leads to the API server.
        settings: its configuration; see `kload_operator.settings`.
        within: command that takes it elsewhere, e.g. into a network namespace.
        host: where its own server is reached.
    """

    folder: Path
    kubeconfig: Mapping[str, Any]
    settings: Mapping[str, Any]
    within: Sequence[str] = ()
    host: str = "127.0.0.1"
    starts: int = 0
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __enter__(self) -> Operator:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def log(self) -> str:
        """The last lines it wrote, of all its starts."""
        path = self.folder / "operator.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return "\n".join(lines[-LOG_LINES:])

    @property
    def records(self) -> list[dict[str, str]]:
        """Everything it has logged, of all its starts."""
        path = self.folder / "operator.log"
        lines = path.read_text(errors="replace").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    @property
    def pid(self) -> int:
        """Its process id; of the running one."""
        assert self._process is not None, "the operator was not started"
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, again if need be."""
        assert not self.is_alive, "the operator runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        config, kubeconfig = self.folder / "operator.yaml", self.folder / "kubeconfig"
        config.write_text(yaml.safe_dump(json.loads(json.dumps(dict(self.settings)))))
        kubeconfig.write_text(yaml.safe_dump(dict(self.kubeconfig)))
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "HOME": str(self.folder),
            "KUBECONFIG": str(kubeconfig),
            "KLOAD_CONFIG": str(config),
            "PYTHONUNBUFFERED": "1",
        }
        self.starts += 1
        with (self.folder / "operator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self.within, sys.executable, "-m", "kload_operator"],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )

    def kill(self) -> None:
        """Kill it (SIGKILL): it gets to say nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal: SIGSTOP freezes it, SIGCONT lets it go on."""
        assert self._process is not None
        self._process.send_signal(number)

    def stop(self, within_s: float = 15.0) -> None:
        """Ask it to end (SIGTERM) and wait; one that does not is killed."""
        if self._process is None or not self.is_alive:
            return
        self._process.terminate()
        try:
            self._process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()

    def get(self, path: str) -> httpx.Response:
        """Ask its own server: `/metrics`, a probe."""
        return httpx.get(f"http://{self.host}:{self.settings['port']}{path}", timeout=5)

    def wait_until_ready(self, within_s: float = 90.0) -> None:
        """Wait until its readiness probe answers."""

        def ready() -> bool:
            if not self.is_alive:
                raise AssertionError(f"it has ended:\n{self.log}")
            try:
                return self.get("/readyz").status_code == 200
            except httpx.TransportError as error:
                raise AssertionError(str(error)) from error

        eventually(ready, within_s=within_s, unless=lambda _: not self.is_alive, what="operator")

    def memory_bytes(self) -> int:
        """Return its resident memory."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def cpu_s(self) -> float:
        """Return the seconds of CPU it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """Return a port that is free now on this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
