"""Runners that nobody leads for a while, or that hang; an operator without its rights. Never a pass that is none."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable

import httpx
from cluster import faults
from cluster.api import Object
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.waiting import eventually
from trials.counting_target import CountingTarget
from trials.installations import HOME, kubeconfig_of
from trials.load_tests import get, load_test, users
from trials.observing import finished, outcome, reached, runner_pods, status_of
from trials.operators import Operator

from kload_operator.tokens import KEY_FIELD, KEY_SECRET, run_token

Start = Callable[..., Operator]
STEPS = [get(), {"sleep": "50ms"}]


def end_alone(bed: Bed, namespace: str, name: str) -> None:
    """Have the runners of a run end by themselves, as they do when they have been scraped and have lingered."""
    secret = bed.api.get("v1/Secret", KEY_SECRET, HOME)["data"][KEY_FIELD]
    uid = status_of(bed.api, namespace, name)["run"]["uid"]
    pods = runner_pods(bed.api, namespace)
    eventually(lambda: frozen(bed, uid), until=lambda n: n == len(pods), what="the last scrapes")
    headers = {"X-Kload-Token": run_token(base64.b64decode(secret), uid)}
    for pod in pods:
        url = f"http://{pod['status']['podIP']}:9095/v1/release"
        with httpx.Client(headers=headers, trust_env=False) as client:
            assert client.post(url).status_code == 200
    eventually(
        lambda: {pod["status"]["phase"] for pod in runner_pods(bed.api, namespace)},
        until=lambda phases: phases == {"Succeeded"},
        what="the end of the pods",
    )


def frozen(bed: Bed, uid: str) -> float:
    """Return how many runners of a run Prometheus has scraped since their counters were frozen."""
    query = {"query": f'sum(kload_runner_finished{{run_uid="{uid}"}})'}
    answer = httpx.get(f"{bed.prometheus_url}/api/v1/query", params=query, trust_env=False)
    found = answer.json()["data"]["result"]
    return float(found[0]["value"][1]) if found else 0.0


def test_an_operator_that_was_away_for_long_judges_what_the_runners_left(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    operator = start_operator()
    rules = {"http_req_failed": ["rate<1%"], "http_req_duration": ["p(95)<5s"]}
    bed.api.apply(
        load_test("shop", runners=2, load=users(2, "6s"), steps=STEPS, thresholds=rules), namespace
    )
    reached(bed.api, namespace, "shop", "Running")
    operator.kill()
    end_alone(bed, namespace, "shop")
    operator.start()
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert status["summary"]["requests"] == target.counts().total
    assert status["runners"]["lost"] == 0
    assert any("ended by themselves" in warning for warning in status["warnings"])


def test_a_runner_that_hangs_is_lost_and_stops_the_others(
    bed: Bed, cluster: Cluster, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    load = users(2, "170s")
    bed.api.apply(load_test("shop", runners=2, load=load, steps=STEPS), namespace)
    reached(bed.api, namespace, "shop", "Running")
    _, hung = sorted(runner_pods(bed.api, namespace), key=lambda pod: str(pod["metadata"]["name"]))
    faults.signal_container(cluster, hung, signal.SIGSTOP)
    try:
        status = finished(bed.api, namespace, "shop", within_s=150)
        assert outcome(status) == ("Error", "RunnerLost"), status["message"]
        assert "the runner hangs, or its node is gone" in status["message"]
        assert status["runners"]["lost"] == 1
        before = target.counts().total
    finally:
        faults.signal_container(cluster, hung, signal.SIGCONT)
    eventually(
        lambda: {pod["status"]["phase"] for pod in runner_pods(bed.api, namespace)},
        until=lambda phases: "Running" not in phases,
        within_s=60,
        what="the end of the runner that woke",
    )
    assert target.counts().total < before + 2000, "it does not go on loading"


def account_of_its_own(bed: Bed, name: str) -> Object:
    """Make an account with the operator's rights; return the binding that gives them."""
    bed.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}, HOME)
    subjects = [{"kind": "ServiceAccount", "name": name, "namespace": HOME}]
    group = "rbac.authorization.k8s.io"
    roles = bed.api.list(f"{group}/v1/Role", HOME)
    [role] = [one["metadata"]["name"] for one in roles]
    clusters = [
        one["roleRef"]["name"]
        for one in bed.api.list(f"{group}/v1/ClusterRoleBinding")
        if any(subject.get("namespace") == HOME for subject in one.get("subjects") or ())
    ]
    own = {"apiGroup": group, "kind": "Role", "name": role}
    wide = {"apiGroup": group, "kind": "ClusterRole", "name": clusters[0]}
    binding = {"apiVersion": f"{group}/v1", "metadata": {"name": name}, "subjects": subjects}
    bed.api.apply({**binding, "kind": "RoleBinding", "roleRef": own}, HOME)
    made: Object = {**binding, "kind": "ClusterRoleBinding", "roleRef": wide}
    bed.api.apply(made)
    return made


def test_an_operator_whose_rights_are_taken_goes_on_when_it_has_them_again(
    bed: Bed, namespace: str, start_operator: Start, target: CountingTarget
) -> None:
    rights = account_of_its_own(bed, namespace)
    kind = "rbac.authorization.k8s.io/v1/ClusterRoleBinding"
    try:
        operator = start_operator(kubeconfig=kubeconfig_of(bed, namespace))
        bed.api.apply(load_test("shop", runners=2, load=users(2, "15s"), steps=STEPS), namespace)
        reached(bed.api, namespace, "shop", "Running")
        bed.api.delete(kind, namespace)
        eventually(lambda: operator.log.count("forbidden"), within_s=60, what="refusals in the log")
        assert operator.get("/healthz").status_code == 200, "a restart would not help"
        bed.api.apply(rights)
        status = finished(bed.api, namespace, "shop", within_s=120)
        assert outcome(status)[0] == "Passed", status["message"]
        assert status["summary"]["requests"] == target.counts().total
        bed.api.apply(load_test("again", runners=1), namespace)
        assert outcome(finished(bed.api, namespace, "again"))[0] == "Passed", "the watches live"
    finally:
        bed.api.delete(kind, namespace)
