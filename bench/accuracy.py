"""Does kload report what the server really took? Percentiles against a known truth, and a stall that must be seen.

The stall is the classic trap (coordinated omission): a closed loop sends fewer requests while the server stands
still and so hides it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import clients, measure, targets
from kload_spec.result import Result, totals

HERE = Path(__file__).parent
QUANTILES = {"p50": "med", "p95": "p95", "p99": "p99"}  # as the result document calls them
STALLED_RATE_PER_S = 200
RELATIVE_LIMIT, ABSOLUTE_LIMIT_MS = 0.02, 0.3  # either is enough


@dataclass(frozen=True, slots=True)
class Agreement:
    """One percentile, measured by the server and by kload, in milliseconds."""

    quantile: str
    truth_ms: float
    measured_ms: float

    @property
    def ok(self) -> bool:
        """Whether the two agree within 2 % or 0.3 ms."""
        error = abs(self.measured_ms - self.truth_ms)
        return error <= ABSOLUTE_LIMIT_MS or error <= RELATIVE_LIMIT * self.truth_ms


def percentiles(
    folder: Path, client: frozenset[int], server: frozenset[int], *, duration_s: int, rounds: int
) -> list[Agreement]:
    """Load a server of known latencies at half of what this pair can do and compare p50, p95 and p99.

    Of several rounds, each percentile's is the one with the median difference.
    """
    found: list[list[Agreement]] = []
    with targets.known_latencies(server) as url:
        capacity = _capacity(folder, url, client)
        for _ in range(rounds):
            httpx.get(f"{url}/truth")
            _open_loop(folder, url, client, rate=int(capacity / 2), duration_s=duration_s)
            truth = httpx.get(f"{url}/truth").json()
            measured = _metric(folder, "http_req_duration")
            found.append([Agreement(name, truth[name], measured[name]) for name in QUANTILES])
    return [_middle(of_one) for of_one in zip(*found, strict=True)]


def stall(
    folder: Path, client: frozenset[int], server: frozenset[int], max_vus: int
) -> dict[str, dict[str, float]]:
    """Load a server that stands still 2 s in every 10 s; return both durations' percentiles in milliseconds.

    With arrivals every 5 ms over 20 s, a fifth of the intended starts fall into a stall and wait 1 s on average: the
    true p95 is about 1.5 s and the true p99 about 1.9 s. With too few VUs arrivals are dropped, and infinite.
    """
    with targets.known_latencies(server, stall=True) as url:
        _open_loop(folder, url, client, rate=STALLED_RATE_PER_S, duration_s=20, max_vus=max_vus)
    return {name: _metric(folder, name) for name in ("http_req_duration", "http_req_response_time")}


def _middle(rounds: Sequence[Agreement]) -> Agreement:
    ordered = sorted(rounds, key=lambda one: one.measured_ms - one.truth_ms)
    return ordered[len(ordered) // 2]


def _capacity(folder: Path, url: str, client: frozenset[int]) -> float:
    job = clients.Job(url, vus=200, duration_s=3, folder=folder)
    cost = measure.run_pinned(clients.KLOAD_STEPS.command(job), client, folder / "capacity.log", {})
    return clients.KLOAD_STEPS.requests(job, cost.output) / job.duration_s


def _open_loop(
    folder: Path,
    url: str,
    client: frozenset[int],
    *,
    rate: int,
    duration_s: int,
    max_vus: int = 2000,
) -> None:
    command = [
        sys.executable, "-m", "kload_runner.cli", "run", str(HERE / "arrivals.yaml"), "--target", url,
        "-p", f"rate={rate}", "-p", f"duration={duration_s}s", "-p", f"maxVUs={max_vus}",
        "--out", f"json={folder / 'arrivals.json'}",
    ]  # fmt: skip
    cost = measure.run_pinned(command, client, folder / "arrivals.log", {})
    if not (folder / "arrivals.json").exists():
        raise subprocess.CalledProcessError(cost.exit_code, command, cost.output)


def _metric(folder: Path, name: str) -> dict[str, float]:
    stats = totals(Result.from_bytes((folder / "arrivals.json").read_bytes()))[name]
    return {quantile: stats[key] * 1000 for quantile, key in QUANTILES.items()}
