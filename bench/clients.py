"""The clients that are compared: how each is started, and how its own count of requests is read.

Every client does the same iteration (orders.yaml, orders.py, orders.js, locustfile.py): POST a JSON body of its
own, check the status, check a field of the JSON answer. wrk checks nothing: it is the limit of the machine.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement: the target, the load and a folder for what the client writes."""

    target: str
    vus: int
    duration_s: int
    folder: Path
    paced: bool = False
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Client:
    """A program under comparison."""

    name: str
    command: Callable[[Job], list[str]]
    requests: Callable[[Job, str], int]
    environment: Callable[[Job], Mapping[str, str]] = field(default=lambda job: {})


def _kload(manifest: str, paced: str | None = None) -> Callable[[Job], list[str]]:
    def command(job: Job) -> list[str]:
        file = paced if job.paced and paced else manifest
        return [
            sys.executable, "-m", "kload_runner.cli", "run", str(HERE / file), "--target", job.target,
            "-p", f"vus={job.vus}", "-p", f"duration={job.duration_s}s",
            "--workers", str(job.workers), "--out", f"json={job.folder / 'kload.json'}",
        ]  # fmt: skip

    return command


def _kload_requests(job: Job, output: str) -> int:
    return int(json.loads((job.folder / "kload.json").read_text())["summary"]["requests"])


def _k6_command(job: Job) -> list[str]:
    summary = job.folder / "k6.json"
    k6 = str(Path(sys.executable).parent / "k6")
    return [
        k6,
        "run",
        "--quiet",
        "--no-usage-report",
        f"--summary-export={summary}",
        str(HERE / "orders.js"),
    ]


def _k6_environment(job: Job) -> Mapping[str, str]:
    return {
        "TARGET": job.target,
        "VUS": str(job.vus),
        "DURATION": f"{job.duration_s}s",
        "PACED": "1" if job.paced else "0",
        "GOMAXPROCS": str(job.workers),
    }


def _k6_requests(job: Job, output: str) -> int:
    return int(json.loads((job.folder / "k6.json").read_text())["metrics"]["http_reqs"]["count"])


def _locust_command(job: Job) -> list[str]:
    command = [
        sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary",
        "-u", str(job.vus), "-r", str(job.vus), "-t", f"{job.duration_s}s", "-H", job.target,
        "--csv", str(job.folder / "locust"),
    ]  # fmt: skip
    return command if job.workers == 1 else [*command, "--processes", str(job.workers)]


def _locust_requests(job: Job, output: str) -> int:
    last = (job.folder / "locust_stats.csv").read_text().strip().splitlines()[-1].split(",")
    return int(last[2])


def _wrk_command(job: Job) -> list[str]:
    return [
        "wrk", f"-t{job.workers}", f"-c{job.vus}", f"-d{job.duration_s}s", "-s", str(HERE / "post.lua"), job.target,
    ]  # fmt: skip


def _wrk_requests(job: Job, output: str) -> int:
    found = re.search(r"(\d+) requests in", output)
    if not found:
        raise ValueError(f"wrk printed no total:\n{output}")
    return int(found.group(1))


KLOAD_STEPS = Client("kload steps", _kload("orders.yaml", "orders-paced.yaml"), _kload_requests)
KLOAD_SCRIPT = Client("kload Python", _kload("orders-script.yaml"), _kload_requests)
K6 = Client("k6 1.1.0", _k6_command, _k6_requests, _k6_environment)
LOCUST = Client(
    "Locust FastHttpUser",
    _locust_command,
    _locust_requests,
    lambda job: {"PACED": "1" if job.paced else "0"},
)
WRK = Client("wrk (no checks)", _wrk_command, _wrk_requests)

THROUGHPUT = (KLOAD_STEPS, KLOAD_SCRIPT, K6, LOCUST, WRK)
PACED = (KLOAD_STEPS, K6, LOCUST)
