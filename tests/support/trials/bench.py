"""``make bench-cluster``: how long the operator's steps take and what it costs; prints a table in Markdown.

Measured on the harness' own cluster, with real runner pods for times and simulated ones for numbers of LoadTests.
Every value is of what a user would see: the target's clock, conditions of pods, the operator's own process.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

from cluster import proxies
from cluster.api import Object
from cluster.bed import Bed, open_bed
from cluster.bring_up import SCRAPE_INTERVAL_S, Cluster, bring_up
from cluster.failures import ClusterError
from cluster.output import say
from cluster.places import cluster_places, default_name
from cluster.simulated_nodes import simulated_node
from cluster.waiting import eventually
from fleet.component import playing
from fleet.manners import Manner

from trials.counting_target import CountingTarget, start_target
from trials.installations import (
    ACCOUNT,
    HOME,
    install_account,
    install_definition,
    kubeconfig_of,
    settings_for,
)
from trials.load_tests import KIND, get, load_test, users
from trials.observing import condition, finished, reached, runner_pods
from trials.operators import Operator

ROUNDS = 3
FLEET = 10
MANY = (1, 100, 500)
IDLE_S = 20.0
_RESTING = {"times": {"look": "1s", "scrapesWithin": "30s"}}


@dataclass
class Bench:
    """The cluster that is measured, and the rows of the table."""

    bed: Bed
    cluster: Cluster
    image: str
    account: dict[str, Any]
    folder: Path
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def note(self, what: str, goal: str, seen: str) -> None:
        """Add a row, and show it."""
        self.rows.append((what, goal, seen))
        say(f"  {what}: {seen}")

    @contextmanager
    def namespace(self, purpose: str) -> Iterator[str]:
        """A namespace for one measurement."""
        name = self.bed.make_namespace(f"bench-{purpose}")
        try:
            yield name
        finally:
            self.bed.remove_namespace(name)

    @contextmanager
    def operator(self, namespace: str, **changes: Any) -> Iterator[Operator]:
        """An operator for a namespace; keywords: fields of the operator, or settings."""
        kubeconfig = changes.pop("kubeconfig", self.account)
        where = {key: changes.pop(key) for key in ("within", "host") if key in changes}
        settings = settings_for(self.bed, self.image, namespace, **_RESTING, **changes)
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        with Operator(folder, kubeconfig, settings, **where) as running:
            running.wait_until_ready()
            yield running


def main() -> int:
    """Measure everything; print the table."""
    try:
        places = cluster_places(default_name())
        cluster = bring_up(places)
        bed = open_bed({}, places)
        image = bed.project_image()
        install_definition(bed)
        install_account(bed)
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(bed, cluster, image, kubeconfig_of(bed), Path(folder))
            for measure in (times_of_a_run, breach_to_stop, calls_of_a_run, resting_and_busy):
                measure(bench)
    except ClusterError as error:
        say(f"error: {error}")
        return 1
    print("| what | goal | seen |\n|---|---|---|")
    for row in bench.rows:
        print(f"| {' | '.join(row)} |")
    return 0


def times_of_a_run(bench: Bench) -> None:
    """Apply to first request, skew of ten runners, container start to readiness."""
    first: list[float] = []
    ready: list[float] = []
    skews: list[str] = []
    for number in range(ROUNDS):
        with bench.namespace(f"times-{number}") as namespace, bench.operator(namespace):
            target = start_target(bench.bed.api, namespace, bench.image)
            applied = time.time()
            bench.bed.api.apply(load_test("one", load=users(1, "3s"), steps=_STEPS), namespace)
            reached(bench.bed.api, namespace, "one", "Running")
            ready += [_ready_after_s(one) for one in runner_pods(bench.bed.api, namespace)]
            finished(bench.bed.api, namespace, "one")
            first.append(target.counts().first - applied)
            load = users(FLEET, "3s")
            bench.bed.api.apply(load_test("ten", runners=FLEET, load=load, steps=_STEPS), namespace)
            status = finished(bench.bed.api, namespace, "ten", within_s=180)
            skews.append(str(status["runners"].get("startSkew")))
    goal = f"≤ 5 s + one scrape interval ({SCRAPE_INTERVAL_S:g} s)"
    bench.note("apply → first request, one runner, image present", goal, _shown(first))
    bench.note(f"skew of the start over {FLEET} runners", "≤ 50 ms", ", ".join(skews))
    bench.note(
        "runner: container started → ready (kubelet's clock, whole seconds)", "≤ 1 s", _shown(ready)
    )


def breach_to_stop(bench: Bench) -> None:
    """From the first bad answer to the last request of three runners."""
    seen = []
    for number in range(ROUNDS):
        with bench.namespace(f"breach-{number}") as namespace, bench.operator(namespace):
            target = start_target(bench.bed.api, namespace, bench.image)
            rules = {"http_req_failed": ["rate<10% abort"]}
            load = users(6, "90s")
            manifest = load_test("abort", runners=3, load=load, steps=_STEPS, thresholds=rules)
            bench.bed.api.apply(manifest, namespace)
            reached(bench.bed.api, namespace, "abort", "Running")
            seen.append(_break_and_stop(bench, namespace, target))
    bench.note("breach → last request, 3 runners", "≤ 2 scrapes + 5 s", _shown(seen))


def calls_of_a_run(bench: Bench) -> None:
    """Requests to the API server and status writes of one run of three runners and 20 s."""
    with bench.namespace("calls") as namespace, proxies.before_api_server(bench.cluster) as proxy:
        kubeconfig = proxies.kubeconfig_through(bench.cluster, proxy, ACCOUNT, HOME)
        with bench.operator(namespace, kubeconfig=kubeconfig):
            start_target(bench.bed.api, namespace, bench.image)
            before = len(proxy.asks)
            manifest = load_test("calls", runners=3, load=users(3, "20s"), steps=_STEPS)
            bench.bed.api.apply(manifest, namespace)
            finished(bench.bed.api, namespace, "calls")
            asks = [one for one in proxy.asks[before:] if one.verb != "watch"]
            writes = sum(one.resource == "loadtests/status" for one in asks)
    bench.note("API calls of a run (3 runners, 20 s)", "bounded", str(len(asks)))
    bench.note("status writes among them", "bounded", str(writes))


def resting_and_busy(bench: Bench) -> None:
    """Memory and CPU of the operator while so many LoadTests run, and when they have ended."""
    enter = ["nsenter", f"--target={bench.cluster.processes.init_pid()}", "--net"]
    place = {"within": enter, "host": bench.cluster.addresses.control_plane}
    manner = Manner(load_s=10, rate_per_s=20)
    for many in MANY:
        with (
            simulated_node(bench.cluster, bench.bed.api, f"bench-{many}") as node,
            playing(bench.cluster, manner),
            bench.namespace(f"many-{many}") as namespace,
            bench.operator(namespace, **place) as operator,
        ):
            runners = {"replicas": 1, **node.placement()}
            began, cpu = time.monotonic(), operator.cpu_s()
            for number in range(many):
                manifest = load_test(f"t{number}", runners=runners, load=users(1, "10s"))
                bench.bed.api.apply(manifest, namespace)
            peak = _until_ended(bench, namespace, many, operator)
            busy = f"{operator.cpu_s() - cpu:.1f} s CPU in {time.monotonic() - began:.0f} s"
            _until_wound_up(bench, namespace)
            cpu = operator.cpu_s()
            time.sleep(IDLE_S)
            rest = (operator.cpu_s() - cpu) / IDLE_S
            memory = f"{peak >> 20} MiB at most"
            shown = f"{memory}; {busy}; then {rest:.1%} of a core"
            bench.note(f"operator with {many} LoadTests at once", "bounded", shown)


_STEPS = [get(), {"sleep": "20ms"}]


def _break_and_stop(bench: Bench, namespace: str, target: CountingTarget) -> float:
    target.answer(503)
    broken = target.counts().last
    finished(bench.bed.api, namespace, "abort")
    return target.counts().last - broken


def _until_ended(bench: Bench, namespace: str, many: int, operator: Operator) -> int:
    """Wait for the end of all; return the most memory that was seen."""
    peak = 0

    def ended() -> int:
        nonlocal peak
        peak = max(peak, operator.memory_bytes())
        tests = bench.bed.api.list(KIND, namespace)
        return sum(condition(one.get("status", {}), "Finished") == "True" for one in tests)

    eventually(ended, until=lambda n: n == many, within_s=900, every_s=2, what="the end of all")
    return peak


def _until_wound_up(bench: Bench, namespace: str) -> None:
    """Wait until the Job controller has noticed the end of all pods: with hundreds of Jobs it takes minutes."""

    def going_on() -> int:
        jobs = bench.bed.api.list("batch/v1/Job", namespace)
        return sum(
            not job["spec"].get("suspend") and not job.get("status", {}).get("completionTime")
            for job in jobs
        )

    eventually(
        going_on, until=lambda n: n == 0, within_s=600, every_s=5, what="the end of all Jobs"
    )


def _ready_after_s(pod: Object) -> float:
    (container,) = pod["status"]["containerStatuses"]
    ready = next(one for one in pod["status"]["conditions"] if one["type"] == "Ready")
    started = container["state"]["running"]["startedAt"]
    return (_moment(ready["lastTransitionTime"]) - _moment(started)).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(re.sub("Z$", "+00:00", text))


def _shown(seconds: list[float]) -> str:
    known = sorted(seconds)
    return f"{median(known):.2f} s (of {len(known)}: {known[0]:.2f}-{known[-1]:.2f})"


if __name__ == "__main__":
    sys.exit(main())
