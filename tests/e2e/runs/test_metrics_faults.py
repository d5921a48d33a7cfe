"""Prometheus away, wrong, partial or doubled: the right verdict or a named refusal, never a pass by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from chaos.faults import Answer, Delay, Rule
from chaos.proxy import ChaosProxy
from cluster import faults, proxies
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.waiting import eventually
from trials import prometheuses
from trials.counting_target import CountingTarget
from trials.load_tests import get, iterations, load_test, users
from trials.observing import condition, finished, outcome, reached, runner_pods, status_of
from trials.operators import Operator, free_port

STEPS = [get(), {"sleep": "50ms"}]
HELD = {"checks": ["rate==1"], "http_req_duration": ["p(95)<10s"]}
Start = Callable[..., Operator]


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[ChaosProxy]:
    """A proxy before the cluster's Prometheus."""
    with proxies.before_prometheus(cluster) as running:
        yield running


def refused(bed: Bed, namespace: str, target: CountingTarget, *words: str) -> None:
    """Check that a run ends at the gate, without a request, with words that help."""
    bed.api.apply(load_test("shop", thresholds=HELD, startTimeout="12s"), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "MetricsUnavailable")
    for word in words:
        assert word in status["message"]
    assert target.counts().total == 0


WRONG: dict[str, tuple[list[Mapping[str, Any]], tuple[str, ...]]] = {
    "none-configured": ([], ("no Prometheus is configured",)),
    "nobody-listens": ([{"url": "http://127.0.0.1:1"}], ("127.0.0.1:1", "does not answer")),
    "of-other-namespaces": ([{"url": "http://p:9090", "namespaces": ["x"]}], ("no Prometheus",)),
}


@pytest.mark.parametrize(("entries", "words"), WRONG.values(), ids=WRONG.keys())
def test_without_a_prometheus_there_is_no_load(
    bed: Bed,
    namespace: str,
    start_operator: Start,
    target: CountingTarget,
    entries: list[Mapping[str, Any]],
    words: tuple[str, ...],
) -> None:
    start_operator(prometheus=entries)
    refused(bed, namespace, target, *words)


def test_an_address_that_answers_html_is_named(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget, proxy: ChaosProxy
) -> None:
    page = Answer(200, "<html>a login page</html>", {"content-type": "text/html"})
    proxy.add(Rule(page))
    start_operator(prometheus=[{"url": proxy.url}])
    refused(bed, namespace, target, proxy.url, "text/html", "is the address right?")


def test_runners_that_nobody_scrapes_are_found_before_the_first_request(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    entry = {"url": bed.prometheus_url, "matchers": {"cluster": "another"}}
    start_operator(prometheus=[entry])
    refused(bed, namespace, target, "scraped 0 of 1 runners", "PodMonitor")


def test_an_outage_in_the_middle_changes_nothing(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget, proxy: ChaosProxy
) -> None:
    start_operator(prometheus=[{"url": proxy.url}])
    manifest = load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS, thresholds=HELD)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    with proxy.failing(Rule(Answer(503, "Service Unavailable"))):
        eventually(
            lambda: (
                "thresholds are not watched" in status_of(bed.api, namespace, "shop")["message"]
            ),
            what="the outage in the status",
        )
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert condition(status, "MetricsComplete") == "True"
    assert status["summary"]["requests"] == target.counts().total


