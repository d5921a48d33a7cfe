"""The operator killed after its n-th write or runner call, for every n of a run; two operators; none for a while.

All of an operator's writes and commands go through one proxy here (runners by way of the API server), so that they
can be counted. A kill comes when the request has been carried out and its answer has not arrived: what the operator
did not learn is what it must find again. One more comes before the first of them has been carried out.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from chaos.faults import Hang, Rule
from chaos.requests import Ask
from cluster import proxies
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.waiting import eventually
from trials.counting_target import CountingTarget, start_target
from trials.installations import ACCOUNT, HOME, settings_for
from trials.load_tests import get, iterations, load_test, users
from trials.observing import (
    annotate,
    finished,
    is_finished,
    jobs,
    outcome,
    reached,
    runner_pods,
    status_of,
)
from trials.operators import Operator

RUNNERS = 2
AT_ONCE = 3  # runs side by side in a sweep
CARRIED_OUT_S = 0.3  # s a request is given on the other side of the proxy before the kill


def is_act(ask: Ask) -> bool:
    """Tell whether a request is a write or a command to a runner.

    A kill after a read is a kill after the write before it; events are only told, nothing depends on them.
    """
    return ask.verb in ("create", "patch", "delete", "update") and ask.resource != "events"


@dataclass
class Trip:
    """Takes note of when the n-th act of an operator passes.

    Attributes:
        at: n, from 1; 0: never.
        acts: what passed, as a person would say it.
    """

    at: int = 0
    acts: list[str] = field(default_factory=list)
    passed: threading.Event = field(default_factory=threading.Event)

    def __call__(self, ask: Ask) -> bool:
        if not is_act(ask):
            return False
        part = ask.path.rpartition("/proxy/")[2] if ask.resource == "pods/proxy" else ask.resource
        self.acts.append(f"{ask.verb} {part}")
        if len(self.acts) == self.at:
            self.passed.set()
            return True
        return False


@dataclass(frozen=True)
class End:
    """What became of a run.

    Attributes:
        outcome: verdict and reason.
        faults: what must not be, whatever the verdict.
        acts: those of all operators, in order.
        killed: False where the run came to its end before the act it was to be killed after.
    """

    outcome: str
    faults: list[str]
    acts: list[str]
    killed: bool


@dataclass(frozen=True)
class Sweep:
    """Runs the same LoadTest again and again, each time under an operator that dies at another point."""

    bed: Bed
    cluster: Cluster
    image: str
    folder: Path

    def run(self, point: int, *, carried_out: bool = True) -> End:
        """Run once, killed after the `point`-th act (0: not at all), which never arrives unless it is `carried_out`."""
        namespace = self.bed.make_namespace(f"kill-{point}")
        try:
            return self._run(point, Hang(passed_on=carried_out), namespace)
        finally:
            self.bed.remove_namespace(namespace)

    def _run(self, point: int, fault: Hang, namespace: str) -> End:
        target = start_target(self.bed.api, namespace, self.image)
        trip = Trip(point)
        with proxies.before_api_server(self.cluster) as proxy:
            kubeconfig = proxies.kubeconfig_through(self.cluster, proxy, ACCOUNT, HOME)
            settings = settings_for(self.bed, self.image, namespace, runnerAccess="proxy")
            operator = Operator(self.folder / namespace, kubeconfig, settings)
            with operator, proxy.failing(Rule(fault, where=trip, times=1)):
                operator.wait_until_ready()
                self.bed.api.apply(
                    load_test("shop", runners=RUNNERS, load=iterations(40, vus=4)), namespace
                )
                killed = bool(point) and self._kill(operator, trip, namespace)
                status = finished(self.bed.api, namespace, "shop", within_s=120)
                faults = self._faults(namespace, status, target)
                return End("/".join(outcome(status)), faults, trip.acts, killed)

    def _kill(self, operator: Operator, trip: Trip, namespace: str) -> bool:
        """Kill the operator once the act has passed, and start another; False if the run ends without it."""

        def decided() -> bool:
            over = is_finished(status_of(self.bed.api, namespace, "shop"))
            return trip.passed.is_set() or (over and not self._living(namespace))

        what = f"act {trip.at} or the end"
        eventually(decided, within_s=180, every_s=0.05, what=what)
        if not trip.passed.is_set():
            return False
        time.sleep(CARRIED_OUT_S)
        operator.kill()
        operator.start()
        return True

    def _living(self, namespace: str) -> list[str]:
        """Return the runners that have not ended."""
        return [
            one["metadata"]["name"]
            for one in runner_pods(self.bed.api, namespace)
            if one["status"].get("phase") not in ("Succeeded", "Failed")
        ]

    def _faults(self, namespace: str, status: dict[str, Any], target: CountingTarget) -> list[str]:
        """Return what must not be, whatever became of the run."""
        found = []
        made = jobs(self.bed.api, namespace)
        if len(made) != 1:
            found.append(f"{len(made)} Jobs")
        if len(pods := runner_pods(self.bed.api, namespace)) != RUNNERS:
            found.append(f"{len(pods)} pods")
        if status["run"]["number"] != 1 or len(status.get("history", ())) != 1:
            found.append("not one run")
        sent = target.counts().total
        if status["verdict"] == "Passed" and sent != 40:
            found.append(f"passed with {sent} of 40 requests")
        try:
            eventually(
                lambda: self._living(namespace),
                until=lambda living: not living,
                within_s=90,
                what="the runners' end",
            )
        except AssertionError as error:
            found.append(str(error))
        return found


ALLOWED = ("Passed/OnlyImplicitRules", "Error/StartFailed")


@pytest.mark.timeout(1200)
def test_a_kill_after_any_act_leads_to_the_same_verdict(
    bed: Bed, cluster: Cluster, image: str, installed: dict[str, Any], tmp_path: Path
) -> None:
    sweep = Sweep(bed, cluster, image, tmp_path)
    unharmed = sweep.run(0)
    assert (unharmed.outcome, unharmed.faults) == (ALLOWED[0], [])
    acts = until_released(unharmed.acts)
    with ThreadPoolExecutor(AT_ONCE) as side:
        ends = list(side.map(sweep.run, range(1, len(acts) + 1)))
    told = [
        f"killed after {point} ({', '.join(end.acts[:point])}): {end.outcome} {end.faults}"
        for point, end in enumerate(ends, 1)
        if end.faults or end.outcome not in ALLOWED
    ]
    assert not told, "\n".join(told)
    killed = [end for end in ends if end.killed]
    assert len(killed) >= len(acts) - 4, (
        "a run that is looked at less often has fewer acts, but not many"
    )
    passed = [end for end in killed if end.outcome == ALLOWED[0]]
    assert len(passed) >= len(killed) - 4, "only a kill while the fleet starts may cost the run"


def until_released(acts: list[str]) -> list[str]:
    """Return the acts of a run up to the release of its last runner; what comes behind it only repeats that."""
    releases = [index for index, act in enumerate(acts) if act.endswith("v1/release")]
    assert len(releases) >= RUNNERS, acts
    return acts[: releases[RUNNERS - 1] + 1]


def test_a_kill_before_the_first_write_costs_nothing(
    bed: Bed, cluster: Cluster, image: str, installed: dict[str, Any], tmp_path: Path
) -> None:
    end = Sweep(bed, cluster, image, tmp_path).run(1, carried_out=False)
    assert end.acts[0] == "patch loadtests/status", "a run is written down before anything is made"
    assert end.killed
    assert (end.outcome, end.faults) == (ALLOWED[0], [])


def test_a_kill_while_a_run_is_aborted_leaves_it_cancelled(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    alone = start_operator()
    steps = [get(), {"sleep": "50ms"}]
    bed.api.apply(load_test("shop", runners=2, load=users(2, "90s"), steps=steps), namespace)
    uid = reached(bed.api, namespace, "shop", "Running")["run"]["uid"]
    annotate(bed.api, namespace, "shop", abort=uid)
    eventually(
        lambda: status_of(bed.api, namespace, "shop")["phase"],
        until=lambda phase: phase != "Running",
        every_s=0.02,
        what="the persisted intent",
    )
    alone.kill()
    alone.start()
    assert outcome(finished(bed.api, namespace, "shop")) == ("Cancelled", "AbortedByPerson")
    assert status_of(bed.api, namespace, "shop")["summary"]["requests"] == target.counts().total


def test_a_run_goes_on_without_its_operator_and_is_judged_when_it_is_back(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    alone = start_operator()
    steps = [get(), {"sleep": "100ms"}]
    manifest = load_test(
        "shop", runners=2, load=users(2, "6s"), steps=steps, thresholds={"checks": ["rate==1"]}
    )
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    alone.kill()
    before = target.counts().total
    eventually(
        lambda: time.time() - target.counts().last > 2, within_s=30, what="the end of the load"
    )
    assert target.counts().total > before
    alone.start()
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert status["summary"]["requests"] == target.counts().total


def test_a_breach_while_no_operator_watched_is_no_pass(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    alone = start_operator()
    steps = [get(), {"sleep": "100ms"}]
    rules = {"http_req_failed": ["rate<1% abort"]}
    manifest = load_test("shop", load=users(2, "60s"), steps=steps, thresholds=rules)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    alone.kill()
    target.answer(503)
    seen = target.counts().total
    eventually(lambda: target.counts().total > seen + 20, what="failed requests")
    alone.start()
    status = finished(bed.api, namespace, "shop", within_s=45)
    assert outcome(status) == ("Failed", "ThresholdAborted")


def test_two_operators_make_one_run_and_one_verdict(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    start_operator("one")
    start_operator("two")
    for name in ("first", "second"):
        bed.api.apply(load_test(name, runners=2, steps=[get(f"/{name}")]), namespace)
    for name in ("first", "second"):
        status = finished(bed.api, namespace, name)
        assert outcome(status)[0] == "Passed", status["message"]
        assert len(status["history"]) == 1
    assert len(jobs(bed.api, namespace)) == 2
    assert len(runner_pods(bed.api, namespace)) == 4
    assert dict(target.counts().paths) == {"/first": 30, "/second": 30}


def test_an_operator_frozen_for_a_while_writes_nothing_stale(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    frozen = start_operator("frozen")
    bed.api.apply(load_test("shop", runners=2, load=users(2, "4s")), namespace)
    reached(bed.api, namespace, "shop", "Running")
    frozen.signal(signal.SIGSTOP)
    start_operator("other")
    before = finished(bed.api, namespace, "shop")
    frozen.signal(signal.SIGCONT)
    bed.api.apply(load_test("next", load=iterations(5)), namespace)
    finished(bed.api, namespace, "next")
    assert status_of(bed.api, namespace, "shop") == before
