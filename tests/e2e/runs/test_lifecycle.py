"""A LoadTest over its life: edits and history, re-apply, suspend, TTL, deletion with the operator up and down."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
from cluster.api import Object
from cluster.bed import Bed
from cluster.pods import pod_spec
from cluster.waiting import eventually
from trials.counting_target import CountingTarget
from trials.load_tests import KIND, get, iterations, load_test, users
from trials.observing import (
    children,
    condition,
    edit,
    finished,
    jobs,
    outcome,
    reached,
    status_of,
)
from trials.operators import Operator

from kload_operator.runs import short_hash

SHORT = iterations(10, vus=2)
SUSPENDED: Object = {"suspend": True, "template": {"spec": pod_spec(["true"])}}
SLOW = [get(), {"sleep": "100ms"}]
LONG = users(2, "60s")


def with_params(name: str, **params: object) -> Object:
    """Return a LoadTest whose path is a parameter."""
    return load_test(name, load=SHORT, steps=[get("/$(params.path)")], params=params)


def test_each_edit_is_a_run_and_history_keeps_them(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    for path in ("a", "b", "a"):
        bed.api.apply(with_params("shop", path=path), namespace)
        status = finished(bed.api, namespace, "shop")
        assert outcome(status)[0] == "Passed", status["message"]
    assert dict(target.counts().paths) == {"/a": 20, "/b": 10}
    history = status["history"]
    assert [one["run"]["number"] for one in history] == [3, 2, 1]
    assert len({one["run"]["uid"] for one in history}) == 3
    hashes = [one["run"]["specHash"] for one in history]
    assert hashes[0] == hashes[2] != hashes[1]
    assert [one["summary"]["requests"] for one in history] == [10, 10, 10]
    kept = bed.api.list("v1/ConfigMap", namespace, "kload.dev/part=result")
    assert {one["metadata"]["name"] for one in kept} == {one["result"] for one in history}


def test_what_is_no_new_run_starts_none(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    manifest = load_test("shop", load=SHORT)
    bed.api.apply(manifest, namespace)
    first = finished(bed.api, namespace, "shop")
    before = bed.api.get(KIND, "shop", namespace)["metadata"]["resourceVersion"]
    for _ in range(3):
        bed.api.apply(manifest, namespace)
    assert bed.api.get(KIND, "shop", namespace)["metadata"]["resourceVersion"] == before
    edit(bed.api, namespace, "shop", ttlSecondsAfterFinished=3600)
    edit(bed.api, namespace, "shop", suspend=True)
    edit(bed.api, namespace, "shop", suspend=False)
    edit(bed.api, namespace, "shop", activeDeadlineSeconds=900)
    last = finished(bed.api, namespace, "shop")
    assert last["observedGeneration"] == 5
    assert last["run"]["uid"] == first["run"]["uid"]
    assert last["completionTime"] == first["completionTime"]
    assert target.counts().total == 10


def test_a_new_run_id_is_a_new_run(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", load=SHORT, runId="monday"), namespace)
    finished(bed.api, namespace, "shop")
    edit(bed.api, namespace, "shop", runId="tuesday")
    status = finished(bed.api, namespace, "shop")
    assert [one["run"]["id"] for one in status["history"]] == ["tuesday", "monday"]
    assert target.counts().total == 20


def test_an_edit_in_the_middle_of_a_run_waits_for_its_end(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    manifest = load_test("shop", load=users(1, "6s"), steps=[get("/old"), {"sleep": "100ms"}])
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "shop", "Running")
    changed = copy.deepcopy(manifest)
    changed["spec"]["scenarios"]["main"] = {**SHORT, "steps": [get("/new")]}
    bed.api.apply(changed, namespace)

    def waits() -> bool:
        status = status_of(bed.api, namespace, "shop")
        return bool(status["observedGeneration"] == 2 and status["run"]["generation"] == 1)

    eventually(waits, what="the newer generation being seen")
    status = status_of(bed.api, namespace, "shop")
    states = {one["type"]: one["status"] for one in status["conditions"]}
    assert states.pop("Reconciling") == "True"
    assert set(states.values()) == {"Unknown"}

    last = finished(bed.api, namespace, "shop")
    assert [one["run"]["generation"] for one in last["history"]] == [2, 1]
    assert [one["verdict"] for one in last["history"]] == ["Passed", "Passed"]
    assert target.counts().paths["/new"] == 10
    assert last["history"][1]["summary"]["requests"] == target.counts().paths["/old"]


def test_a_suspended_test_makes_nothing_until_it_is_let_go(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", load=SHORT, suspend=True), namespace)
    eventually(
        lambda: status_of(bed.api, namespace, "shop").get("phase"),
        until=lambda phase: phase == "Suspended",
        what="the suspension",
    )
    assert children(bed.api, namespace) == {}
    edit(bed.api, namespace, "shop", suspend=False)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed"
    assert (status["run"]["number"], target.counts().total) == (1, 10)


def test_children_go_when_their_time_is_over_and_the_test_stays(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", load=SHORT, ttlSecondsAfterFinished=3), namespace)
    first = finished(bed.api, namespace, "shop")
    eventually(lambda: not jobs(bed.api, namespace), within_s=20, what="the end of the Job")
    result = first["result"]
    eventually(
        lambda: children(bed.api, namespace),
        until=lambda found: found == {"v1/ConfigMap": [result]},
        within_s=40,
        what="the end of everything but the result",
    )
    assert status_of(bed.api, namespace, "shop") == first
    assert target.counts().total == 10


def deletion_leaves_nothing(bed: Bed, namespace: str) -> None:
    """Check that a deleted LoadTest takes everything along, pods first of all."""
    eventually(
        lambda: children(bed.api, namespace),
        until=lambda found: not found,
        within_s=60,
        what="the end of all children",
    )


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_test_deleted_in_the_middle_leaves_nothing(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget, propagation: str
) -> None:
    bed.api.apply(load_test("shop", runners=2, load=LONG, steps=SLOW), namespace)
    reached(bed.api, namespace, "shop", "Running")
    bed.api.delete(KIND, "shop", namespace, propagation=propagation)
    deletion_leaves_nothing(bed, namespace)
    eventually(lambda: not bed.api.exists(KIND, "shop", namespace), what="the end of the test")
    settled = target.counts()
    bed.api.apply(load_test("next", load=SHORT, steps=[get("/next")]), namespace)
    finished(bed.api, namespace, "next")
    assert target.counts().paths["/"] == settled.paths["/"], "requests after the end of the pods"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        pytest.param("v1/ConfigMap", {"data": {"run.json": "{}"}}, id="config-map"),
        pytest.param("batch/v1/Job", {"spec": SUSPENDED}, id="job"),
    ],
)
def test_what_is_of_another_owner_is_neither_adopted_nor_touched(
    bed: Bed,
    namespace: str,
    operator: Operator,
    target: CountingTarget,
    kind: str,
    content: Object,
) -> None:
    applied = bed.api.apply(load_test("shop", load=SHORT, suspend=True), namespace)
    name = f"shop-1-{short_hash(applied['metadata']['uid'])}"
    version, _, plain = kind.rpartition("/")
    foreign = {"apiVersion": version, "kind": plain, "metadata": {"name": name}, **content}
    bed.api.apply(foreign, namespace)
    edit(bed.api, namespace, "shop", suspend=False)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Error", "StartFailed"), status["message"]
    assert f"{plain} {name}" in status["message"]
    assert target.counts().total == 0
    assert "deletionTimestamp" not in bed.api.get(kind, name, namespace)["metadata"]


def test_a_test_deleted_while_no_operator_runs_leaves_nothing(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    alone = start_operator()
    bed.api.apply(load_test("shop", runners=2, load=LONG, steps=SLOW), namespace)
    reached(bed.api, namespace, "shop", "Running")
    alone.kill()
    bed.api.delete(KIND, "shop", namespace)
    deletion_leaves_nothing(bed, namespace)


def test_a_test_made_again_under_its_name_is_another_one(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", load=LONG, steps=SLOW), namespace)
    old = reached(bed.api, namespace, "shop", "Running")
    bed.api.delete(KIND, "shop", namespace)
    bed.api.apply(load_test("shop", load=SHORT, steps=[get("/again")]), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status)[0] == "Passed", status["message"]
    assert status["run"]["number"] == 1
    assert status["run"]["uid"] != old["run"]["uid"]
    assert status["summary"]["requests"] == target.counts().paths["/again"] == 10
    eventually(lambda: len(jobs(bed.api, namespace)) == 1, within_s=60, what="the old Job's end")


def test_a_namespace_deleted_in_the_middle_goes(
    bed: Bed, namespace: str, operator: Operator, target: CountingTarget
) -> None:
    bed.api.apply(load_test("shop", runners=2, load=LONG, steps=SLOW), namespace)
    reached(bed.api, namespace, "shop", "Running")
    before = len(operator.records)
    bed.api.delete("v1/Namespace", namespace)
    eventually(
        lambda: not bed.api.exists("v1/Namespace", namespace),
        within_s=60,
        what="the end of the namespace",
    )
    complaints = [
        one["message"]
        for one in operator.records[before:]
        if one["level"] in ("warning", "error") and namespace in one["message"]
    ]
    assert len(complaints) < 5, "\n".join(complaints)
    assert operator.is_alive


def test_a_finished_run_never_reverts(
    bed: Bed, namespace: str, start_operator: Callable[..., Operator], target: CountingTarget
) -> None:
    first = start_operator("first")
    bed.api.apply(load_test("shop", load=SHORT), namespace)
    before = finished(bed.api, namespace, "shop")
    first.kill()
    bed.api.delete("batch/v1/Job", jobs(bed.api, namespace)[0]["metadata"]["name"], namespace)
    start_operator("second")
    bed.api.patch(KIND, "shop", {"metadata": {"labels": {"touched": "yes"}}}, namespace)
    bed.api.apply(load_test("other", load=SHORT, steps=[get("/other")]), namespace)
    finished(bed.api, namespace, "other")  # the second operator has looked at everything by now
    after = status_of(bed.api, namespace, "shop")
    assert after == before
    assert condition(after, "Finished") == "True"
    assert target.counts().paths["/"] == 10