def test_a_breach_during_an_outage_aborts_once_it_can_be_seen(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget, proxy: ChaosProxy
) -> None:
    start_operator(prometheus=[{"url": proxy.url}])
    rules = {"http_req_failed": ["rate<10% abort"]}
    manifest = load_test("shop", load=users(2, "60s"), steps=STEPS, thresholds=rules)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    with proxy.failing(Rule(Answer(503))):
        target.answer(503)
        seen = target.counts().total
        eventually(lambda: target.counts().total > seen + 60, what="failed requests")
        assert status_of(bed.api, namespace, "shop")["phase"] == "Running"
    assert outcome(finished(bed.api, namespace, "shop")) == ("Failed", "ThresholdAborted")


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        pytest.param("/", ("Inconclusive", "IncompleteData"), id="held-as-far-as-is-known"),
        pytest.param("/status/500", ("Failed", "ThresholdBroken"), id="broken-whatever-is-missing"),
    ],
)
def test_an_outage_that_lasts_never_makes_a_pass(
    bed: Bed,
    namespace: str,
    start_operator: Start,
    target: CountingTarget,
    proxy: ChaosProxy,
    path: str,
    verdict: tuple[str, str],
) -> None:
    start_operator(prometheus=[{"url": proxy.url}], times={"look": "1s", "scrapesWithin": "6s"})
    manifest = load_test("shop", load=users(1, "2s"), steps=[get(path)], thresholds=HELD)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    proxy.add(Rule(Answer(503)))
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == verdict
    assert condition(status, "MetricsComplete") == "False"
    told = [one["message"] for one in status["conditions"] if one["type"] == "MetricsComplete"]
    assert "503" in told[0]


def test_a_slow_prometheus_does_not_hold_up_the_run(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget, proxy: ChaosProxy
) -> None:
    start_operator(prometheus=[{"url": proxy.url}])
    proxy.add(Rule(Delay(1.5)))
    bed.api.apply(load_test("shop", thresholds=HELD), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]


def test_warnings_of_a_partial_answer_are_no_answer(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget, proxy: ChaosProxy
) -> None:
    partial = (
        '{"status": "success", "warnings": ["store 2 is down"],'
        ' "data": {"resultType": "vector", "result": []}}'
    )
    proxy.add(Rule(Answer(200, partial, {"content-type": "application/json"})))
    start_operator(prometheus=[{"url": proxy.url}])
    refused(bed, namespace, target, "store 2 is down")


@pytest.mark.disruptive
def test_a_prometheus_that_is_killed_and_comes_back_loses_nothing(
    bed: Bed, cluster: Cluster, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    start_operator()
    manifest = load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS, thresholds=HELD)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    with faults.stopped(cluster, "prometheus"):
        eventually(
            lambda: (
                "thresholds are not watched" in status_of(bed.api, namespace, "shop")["message"]
            ),
            what="the outage in the status",
        )
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert status["summary"]["requests"] == target.counts().total


# -- other ways to scrape ----------------------------------------------------------------------------------------------

Change = Callable[[prometheuses.Settings], prometheuses.Settings]


def relabeled(**rule: object) -> Change:
    """Return a change by one rule for what was scraped."""
    return lambda settings: prometheuses.relabeled(settings, rule)


@pytest.fixture
def scraped_by(cluster: Cluster) -> Iterator[Callable[[Change], str]]:
    """Starts another Prometheus with changed settings; returns its address."""
    with ExitStack() as stack:

        def start(change: Change) -> str:
            port = free_port()
            settings = change(prometheuses.plain())
            name = f"t{port}"
            return stack.enter_context(
                prometheuses.another_prometheus(cluster, name, port, settings)
            )

        yield start


