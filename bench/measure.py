"""Run one client pinned to chosen cores and say what it cost: wall seconds, CPU seconds, peak memory.

Knows processes and the kernel's accounting; knows no client and no target.
"""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 120  # s; a client that hangs must not hang the benchmark


@dataclass(frozen=True, slots=True)
class Cost:
    """What a finished process took.

    `cpu_s` counts the process and all its children that ended; `peak_mb` is the largest resident set of any one
    of them.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    exit_code: int
    output: str


def run_pinned(
    command: Sequence[str], cores: frozenset[int], log: Path, environment: Mapping[str, str]
) -> Cost:
    """Run `command` on `cores` only, its output kept in `log`; raise TimeoutError after TIMEOUT_S."""
    started = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **environment},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        pid, status, usage = _wait(process, started + TIMEOUT_S)
    process.returncode = os.waitstatus_to_exitcode(status)  # Popen must not wait for it again
    assert pid == process.pid
    return Cost(
        wall_s=time.monotonic() - started,
        cpu_s=usage.ru_utime + usage.ru_stime,
        peak_mb=usage.ru_maxrss / 1024,
        exit_code=process.returncode,
        output=log.read_text(errors="replace"),
    )


def _wait(
    process: subprocess.Popen[bytes], deadline: float
) -> tuple[int, int, resource.struct_rusage]:
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            return pid, status, usage
        if time.monotonic() > deadline:
            process.kill()
            os.wait4(process.pid, 0)
            raise TimeoutError(f"{process.args!r} did not end within {TIMEOUT_S} s")
        time.sleep(0.02)
