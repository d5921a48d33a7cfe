"""Faults are real: the kernel kills for memory, the kubelet refuses, quota and admission forbid, nodes vanish."""

from __future__ import annotations

import signal
from ipaddress import ip_address, ip_network
from typing import Any

import httpx
import pytest
from cluster import faults
from cluster.api import ApiError, Object
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.failures import ClusterError
from cluster.pods import indexed_job, pod
from cluster.simulated_nodes import end_pod, simulated_node
from cluster.waiting import eventually


def status(bed: Bed, namespace: str, name: str) -> Object:
    return dict(bed.api.get("v1/Pod", name, namespace)["status"])


def state(bed: Bed, namespace: str, name: str) -> Object:
    """Return the state of the pod's only container, once it has one."""
    found = status(bed, namespace, name).get("containerStatuses")
    return dict(found[0]["state"]) if found else {}


def waiting_reason(bed: Bed, namespace: str, name: str) -> str:
    return str(state(bed, namespace, name).get("waiting", {}).get("reason"))


def running_pod(bed: Bed, namespace: str, name: str) -> Object:
    eventually(lambda: status(bed, namespace, name).get("phase") == "Running", what=f"pod {name}")
    return bed.api.get("v1/Pod", name, namespace)


def node_readiness(bed: Bed, name: str) -> str:
    conditions = bed.api.get("v1/Node", name)["status"].get("conditions", ())
    return next((str(one["status"]) for one in conditions if one["type"] == "Ready"), "absent")


def test_too_much_memory_is_oom_killed(bed: Bed, namespace: str) -> None:
    eat = "x=a; while :; do x=$x$x; done"
    limits = {"limits": {"memory": "32Mi"}}
    bed.api.apply(pod("greedy", ["sh", "-c", eat], resources=limits), namespace)
    ended = eventually(lambda: state(bed, namespace, "greedy").get("terminated"), what="the kill")
    assert ended is not None
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an image that does not exist": (
        {"image": "localhost/nowhere:1"},
        "ErrImagePull|ImagePullBackOff",
    ),
    "a secret that does not exist": (
        {"env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]},
        "CreateContainerConfigError",
    ),
}


@pytest.mark.parametrize(("more", "reasons"), REFUSED.values(), ids=REFUSED.keys())
def test_a_container_that_cannot_start_says_why(
    bed: Bed, namespace: str, more: dict[str, Any], reasons: str
) -> None:
    bed.api.apply(pod("refused", ["true"], **more), namespace)
    eventually(
        lambda: waiting_reason(bed, namespace, "refused"),
        until=lambda seen: seen in reasons.split("|"),
        what=reasons,
    )


def test_a_quota_keeps_a_job_without_pods(bed: Bed, namespace: str) -> None:
    bed.api.apply(
        {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "tight"},
            "spec": {"hard": {"pods": "0"}},
        },
        namespace,
    )
    bed.api.apply(indexed_job("fleet", ["true"]), namespace)
    event = eventually(
        lambda: next(
            (one for one in bed.api.list("v1/Event", namespace) if one["reason"] == "FailedCreate"),
            None,
        ),
        what="the Job's FailedCreate event",
    )
    assert event is not None
    assert "exceeded quota: tight" in event["message"]


def test_pod_security_refuses_what_is_not_restricted(bed: Bed, namespace: str) -> None:
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    bed.api.patch("v1/Namespace", namespace, {"metadata": {"labels": labels}})
    bare = pod("bare", ["true"])
    del bare["spec"]["containers"][0]["securityContext"]
    with pytest.raises(ApiError, match='violates PodSecurity "restricted'):
        bed.api.apply(bare, namespace)
    bed.api.apply(pod("decent", ["true"]), namespace)


def test_a_pod_without_room_is_unschedulable(bed: Bed, namespace: str) -> None:
    bed.api.apply(pod("huge", ["true"], resources={"requests": {"cpu": "900"}}), namespace)

    def reason() -> str:
        found = status(bed, namespace, "huge").get("conditions", ())
        return next((f"{one['reason']}: {one['message']}" for one in found), "")

    seen = eventually(reason, what="the scheduler's word")
    assert seen.startswith("Unschedulable")
    assert "Insufficient cpu" in seen


def test_a_frozen_container_is_running_and_silent(
    cluster: Cluster, bed: Bed, namespace: str
) -> None:
    tick = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done"
    bed.api.apply(pod("ticker", ["sh", "-c", tick]), namespace)
    ticker = running_pod(bed, namespace, "ticker")
    eventually(lambda: bed.api.logs("ticker", namespace), what="the first tick")
    assert faults.signal_container(cluster, ticker, signal.SIGSTOP) >= 1
    stood = bed.api.logs("ticker", namespace)
    bed.api.apply(pod("clock", ["sleep", "0.5"]), namespace)
    eventually(
        lambda: status(bed, namespace, "clock")["phase"] == "Succeeded", what="half a second"
    )
    assert bed.api.logs("ticker", namespace) == stood
    assert status(bed, namespace, "ticker")["phase"] == "Running"
    faults.signal_container(cluster, ticker, signal.SIGCONT)
    eventually(lambda: bed.api.logs("ticker", namespace) != stood, what="the next tick")


