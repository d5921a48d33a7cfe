"""Runners that cannot start, or end before their time: named in status soon, never a pass, never a second pod."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from cluster import faults
from cluster.api import Object
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.waiting import eventually
from trials.counting_target import CountingTarget
from trials.load_tests import SMALL, get, iterations, load_test, users
from trials.observing import (
    finished,
    jobs,
    outcome,
    reached,
    runner_pods,
    status_of,
)
from trials.operators import Operator

NAMED_WITHIN_S = 20.0  # 10 s of the operator's own, and the cluster's time before it can know
STEPS = [get(), {"sleep": "50ms"}]
LONG = users(2, "60s")


@dataclass(frozen=True)
class Hindrance:
    """Something that keeps runners from starting.

    Attributes:
        runners: fields of `spec.runners`.
        spec: other fields of the spec.
        objects: to be there first.
        enforced: pod security standard of the namespace.
        words: part of the message.
    """

    reason: str
    words: str
    runners: Mapping[str, Any] = field(default_factory=dict)
    spec: Mapping[str, Any] = field(default_factory=dict)
    objects: tuple[Object, ...] = ()
    enforced: str = ""


def quota(pods: int) -> Object:
    """Return a quota of so many pods."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "tight"},
        "spec": {"hard": {"pods": str(pods)}},
    }


def secret_env(key: str) -> Object:
    """Return an environment variable from the Secret `there`."""
    return {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "there", "key": key}}}


SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "there"},
    "stringData": {"right": "x"},
}
SCRIPTS: Object = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "scripts"}}
SCRIPT = {
    "entry": "buy.py",
    "files": [{"path": "buy.py", "configMapKeyRef": {"name": "scripts", "key": "buy.py"}}],
}
SCRIPTED: dict[str, Any] = {"script": SCRIPT, "load": {**iterations(3), "exec": "buy"}}
HINDRANCES = {
    "no-room": Hindrance(
        "Unschedulable", "Insufficient cpu", {"resources": {"requests": {"cpu": "900"}}}
    ),
    "no-such-node": Hindrance(
        "Unschedulable", "node", {"nodeSelector": {"kload.dev/nowhere": "true"}}
    ),
    "no-such-image": Hindrance("ImagePullBackOff", "nowhere", {"image": "localhost/nowhere:1"}),
    "no-such-secret": Hindrance(
        "CreateContainerConfigError", '"there" not found', spec={"env": [secret_env("right")]}
    ),
    "no-such-key": Hindrance(
        "CreateContainerConfigError",
        "wrong",
        spec={"env": [secret_env("wrong")]},
        objects=(SECRET,),
    ),
    "no-such-config-map": Hindrance("CreateContainerConfigError", "scripts", spec=SCRIPTED),
    "no-such-key-in-the-config-map": Hindrance(
        "CreateContainerConfigError",
        "buy.py",
        spec=SCRIPTED,
        objects=({**SCRIPTS, "data": {"sell.py": ""}},),
    ),
    "quota-for-some": Hindrance("QuotaExceeded", "exceeded quota: tight", objects=(quota(2),)),
    "pod-security": Hindrance(
        "Forbidden",
        "hostPath",
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        enforced="restricted",
    ),
}


@pytest.mark.parametrize("hindrance", HINDRANCES.values(), ids=HINDRANCES.keys())
def test_what_keeps_runners_from_starting_is_named_and_no_request_is_sent(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget, hindrance: Hindrance
) -> None:
    bed.api.apply_all(hindrance.objects, namespace)
    if hindrance.enforced:
        labels = {"pod-security.kubernetes.io/enforce": hindrance.enforced}
        bed.api.patch("v1/Namespace", namespace, {"metadata": {"labels": labels}})
    runners = {"replicas": 2, "resources": SMALL, **hindrance.runners}
    manifest = load_test("shop", runners=runners, startTimeout="12s", **hindrance.spec)
    bed.api.apply(manifest, namespace)

    def named() -> bool:
        status = status_of(bed.api, namespace, "shop")
        assert status.get("reason") == hindrance.reason, status
        assert hindrance.words in status["message"]
        return True

    eventually(named, within_s=NAMED_WITHIN_S, what=f"{hindrance.reason} in the status")
    status = finished(bed.api, namespace, "shop", within_s=60)
    assert outcome(status) == ("Error", hindrance.reason)
    assert hindrance.words in status["message"]
    assert target.counts().total == 0


