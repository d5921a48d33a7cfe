"""`make bench`: kload beside k6, Locust and wrk, in one run on one machine, as ratios.

Rounds are interleaved (every client once, then again) and medians are taken, because small machines are noisy.
All load goes to 127.0.0.1, each measurement lasts a few seconds, and everything started here is ended here.

    python -m bench [--rounds N] [--seconds N] [--only throughput,shared,paced,accuracy] [--out FILE]
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import accuracy, clients, measure, targets

STALL_POOLS = (500, 20)  # VUs: enough for all arrivals of a stall, and too few
PARTS = ("throughput", "shared", "paced", "accuracy")


@dataclass(frozen=True, slots=True)
class Machine:
    """The cores for the client and for the target."""

    client: frozenset[int]
    target: frozenset[int]
    every: frozenset[int]


@dataclass(frozen=True, slots=True)
class Row:
    """The median of a client's rounds."""

    name: str
    requests_per_s: float
    cpu_per_100k_s: float
    peak_mb: float
    cpu_s: float


def main() -> int:
    """Run the chosen parts and print one Markdown page."""
    options = _options()
    missing = [name for name in ("nginx", "wrk") if not shutil.which(name)]
    if missing:
        print(
            f"bench needs {' and '.join(missing)}: apt-get install nginx-light wrk", file=sys.stderr
        )
        return 1
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("bench needs two cores: one for the client, one for the target", file=sys.stderr)
        return 1
    machine = Machine(frozenset(cores[-1:]), frozenset(cores[:1]), frozenset(cores[:2]))
    pages: list[str] = []
    with tempfile.TemporaryDirectory(prefix="kload-bench-") as folder:
        for part in options.only:
            page = _part(part, Path(folder), machine, options)
            print(page, flush=True)
            pages.append(page)
    if options.out:
        options.out.write_text("\n".join(pages))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6, help="length of one measurement")
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(PARTS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {', '.join(PARTS)}")
    return options


def _part(part: str, folder: Path, machine: Machine, options: argparse.Namespace) -> str:
    match part:
        case "throughput":
            rows = _throughput(folder, machine.client, machine.target, options, workers=1)
            return _table("50 VUs, client and target on a core each", rows)
        case "shared":
            rows = _throughput(folder, machine.every, machine.every, options, workers=2)
            return _table("50 VUs, client and target share both cores", rows)
        case "paced":
            return _paced(folder, machine, options)
        case _:
            return _accuracy(folder, machine, options)


def _throughput(
    folder: Path,
    client_cores: frozenset[int],
    target_cores: frozenset[int],
    options: argparse.Namespace,
    *,
    workers: int,
) -> list[Row]:
    with targets.nginx(folder, target_cores) as url:
        job = clients.Job(url, 50, options.seconds, folder, workers=workers)
        return _rows(clients.THROUGHPUT, job, client_cores, options.rounds)


def _rows(
    compared: Iterable[clients.Client], job: clients.Job, cores: frozenset[int], rounds: int
) -> list[Row]:
    compared = tuple(compared)
    costs: dict[str, list[tuple[int, measure.Cost]]] = {client.name: [] for client in compared}
    for round_ in range(rounds):
        for client in compared:
            print(f"  round {round_ + 1} of {rounds}: {client.name}", file=sys.stderr, flush=True)
            log = job.folder / "client.log"
            cost = measure.run_pinned(client.command(job), cores, log, client.environment(job))
            try:
                costs[client.name].append((client.requests(job, cost.output), cost))
            except (OSError, ValueError, KeyError) as error:
                raise RuntimeError(
                    f"{client.name} gave no result ({error}):\n{cost.output}"
                ) from error
    return [_median(name, job, found) for name, found in costs.items()]


def _median(name: str, job: clients.Job, found: list[tuple[int, measure.Cost]]) -> Row:
    def median(value: Callable[[int, measure.Cost], float]) -> float:
        return statistics.median(value(requests, cost) for requests, cost in found)

    return Row(
        name,
        requests_per_s=median(lambda requests, cost: requests / job.duration_s),
        cpu_per_100k_s=median(lambda requests, cost: cost.cpu_s / max(requests, 1) * 100_000),
        peak_mb=median(lambda requests, cost: cost.peak_mb),
        cpu_s=median(lambda requests, cost: cost.cpu_s),
    )


def _table(title: str, rows: list[Row]) -> str:
    by_name = {row.name: row for row in rows}
    references = [by_name[client.name] for client in (clients.K6, clients.LOCUST, clients.WRK)]
    lines = [
        f"### {title}",
        "",
        "| client | requests/s | CPU s per 100k requests | peak MB | × k6 | × Locust | × wrk |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        ratios = " | ".join(
            f"{row.requests_per_s / other.requests_per_s:.2f}" for other in references
        )
        lines.append(
            f"| {row.name} | {row.requests_per_s:,.0f} | {row.cpu_per_100k_s:.2f} | {row.peak_mb:.0f} | {ratios} |"
        )
    return "\n".join([*lines, ""])


def _paced(folder: Path, machine: Machine, options: argparse.Namespace) -> str:
    with targets.nginx(folder, machine.target) as url:
        few = _rows(clients.PACED, clients.Job(url, 1, 2, folder, paced=True), machine.client, 1)
        job = clients.Job(url, 1000, max(options.seconds, 8), folder, paced=True)
        rows = _rows(clients.PACED, job, machine.client, options.rounds)
    base = {row.name: row.peak_mb for row in few}
    lines = [
        f"### 1,000 VUs, one iteration a second each, for {job.duration_s} s",
        "",
        "| client | requests/s | CPU s | peak MB | MB per VU above one VU |",
        "|---|---:|---:|---:|---:|",
    ]
    for row in rows:
        per_vu = (row.peak_mb - base[row.name]) / 999
        lines.append(
            f"| {row.name} | {row.requests_per_s:,.0f} | {row.cpu_s:.2f} | {row.peak_mb:.0f} | {per_vu:.4f} |"
        )
    return "\n".join([*lines, ""])


def _accuracy(folder: Path, machine: Machine, options: argparse.Namespace) -> str:
    agreements = accuracy.percentiles(
        folder, machine.client, machine.target, duration_s=options.seconds, rounds=options.rounds
    )
    lines = ["### Accuracy: a server of known latencies at half of capacity", ""]
    lines += ["| percentile | truth ms | kload ms | within 2 % or 0.3 ms |", "|---|---:|---:|---|"]
    lines += [
        f"| {found.quantile} | {found.truth_ms:.3f} | {found.measured_ms:.3f} | {'yes' if found.ok else 'NO'} |"
        for found in agreements
    ]
    lines += ["", "### A server that stands still 2 s in every 10 s, arrivals at 200/s", ""]
    lines += ["| at most VUs | metric | p50 ms | p95 ms | p99 ms |", "|---:|---|---:|---:|---:|"]
    for max_vus in STALL_POOLS:
        stalled = accuracy.stall(folder, machine.client, machine.target, max_vus)
        lines += [
            f"| {max_vus} | {name} | {' | '.join(_ms(values[q]) for q in ('p50', 'p95', 'p99'))} |"
            for name, values in stalled.items()
        ]
    return "\n".join([*lines, ""])


def _ms(value: float) -> str:
    """Write milliseconds; dropped arrivals are above every bound."""
    return "∞" if math.isinf(value) else f"{value:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
