"""An API server that is busy, away, forgetful or silent: runs go on, nothing is doubled, nothing waits for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chaos.faults import Answer, EndWatch, Rule, status_answer, watch_gone
from chaos.proxy import ChaosProxy
from cluster import faults, proxies
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.waiting import eventually
from trials.counting_target import CountingTarget
from trials.installations import ACCOUNT, HOME
from trials.load_tests import KIND, get, load_test, users
from trials.observing import finished, jobs, outcome, reached, status_of
from trials.operators import Operator

STEPS = [get(), {"sleep": "50ms"}]
Start = Callable[..., Operator]


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[ChaosProxy]:
    """A proxy before the API server."""
    with proxies.before_api_server(cluster) as running:
        yield running


@pytest.fixture
def proxied(
    cluster: Cluster, installed: dict[str, Any], proxy: ChaosProxy, start_operator: Start
) -> Operator:
    """An operator that reaches the API server through the proxy."""
    return start_operator(kubeconfig=proxies.kubeconfig_through(cluster, proxy, ACCOUNT, HOME))


def passes(bed: Bed, namespace: str, target: CountingTarget, *, within_s: float = 90) -> None:
    """Check that the run passed, was one, and that every request was counted."""
    status = finished(bed.api, namespace, "shop", within_s=within_s)
    assert outcome(status)[0] == "Passed", status["message"]
    assert len(jobs(bed.api, namespace)) == len(status["history"]) == 1
    assert status["summary"]["requests"] == target.counts().total


def test_an_overloaded_api_server_is_obeyed(
    bed: Bed, namespace: str, proxy: ChaosProxy, proxied: Operator, target: CountingTarget
) -> None:
    busy = status_answer(429, "TooManyRequests", "please try again later", retry_after_s=1)
    rules = [
        proxy.add(Rule(busy, verb="patch", resource="loadtests/status", times=3)),
        proxy.add(Rule(busy, verb="create", resource="jobs", times=2)),
        proxy.add(Rule(busy, verb="get", resource="loadtests", times=3, after=4)),
    ]
    bed.api.apply(load_test("shop", runners=2), namespace)
    passes(bed, namespace, target)
    assert [rule.hits for rule in rules] == [3, 2, 3]
    writes = proxy.count("patch", "loadtests/status")
    assert writes < 40, f"{writes} status writes"


def test_a_run_survives_an_api_server_that_fails_for_a_while(
    bed: Bed, namespace: str, proxy: ChaosProxy, proxied: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS), namespace)
    reached(bed.api, namespace, "shop", "Running")
    broken = status_answer(500, "InternalError", "etcdserver: leader changed")
    with proxy.failing(Rule(broken)) as rule:
        proxy.cut_all()
        before = target.counts().total
        eventually(lambda: target.counts().total > before + 60, what="load during the outage")
        eventually(lambda: rule.hits > 0, what="a request that failed")
    assert proxied.is_alive
    passes(bed, namespace, target)
    assert proxied.starts == 1


@pytest.mark.disruptive
def test_a_run_survives_an_etcd_that_is_away(
    bed: Bed, cluster: Cluster, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    alone = start_operator()
    bed.api.apply(load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS), namespace)
    reached(bed.api, namespace, "shop", "Running")
    with faults.frozen(cluster, "etcd"):
        time.sleep(12)  # longer than the load and than a request may take
    passes(bed, namespace, target)
    assert alone.is_alive


@pytest.mark.disruptive
def test_an_api_server_that_restarts_and_has_forgotten_history_loses_no_test(
    bed: Bed, cluster: Cluster, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    alone = start_operator()
    bed.api.apply(load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS), namespace)
    reached(bed.api, namespace, "shop", "Running")
    faults.forget_history(cluster)
    bed.api.apply(load_test("other", steps=[get("/other")]), namespace)
    for name in ("shop", "other"):
        status = finished(bed.api, namespace, name)
        assert outcome(status)[0] == "Passed", status["message"]
        assert len(status["history"]) == 1
    paths = target.counts().paths
    assert paths["/other"] == 30
    assert status_of(bed.api, namespace, "shop")["summary"]["requests"] == paths["/"]
    assert len(jobs(bed.api, namespace)) == 2
    assert (alone.is_alive, alone.starts) == (True, 1)


def test_someone_who_writes_all_the_time_only_slows_things_down(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    stop = threading.Event()

    def disturb() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            body = {"metadata": {"annotations": {"disturbed": str(number)}}}
            bed.api.patch(KIND, "shop", body, namespace)
            time.sleep(0.05)

    bed.api.apply(load_test("shop", runners=2), namespace)
    disturber = threading.Thread(target=disturb, daemon=True)
    disturber.start()
    try:
        passes(bed, namespace, target)
    finally:
        stop.set()
        disturber.join()


ENDS = {
    "history-is-gone": watch_gone(after_events=1),
    "an-error-in-the-stream": watch_gone(after_events=1, code=500, reason="InternalError"),
    "the-stream-ends": EndWatch(after_events=1),
    "the-stream-falls-silent": EndWatch(after_events=1, silently=True),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_watch_that_breaks_loses_no_test(
    bed: Bed,
    namespace: str,
    proxy: ChaosProxy,
    proxied: Operator,
    target: CountingTarget,
    end: EndWatch,
) -> None:
    with proxy.failing(Rule(end, verb="watch", times=9)) as rule:
        proxy.cut_all()
        eventually(lambda: rule.hits >= 3, within_s=60, what="watches that break")
        bed.api.apply(load_test("shop", runners=2), namespace)
        bed.api.apply(load_test("other", steps=[get("/other")]), namespace)
        eventually(
            lambda: len(status_of(bed.api, namespace, "shop").get("history", ())) == 1,
            within_s=120,
            what="the end of a run whose watch is broken",
        )
    assert proxied.is_alive, proxied.log
    assert outcome(finished(bed.api, namespace, "shop"))[0] == "Passed"
    assert outcome(finished(bed.api, namespace, "other", within_s=120))[0] == "Passed"
    assert dict(target.counts().paths) == {"/": 30, "/other": 30}


def test_an_operator_waits_for_an_api_server_that_is_not_there_yet(
    bed: Bed, namespace: str, proxy: ChaosProxy, proxied: Operator, target: CountingTarget
) -> None:
    proxied.kill()
    with proxy.failing(Rule(Answer(503, "not yet"))) as rule:
        proxied.start()
        eventually(lambda: rule.hits >= 2, within_s=40, what="tries")
    bed.api.apply(load_test("shop"), namespace)
    if not proxied.is_alive:  # crash-only: whoever supervises it starts it again
        proxied.start()
    passes(bed, namespace, target)