def test_a_killed_container_leaves_a_failed_index(
    cluster: Cluster, bed: Bed, namespace: str
) -> None:
    bed.api.apply(indexed_job("fleet", ["sleep", "300"]), namespace)
    running = eventually(
        lambda: [
            one
            for one in bed.api.list("v1/Pod", namespace, "app=fleet")
            if one["status"]["phase"] == "Running"
        ],
        until=lambda seen: len(seen) == 2,
        what="both pods",
    )
    victim = min(running, key=lambda one: str(one["metadata"]["name"]))
    faults.signal_container(cluster, victim, signal.SIGKILL)
    eventually(
        lambda: bed.api.get("batch/v1/Job", "fleet", namespace)["status"].get("failedIndexes"),
        until=lambda seen: seen == "0",
        what="the failed index",
    )
    job = bed.api.get("batch/v1/Job", "fleet", namespace)["status"]
    assert job["active"] == 1


def test_an_unplugged_pod_is_not_reached_until_it_is_plugged_in(
    cluster: Cluster, bed: Bed, namespace: str
) -> None:
    bed.api.apply(pod("web", ["sh", "-c", "exec httpd -f -p 8080 -h /"]), namespace)
    web = running_pod(bed, namespace, "web")
    url = f"http://{web['status']['podIP']}:8080/etc/passwd"

    def answers() -> bool:
        try:
            return httpx.get(url, timeout=1).status_code == 200
        except httpx.TransportError:
            return False

    eventually(answers, what="the pod's answer to this machine")
    with faults.unplugged(cluster, web):
        assert not answers()
    eventually(answers, what="the pod's answer, plugged in again")


@pytest.mark.disruptive
def test_a_stopped_kubelet_makes_the_node_not_ready(cluster: Cluster, bed: Bed) -> None:
    with faults.stopped(cluster, "kubelet"):
        eventually(
            lambda: node_readiness(bed, "node-1"), until=lambda seen: seen == "Unknown", within_s=60
        )
    assert node_readiness(bed, "node-1") == "True"


@pytest.mark.disruptive
def test_a_stopped_etcd_takes_the_api_away_and_gives_it_back(cluster: Cluster, bed: Bed) -> None:
    with faults.stopped(cluster, "etcd"), pytest.raises((ApiError, ClusterError, OSError)):
        bed.kubectl("create", "configmap", "x", "-n", "default", "--request-timeout=3s")
    assert bed.api.exists("v1/Namespace", "default")


@pytest.mark.disruptive
def test_a_stopped_prometheus_refuses_and_comes_back(cluster: Cluster, bed: Bed) -> None:
    with faults.stopped(cluster, "prometheus"), pytest.raises(httpx.ConnectError):
        httpx.get(f"{bed.prometheus_url}/-/ready", timeout=2)
    assert httpx.get(f"{bed.prometheus_url}/-/ready", timeout=2).status_code == 200


@pytest.mark.disruptive
def test_forgotten_history_is_410_gone(cluster: Cluster, bed: Bed, namespace: str) -> None:
    old = bed.api.list("v1/ConfigMap", namespace)[0]["metadata"]["resourceVersion"]
    for number in range(3):
        name = {"name": f"c{number}"}
        bed.api.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": name}, namespace)
    faults.forget_history(cluster)
    watch = {"watch": "true", "resourceVersion": old, "timeoutSeconds": "2"}
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    try:
        event = bed.api.request("GET", path, watch)
        code = event["object"]["code"]
    except ApiError as error:
        code = error.status
    assert code == 410


def test_hundreds_of_simulated_pods_run_and_end(cluster: Cluster, bed: Bed, namespace: str) -> None:
    with simulated_node(cluster, bed.api, "played-fleet") as node:
        job = indexed_job("fleet", ["-"], size=200, image="none", spec=node.placement())
        bed.api.apply(job, namespace)

        def running() -> list[Object]:
            pods = bed.api.list("v1/Pod", namespace, "app=fleet")
            return [one for one in pods if one["status"].get("phase") == "Running"]

        pods = eventually(
            running, until=lambda seen: len(seen) == 200, within_s=60, what="200 pods"
        )
        range_of_node = ip_network(node.pod_addresses)
        addresses = {ip_address(one["status"]["podIP"]) for one in pods}
        assert len(addresses) == 200
        assert all(address in range_of_node for address in addresses)
        failed, *others = pods
        end_pod(bed.api, failed, "Failed")
        for one in others[:5]:
            end_pod(bed.api, one)
        eventually(
            lambda: bed.api.get("batch/v1/Job", "fleet", namespace)["status"],
            until=lambda seen: (seen.get("succeeded"), seen.get("failed")) == (5, 1),
            what="the ends of six pods",
        )


def test_a_simulated_node_vanishes(cluster: Cluster, bed: Bed) -> None:
    with simulated_node(cluster, bed.api, "played-victim") as node:
        node.vanish()
        eventually(
            lambda: node_readiness(bed, node.name),
            until=lambda seen: seen == "Unknown",
            within_s=60,
            what="the node's silence to be noticed",
        )
