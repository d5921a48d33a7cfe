"""apply → pods → load → verdict, and the target counted to the request what Prometheus and status say."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from cluster.bed import Bed
from trials.counting_target import CountingTarget
from trials.load_tests import KIND, get, iterations, load_test, paced, users
from trials.observing import (
    annotate,
    condition,
    finished,
    jobs,
    outcome,
    reached,
    runner_pods,
    status_of,
)
from trials.operators import Operator

from kload_spec.result import Result

ROUGH: dict[str, Any] = {"http_req_duration": ["p(95)<5s"], "http_req_failed": ["rate<1%"]}


def prometheus_total(bed: Bed, run_uid: str) -> float:
    """Return the requests of a run as a person would ask Prometheus for them."""
    series = f'kload_http_reqs_total{{run_uid="{run_uid}"}}[10m]'
    query = f"sum(max by (runner, step, method, status) (last_over_time({series})))"
    found = httpx.get(f"{bed.prometheus_url}/api/v1/query", params={"query": query}).json()
    return float(found["data"]["result"][0]["value"][1])


def threshold(status: Mapping[str, Any], metric: str) -> Mapping[str, Any]:
    """Return what status says of a metric's threshold."""
    found: Mapping[str, Any] = next(one for one in status["thresholds"] if one["metric"] == metric)
    return found


def kload_wait(bed: Bed, namespace: str, name: str, timeout: str = "60s") -> int:
    """Run `kload wait` as a pipeline would; return its exit code."""
    command = [sys.executable, "-m", "kload_runner.cli", "wait", name, "-n", namespace]
    command += [f"--kubeconfig={bed.kubeconfig}", "--timeout", timeout]
    path = bed.kubectl_program.rpartition("/")[0]
    environ = {"PATH": f"{path}:/usr/local/bin:/usr/bin:/bin", "HOME": str(bed.kubeconfig.parent)}
    return subprocess.run(
        command, env=environ, check=False, capture_output=True, timeout=90
    ).returncode