def test_pods_that_wait_for_ever_are_ended_after_the_verdict(
    bed: Bed, namespace: str, operator: Operator
) -> None:
    runners = {"replicas": 2, "resources": {"requests": {"cpu": "900"}}}
    bed.api.apply(load_test("shop", runners=runners, startTimeout="5s"), namespace)
    finished(bed.api, namespace, "shop", within_s=60)
    eventually(
        lambda: [one for one in runner_pods(bed.api, namespace) if not is_over(one)],
        until=lambda living: not living,
        within_s=60,
        what="the end of pods that wait",
    )


def is_over(pod: Object) -> bool:
    """Tell whether a pod has ended."""
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def test_runners_that_find_a_node_late_still_start_together(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    label = f"kload.dev/{namespace}"[:60].rstrip("-")
    runners = {"replicas": 2, "resources": SMALL, "nodeSelector": {label: "yes"}}
    bed.api.apply(load_test("shop", runners=runners), namespace)
    eventually(
        lambda: status_of(bed.api, namespace, "shop").get("reason"),
        until=lambda reason: reason == "Unschedulable",
        what="the reason",
    )
    node = bed.api.list("v1/Node")[0]["metadata"]["name"]
    bed.api.patch("v1/Node", node, {"metadata": {"labels": {label: "yes"}}})
    try:
        status = finished(bed.api, namespace, "shop")
    finally:
        bed.api.patch("v1/Node", node, {"metadata": {"labels": {label: None}}})
    assert outcome(status)[0] == "Passed", status["message"]
    assert target.counts().total == 30


def test_the_first_runner_waits_idle_for_the_last(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(quota(2), namespace)  # the target's pod and one runner
    bed.api.apply(load_test("shop", runners=2), namespace)
    eventually(
        lambda: status_of(bed.api, namespace, "shop").get("message", ""),
        until=lambda message: "1 of 2 runners are ready" in message and "quota" in message,
        what="one runner that is ready, and what keeps the other",
    )
    assert target.counts().total == 0
    bed.api.patch("v1/ResourceQuota", "tight", {"spec": {"hard": {"pods": "3"}}}, namespace)
    status = finished(bed.api, namespace, "shop", within_s=120)
    assert outcome(status)[0] == "Passed", status["message"]
    assert status["runners"]["startSkew"].endswith("ms")
    assert status["summary"]["requests"] == target.counts().total == 30


def script(text: str) -> Object:
    """Return the ConfigMap of a script."""
    return {**SCRIPTS, "data": {"buy.py": text}}


def test_a_script_from_a_config_map_runs(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    text = 'async def buy(vu):\n    answer = await vu.get("/bought", name="buy")\n'
    bed.api.apply(script(text), namespace)
    bed.api.apply(load_test("shop", runners=2, **SCRIPTED), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed", status["message"]
    assert dict(target.counts().paths) == {"/bought": 3}


def test_a_script_that_cannot_be_loaded_is_an_error(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(script("import nothing_of_this_name\n"), namespace)
    bed.api.apply(load_test("shop", runners=2, **SCRIPTED), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "ScriptError")
    assert "nothing_of_this_name" in status["message"]


def test_exceptions_in_a_script_are_measured_and_the_runner_lives(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    text = """
async def buy(vu):
    await vu.get("/", name="get")
    raise LookupError("no ticket left")
"""
    bed.api.apply(script(text), namespace)
    bed.api.apply(load_test("shop", runners=2, **SCRIPTED), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Failed", "ThresholdBroken"), status["message"]
    assert "iterations_failed" in status["message"]
    assert status["runners"]["lost"] == 0
    assert status["summary"]["requests"] == target.counts().total == 3


def test_a_runner_that_exits_by_itself_is_an_error_with_its_exit_code(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    text = """
import os
async def buy(vu):
    await vu.get("/", name="get")
    if vu.iter > 20:
        os._exit(3)
    await vu.sleep(0.05)
"""
    bed.api.apply(script(text), namespace)
    load = {**users(1, "60s"), "exec": "buy"}
    bed.api.apply(load_test("shop", runners=2, script=SCRIPT, load=load), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "RunnerLost"), status["message"]
    assert "exited with code 3" in status["message"]
    assert len(runner_pods(bed.api, namespace)) == 2


def test_a_runner_that_runs_out_of_memory_is_an_error(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    text = """
held = []
async def buy(vu):
    await vu.get("/", name="get")
    if vu.iter > 20:
        held.append(b"x" * (64 << 20))
    await vu.sleep(0.05)
"""
    bed.api.apply(script(text), namespace)
    resources = {"requests": {"cpu": "10m"}, "limits": {"memory": "160Mi"}}
    load = {**users(1, "60s"), "exec": "buy"}
    manifest = load_test(
        "shop", runners={"replicas": 2, "resources": resources}, script=SCRIPT, load=load
    )
    bed.api.apply(manifest, namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "RunnerOOMKilled")
    assert "limits.memory" in status["message"]
    names = [one["metadata"]["name"] for one in runner_pods(bed.api, namespace)]
    assert len(names) == 2
    assert any(name in status["message"] for name in names)
    assert status["runners"]["lost"] >= 1


def kill(bed: Bed, cluster: Cluster, namespace: str) -> None:
    """Kill the processes of the last runner, as the kernel or a person would."""
    faults.signal_container(cluster, runner_pods(bed.api, namespace)[-1], signal.SIGKILL)


def delete_pod(bed: Bed, cluster: Cluster, namespace: str) -> None:
    """Delete the pod of the last runner without grace."""
    pod = runner_pods(bed.api, namespace)[-1]["metadata"]["name"]
    bed.api.delete("v1/Pod", pod, namespace, grace_s=0)


def evict(bed: Bed, cluster: Cluster, namespace: str) -> None:
    """Evict the pod of the last runner, as a drain of its node does."""
    name = runner_pods(bed.api, namespace)[-1]["metadata"]["name"]
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/eviction"
    bed.api.request("POST", path, {}, body)


def delete_job(bed: Bed, cluster: Cluster, namespace: str) -> None:
    """Delete the Job of the run."""
    bed.api.delete("batch/v1/Job", jobs(bed.api, namespace)[0]["metadata"]["name"], namespace)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(kill, "exited with code 137", id="killed"),
        pytest.param(delete_pod, "", id="pod-deleted"),
        pytest.param(evict, "EvictionByEvictionAPI", id="evicted"),
        pytest.param(delete_job, "", id="job-deleted"),
    ],
)
def test_a_runner_lost_under_load_stops_the_run_and_is_not_replaced(
    bed: Bed,
    cluster: Cluster,
    namespace: str,
    operator: Operator,
    target: CountingTarget,
    harm: Callable[[Bed, Cluster, str], None],
    words: str,
) -> None:
    manifest = load_test("shop", runners=2, load=LONG, steps=STEPS)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    before = {one["metadata"]["uid"] for one in runner_pods(bed.api, namespace)}
    harm(bed, cluster, namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "RunnerLost"), status["message"]
    assert words in status["message"]
    assert status["runners"]["lost"] >= 1
    after = {one["metadata"]["uid"] for one in runner_pods(bed.api, namespace)}
    assert len(before) == 2
    assert after <= before, "a runner was replaced in the middle of the run"
    settled = eventually_settled(target)
    assert status["summary"]["requests"] <= settled


def eventually_settled(target: CountingTarget) -> int:
    """Return the target's count once it has stopped growing."""
    seen = [-1]

    def same() -> bool:
        now = target.counts().total
        unchanged = now == seen[0]
        seen[0] = now
        return unchanged

    eventually(same, within_s=30, every_s=1.0, what="the end of all requests")
    return seen[0]


def test_runners_out_of_the_operators_reach_finish_and_are_judged_afterwards(
    bed: Bed, cluster: Cluster, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    manifest = load_test("shop", runners=2, load=users(2, "5s"), steps=STEPS)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    address = runner_pods(bed.api, namespace)[1]["status"]["podIP"]
    with faults.cut_off(cluster, cluster.addresses.machine, address, 9095):
        eventually(
            lambda: "do not answer" in status_of(bed.api, namespace, "shop")["message"],
            within_s=30,
            what="the silence in the status",
        )
        settled = eventually_settled(target)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed", status["message"]
    assert status["summary"]["requests"] == settled


def test_runners_that_the_operator_never_reaches_are_an_error_that_says_where_to_look(
    bed: Bed, cluster: Cluster, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", runners=1, startTimeout="40s"), namespace)

    def address() -> str:
        return "".join(one["status"].get("podIP", "") for one in runner_pods(bed.api, namespace))

    runner = eventually(address, every_s=0.03, what="the runner's address")
    with faults.cut_off(cluster, cluster.addresses.machine, runner, 9095):
        status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "RunnerUnreachable")
    assert "NetworkPolicy" in status["message"]
    assert target.counts().total == 0