HARMLESS: dict[str, Change] = {
    "scraped-twice-as-by-an-ha-pair": prometheuses.scraped_twice,
    "pod-and-namespace-dropped": relabeled(action="labeldrop", regex="pod|namespace|node"),
    "graphs-dropped": relabeled(
        action="drop",
        source_labels=["__name__"],
        regex="kload_.*_bucket",
    ),
}


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_numbers_stay_exact_however_they_were_scraped(
    bed: Bed,
    namespace: str,
    start_operator: Start,
    target: CountingTarget,
    scraped_by: Callable[[Change], str],
    change: Change,
) -> None:
    start_operator(prometheus=[{"url": scraped_by(change)}])
    thresholds = {**HELD, "http_reqs": ["count==60"], "http_req_failed": ["rate<=50%"]}
    manifest = load_test(
        "shop",
        runners=2,
        load=iterations(60, vus=4),
        thresholds=thresholds | {"checks": ["rate>40%"]},
        steps=[get("/flaky/2")],
    )
    bed.api.apply(manifest, namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert condition(status, "MetricsComplete") == "True"
    assert status["summary"]["requests"] == target.counts().total == 60


HARMFUL: dict[str, tuple[Change, str]] = {
    "a-threshold-series-dropped": (
        relabeled(
            action="drop",
            source_labels=["__name__"],
            regex="kload_threshold_good_total",
        ),
        "kload_threshold_",
    ),
    "one-runner-dropped": (
        relabeled(action="drop", source_labels=["runner"], regex="1"),
        "scraped 1 of 2 runners",
    ),
    "a-sample-limit": (
        lambda settings: prometheuses.limited(settings, samples=5),
        "scraped 0 of 2 runners",
    ),
    "the-runner-label-dropped": (relabeled(action="labeldrop", regex="runner"), "runners"),
    "the-run-label-dropped": (relabeled(action="labeldrop", regex="run_uid"), "runners"),
    "names-rewritten": (
        relabeled(
            action="replace",
            source_labels=["__name__"],
            regex="kload_(.*)",
            replacement="load_$1",
            target_label="__name__",
        ),
        "runners",
    ),
}


@pytest.mark.parametrize(("change", "word"), HARMFUL.values(), ids=HARMFUL.keys())
def test_a_rule_that_takes_what_the_verdict_needs_is_found_at_the_gate(
    bed: Bed,
    namespace: str,
    start_operator: Start,
    target: CountingTarget,
    scraped_by: Callable[[Change], str],
    change: Change,
    word: str,
) -> None:
    start_operator(prometheus=[{"url": scraped_by(change)}])
    bed.api.apply(load_test("shop", runners=2, thresholds=HELD, startTimeout="12s"), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "MetricsUnavailable")
    assert word in status["message"]
    assert "relabel" in status["message"] or "rule" in status["message"]
    assert target.counts().total == 0


@pytest.fixture
def pair(cluster: Cluster) -> Iterator[prometheuses.Pair]:
    """Two Prometheis that scrape the same, and one that is asked for both."""
    with prometheuses.ha_pair(cluster, [free_port() for _ in range(3)]) as made:
        yield made


def test_of_an_ha_pair_each_request_counts_once_and_one_may_be_away(
    bed: Bed,
    cluster: Cluster,
    namespace: str,
    start_operator: Start,
    target: CountingTarget,
    pair: prometheuses.Pair,
) -> None:
    start_operator(prometheus=[{"url": pair.url}])
    rules = {**HELD, "http_req_failed": ["rate<1%"], "http_reqs": ["count<100000"]}
    manifest = load_test("shop", runners=2, load=users(2, "8s"), steps=STEPS, thresholds=rules)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    with pair.without_one(cluster):
        eventually(
            lambda: (
                "thresholds are not watched" in status_of(bed.api, namespace, "shop")["message"]
            ),
            what="half an answer in the status",
        )
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert condition(status, "MetricsComplete") == "True"
    assert status["summary"]["requests"] == target.counts().total


@pytest.mark.disruptive
def test_a_runner_whose_scrapes_are_lost_under_load_makes_no_pass(
    bed: Bed, cluster: Cluster, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    start_operator(times={"look": "1s", "scrapesWithin": "8s"})
    with proxies.before_scrapes(cluster) as scrapes:
        manifest = load_test("shop", runners=2, load=users(2, "5s"), steps=STEPS, thresholds=HELD)
        bed.api.apply(manifest, namespace)
        reached(bed.api, namespace, "shop", "Running")
        lost = runner_pods(bed.api, namespace)[1]["status"]["podIP"]
        scrapes.add(Rule(Answer(500), where=lambda ask: ask.host == lost))
        status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Inconclusive", "IncompleteData")
    assert condition(status, "MetricsComplete") == "False"
    assert status["summary"]["requests"] == target.counts().total