def test_three_runners_pass_and_every_count_is_the_same(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    thresholds = {**ROUGH, "http_reqs": ["count==240"], "checks": ["rate==1"]}
    manifest = load_test("shop", runners=3, load=iterations(240, vus=6), thresholds=thresholds)
    bed.api.apply(manifest, namespace)
    assert kload_wait(bed, namespace, "shop") == 0
    status = status_of(bed.api, namespace, "shop")

    assert outcome(status) == ("Passed", "ThresholdsHeld")
    assert status["runners"]["desired"] == status["runners"]["ready"] == 3
    assert status["runners"]["lost"] == 0
    conditions = {one["type"]: one["status"] for one in status["conditions"]}
    assert conditions == {
        "Reconciling": "False",
        "Stalled": "False",
        "Ready": "True",
        "Succeeded": "True",
        "Finished": "True",
        "MetricsComplete": "True",
    }
    counted = target.counts().total
    assert counted == 240
    assert status["summary"]["requests"] == counted
    assert prometheus_total(bed, status["run"]["uid"]) == counted
    assert threshold(status, "http_reqs")["samples"] == counted

    kept = bed.api.get("v1/ConfigMap", status["result"], namespace)["binaryData"]["result.json.gz"]
    result = Result.from_bytes(base64.b64decode(kept))
    assert result.summary.requests == counted
    assert sorted(one.index for one in result.runners) == [0, 1, 2]
    pods = {one["status"]["podIP"] for one in runner_pods(bed.api, namespace)}
    assert len(pods) == 3


def test_a_broken_threshold_fails_with_the_value_observed(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    thresholds = {"http_req_failed": ["rate<1%"], "http_req_duration": ["p(95)<5s"]}
    manifest = load_test(
        "shop", runners=3, load=iterations(100), steps=[get("/flaky/4")], thresholds=thresholds
    )
    bed.api.apply(manifest, namespace)
    assert kload_wait(bed, namespace, "shop") == 99
    status = status_of(bed.api, namespace, "shop")
    assert outcome(status) == ("Failed", "ThresholdBroken")
    failed = threshold(status, "http_req_failed")
    assert (failed["verdict"], failed["observed"], failed["samples"]) == ("Failed", "25 %", 100)
    assert threshold(status, "http_req_duration")["verdict"] == "Passed"
    assert condition(status, "Succeeded") == "False"
    assert "http_req_failed" in status["message"]
    assert target.counts().total == 100


def test_waiting_gives_up_after_its_own_timeout(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", load=users(1, "30s")), namespace)
    assert kload_wait(bed, namespace, "shop", timeout="3s") == 124
    assert condition(status_of(bed.api, namespace, "shop"), "Finished") != "True"


def test_kubectl_can_wait_for_the_end_and_shows_the_columns(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", thresholds=ROUGH), namespace)
    bed.kubectl("-n", namespace, "wait", "klt/shop", "--for=condition=Finished", "--timeout=50s")
    head, row = bed.kubectl("-n", namespace, "get", "klt").splitlines()
    assert head.split() == ["NAME", "PHASE", "VERDICT", "VUS", "RPS", "P95", "FAILED", "AGE"]
    assert row.split()[:3] == ["shop", "Finished", "Passed"]


def test_a_breach_of_an_abort_threshold_stops_every_runner(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    thresholds = {"http_req_failed": ["rate<10% abort"]}
    steps = [get(), {"sleep": "50ms"}]
    manifest = load_test(
        "shop", runners=3, load=users(6, "120s"), steps=steps, thresholds=thresholds
    )
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    target.answer(503)
    before = target.counts()
    broken_at = before.last
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Failed", "ThresholdAborted")
    after = target.counts()
    scrape_s = 2.0
    assert after.last - broken_at < 2 * scrape_s + 5, "requests long after the breach"
    assert status["summary"]["requests"] == after.total


def test_a_breach_at_the_very_end_is_judged_all_the_same(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    """The last requests break the rule when no look is left that could abort anything."""
    rules = {"http_req_failed": ["rate<1% abort"]}
    last = {"if": "vu == 1 && iter == 19", "then": [get("/status/503", "last")]}
    load = {"executor": "per-vu-iterations", "vus": 2, "iterations": 20, "maxDuration": "60s"}
    manifest = load_test("shop", runners=2, load=load, steps=[get(), last], thresholds=rules)
    bed.api.apply(manifest, namespace)
    status = finished(bed.api, namespace, "shop")
    assert status["verdict"] == "Failed", status["message"]
    assert status["reason"] in ("ThresholdBroken", "ThresholdAborted")
    assert threshold(status, "http_req_failed")["verdict"] == "Failed"
    assert status["summary"]["requests"] == target.counts().total == 41


def test_a_spec_that_cannot_be_compiled_is_judged_once(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", steps=[get("/$(vars.nothing)")]), namespace)
    assert outcome(finished(bed.api, namespace, "shop")) == ("Error", "InvalidSpec")
    before = bed.api.get(KIND, "shop", namespace)
    bed.api.apply(load_test("next", load=users(1, "3s")), namespace)
    finished(bed.api, namespace, "next")  # several looks at what is in progress later
    assert bed.api.get(KIND, "shop", namespace) == before
    assert len(jobs(bed.api, namespace)) == 1


def test_a_person_stops_a_run_by_annotation(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    steps = [get(), {"sleep": "50ms"}]
    bed.api.apply(load_test("shop", runners=2, load=users(2, "120s"), steps=steps), namespace)
    uid = reached(bed.api, namespace, "shop", "Running")["run"]["uid"]
    annotate(bed.api, namespace, "shop", abort="another-run")
    annotate(bed.api, namespace, "shop", abort=uid)
    status = finished(bed.api, namespace, "shop", within_s=40)
    assert outcome(status) == ("Cancelled", "AbortedByPerson")
    assert status["summary"]["requests"] == target.counts().total
    assert kload_wait(bed, namespace, "shop") == 105
    assert len(jobs(bed.api, namespace)) == 1


def test_an_abort_step_cancels_the_run(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    steps = [get(), {"if": "iter == 3", "then": [{"abort": "enough"}]}, {"sleep": "100ms"}]
    bed.api.apply(load_test("shop", runners=2, load=users(2, "60s"), steps=steps), namespace)
    status = finished(bed.api, namespace, "shop", within_s=40)
    assert outcome(status) == ("Cancelled", "AbortStep")
    assert "enough" in status["message"]
    assert kload_wait(bed, namespace, "shop") == 108


def test_setup_runs_once_and_teardown_sees_the_totals_of_the_fleet(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    setup = [{"name": "seed", "post": "/seed", "save": {"first": "json.id"}}]
    teardown = [
        {"name": "count", "get": "/gone", "assert": {"all counted": "totals.http_reqs.count == 90"}}
    ]
    manifest = load_test(
        "shop",
        runners=3,
        load=iterations(90, vus=6),
        steps=[get("/from/$(vars.first)")],
        setup=setup,
        teardown=teardown,
    )
    bed.api.apply(manifest, namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed", status["message"]
    assert dict(target.counts().paths) == {"/seed": 1, "/from/1": 90, "/gone": 1}


def test_arrivals_of_a_fleet_sum_to_the_rate(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", runners=3, load=paced(50, "4s")), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed", status["message"]
    assert target.counts().total == status["summary"]["requests"]
    assert abs(target.counts().total - 200) <= 1


@pytest.mark.parametrize(
    ("spec", "code", "reason", "words"),
    [
        pytest.param(
            {"steps": [{"get": "/$(vars.nothing)"}]},
            104,
            "InvalidSpec",
            "vars.nothing",
            id="unknown-name",
        ),
        pytest.param(
            {
                "target": {
                    "baseURL": "http://nowhere.invalid",
                    "ready": {"get": "/", "timeout": "2s"},
                }
            },
            1,
            "TargetNotReady",
            "nowhere.invalid",
            id="target-not-ready",
        ),
        pytest.param(
            {"setup": [{"get": "/status/500", "save": {"key": "json.key"}}]},
            107,
            "SetupFailed",
            "spec.setup[0]",
            id="setup-fails",
        ),
    ],
)
def test_what_cannot_be_run_is_an_error_with_its_reason(
    bed: Bed,
    namespace: str,
    operator: Operator,
    target: CountingTarget,
    spec: Mapping[str, Any],
    code: int,
    reason: str,
    words: str,
) -> None:
    bed.api.apply(load_test("shop", runners=2, **spec), namespace)
    status = finished(bed.api, namespace, "shop", within_s=45)
    assert outcome(status) == ("Error", reason)
    assert words in status["message"]
    assert kload_wait(bed, namespace, "shop") == code
    assert "/" not in target.counts().paths
