"""Whole runs against a cluster in memory: the verdicts, the phases, and an operator that may be killed anywhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fleet.manners import Manner
from manifests import manifest
from operator_world import Fuse, World

from kload_operator.cluster import CONFIG_MAPS, JOBS, PODS
from kload_runner.testing import run_virtual

QUICK = Manner(load_s=3.0, rate_per_s=20.0)
THRESHOLDS = {"http_req_failed": ["rate<10%"], "http_req_duration": ["p(95)<500ms"]}


def document(**spec: Any) -> dict[str, Any]:
    return manifest(
        **{"runners": {"replicas": 3}, "thresholds": THRESHOLDS, "startTimeout": "30s", **spec}
    )


def in_world(
    story: Callable[[World], Coroutine[Any, Any, None]], manner: Manner = QUICK, **limits: Any
) -> World:
    async def told() -> World:
        world = World(manner, **limits)
        await story(world)
        return world

    return run_virtual(told())


def conditions(status: dict[str, Any]) -> dict[str, str]:
    return {item["type"]: item["status"] for item in status["conditions"]}


def test_a_run_that_goes_well_passes_and_releases_its_runners() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Passed", "ThresholdsHeld")
        assert conditions(status) == {
            "Reconciling": "False",
            "Stalled": "False",
            "Ready": "True",
            "Succeeded": "True",
            "Finished": "True",
            "MetricsComplete": "True",
        }
        assert status["summary"]["requests"] == 3 * 60
        await world.settle()
        phases = [pod["status"]["phase"] for pod in world.cluster.of(PODS)]
        assert phases == ["Succeeded"] * 3
        assert len(status["history"]) == 1

    in_world(story)


def test_a_broken_threshold_fails_with_the_observed_value() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Failed", "ThresholdBroken")
        failed = next(item for item in status["thresholds"] if item["metric"] == "http_req_failed")
        assert (failed["observed"], failed["verdict"]) == ("50 %", "Failed")
        assert conditions(status)["Stalled"] == "True"

    in_world(story, Manner(load_s=3.0, rate_per_s=20.0, failed_share=0.5))


def test_a_threshold_with_abort_stops_every_runner() -> None:
    async def story(world: World) -> None:
        world.apply(document(thresholds={"http_req_failed": ["rate<10% abort after 2s"]}))
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Failed", "ThresholdAborted")
        assert world.now() < 30

    in_world(story, Manner(load_s=100.0, rate_per_s=20.0, failed_share=0.5))


def test_a_runner_out_of_memory_is_an_error_and_stops_the_others() -> None:
    async def story(world: World) -> None:
        world.manners[1] = Manner(load_s=100.0, rate_per_s=20.0, dies_after_s=2.0)
        world.apply(document())
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Error", "RunnerOOMKilled")
        assert status["runners"]["lost"] == 1
        assert world.now() < 60

    in_world(story, Manner(load_s=100.0, rate_per_s=20.0))


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        pytest.param("setup_failure", "no such user", ("Error", "SetupFailed"), id="setup"),
        pytest.param(
            "teardown_failure", "rows missing", ("Error", "TeardownFailed"), id="teardown"
        ),
        pytest.param("plan_hash", "other", ("Error", "StartFailed"), id="another plan"),
        pytest.param("own_files", True, ("Error", "StartFailed"), id="other files"),
        pytest.param("refuses_start", True, ("Error", "StartFailed"), id="start refused"),
        pytest.param("silent", True, ("Error", "RunnerUnreachable"), id="unreachable"),
        pytest.param("shown_share", 0.5, ("Inconclusive", "IncompleteData"), id="lost samples"),
    ],
)
def test_what_goes_wrong_is_named_and_never_passes(
    field: str, value: object, named: tuple[str, str]
) -> None:
    async def story(world: World) -> None:
        steps = [{"get": "/"}]
        world.apply(document(setup=steps, teardown=steps))
        status = await world.run()
        assert (status["verdict"], status["reason"]) == named, status["message"]

    in_world(story, QUICK.model_copy(update={field: value}))


def test_without_scraped_zeros_there_is_no_load() -> None:
    async def story(world: World) -> None:
        world.prometheus.dropped = frozenset({"kload_threshold_sum"})
        world.apply(document())
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Error", "MetricsUnavailable")
        assert "0 of 3 runners" in status["message"]
        assert "kload_threshold_" in status["message"]
        assert all(runner.numbers().requests == 0 for runner in world.runners.values())

    in_world(story)


def test_a_prometheus_that_goes_away_during_the_load_makes_it_inconclusive() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run(until="Running")
        world.prometheus.down = True
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Inconclusive", "IncompleteData")
        assert conditions(status)["MetricsComplete"] == "False"

    in_world(story)


def test_a_prometheus_that_comes_back_in_time_changes_nothing() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run(until="Running")
        world.prometheus.down = True
        await world.run(until="Judging")
        world.prometheus.down = False
        assert (await world.run())["verdict"] == "Passed"

    in_world(story)


def test_quota_on_pods_is_told_at_once_and_ends_the_run_when_its_time_is_over() -> None:
    async def story(world: World) -> None:
        world.pods_fail = "pods is forbidden: exceeded quota: q, requested: pods=3"
        world.apply(document())
        await world.settle(for_s=10.0)
        status = world.status()
        assert (status["phase"], status["reason"]) == ("Launching", "QuotaExceeded")
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Error", "QuotaExceeded")
        assert "exceeded quota" in status["message"]

    in_world(story)


def test_an_invalid_spec_ends_at_once_with_the_field_named() -> None:
    async def story(world: World) -> None:
        world.apply(document(thresholds={"nope": ["rate<1%"]}))
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Error", "InvalidSpec")
        assert "spec.thresholds.nope[0]" in status["message"]
        writes = len(world.cluster.writes)
        await world.settle(for_s=30.0)
        assert len(world.cluster.writes) == writes, "an invalid spec is not tried again"

    in_world(story)


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        pytest.param({"maxRunners": 2}, "spec.runners.replicas: 3", id="runners"),
        pytest.param({"maxVUs": 1}, "2 VUs", id="VUs"),
        pytest.param({"maxDuration": "5s"}, "limit of 5s", id="duration"),
    ],
)
def test_more_than_the_platform_allows_is_refused(limits: dict[str, Any], named: str) -> None:
    async def story(world: World) -> None:
        world.apply(document())
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Error", "Forbidden")
        assert named in status["message"]
        assert world.cluster.of(JOBS) == []

    in_world(story, **limits)


def test_an_edit_is_a_new_run_and_going_back_is_a_third() -> None:
    async def story(world: World) -> None:
        first, second = document(seed=1), document(seed=2)
        for number, spec in enumerate((first, second, first), 1):
            world.apply(spec)
            status = await world.run()
            assert (status["run"]["number"], status["verdict"]) == (number, "Passed")
        assert [item["run"]["number"] for item in status["history"]] == [3, 2, 1]
        assert len({item["run"]["uid"] for item in status["history"]}) == 3

    in_world(story)


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param({}, id="applied again"),
        pytest.param({"ttlSecondsAfterFinished": 9000}, id="TTL"),
        pytest.param({"suspend": True}, id="suspend"),
        pytest.param({"startTimeout": "40s"}, id="deadline"),
    ],
)
def test_what_is_no_change_of_the_test_starts_no_run(spec: dict[str, Any]) -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run()
        world.apply(document(**spec))
        await world.settle()
        status = world.status()
        assert (status["run"]["number"], status["verdict"]) == (1, "Passed")
        assert status["observedGeneration"] == world.loadtest()["metadata"]["generation"]
        assert conditions(status)["Finished"] == "True"

    in_world(story)


def test_a_newer_generation_waits_for_the_run_in_progress() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run(until="Running")
        world.apply(document(seed=7))
        await world.settle(for_s=1.0)
        status = world.status()
        assert status["observedGeneration"] == 2
        assert conditions(status)["Reconciling"] == "True"
        assert {v for k, v in conditions(status).items() if k != "Reconciling"} == {"Unknown"}
        status = await world.run()
        assert status["run"]["number"] == 2

    in_world(story)


def test_a_suspended_test_waits_and_runs_when_it_is_let_go() -> None:
    async def story(world: World) -> None:
        world.apply(document(suspend=True))
        await world.run(until="Suspended")
        await world.settle()
        assert world.cluster.of(JOBS) == []
        world.apply(document())
        assert (await world.run())["verdict"] == "Passed"

    in_world(story)


@pytest.mark.parametrize("phase", ["Launching", "Gating", "Running"])
def test_a_person_can_stop_a_run_by_its_uid_alone(phase: str) -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run(until=phase)
        annotations = world.loadtest()["metadata"].setdefault("annotations", {})
        annotations["kload.dev/abort"] = "another-run"
        await world.settle(for_s=0.5)
        assert "verdict" not in world.status()
        annotations["kload.dev/abort"] = world.status()["run"]["uid"]
        status = await world.run()
        assert (status["verdict"], status["reason"]) == ("Cancelled", "AbortedByPerson")
        await world.settle(for_s=40.0)
        assert all(pod["status"]["phase"] != "Running" for pod in world.cluster.of(PODS))

    in_world(story, Manner(load_s=60.0, rate_per_s=5.0))


def test_children_go_after_the_ttl_and_results_stay() -> None:
    async def story(world: World) -> None:
        world.apply(document(ttlSecondsAfterFinished=20))
        await world.run()
        assert len(world.cluster.of(JOBS)) == 1
        await world.settle(for_s=25.0)
        assert world.cluster.of(JOBS) == []
        left = [item["metadata"]["name"] for item in world.cluster.of(CONFIG_MAPS)]
        assert left == [world.status()["result"]]

    in_world(story)


def test_the_last_ten_results_are_kept() -> None:
    async def story(world: World) -> None:
        for seed in range(12):
            world.apply(document(seed=seed))
            await world.run()
            await world.settle(for_s=2.0)
        results = [
            item["metadata"]["labels"]["kload.dev/run"]
            for item in world.cluster.of(CONFIG_MAPS)
            if item["metadata"]["name"].endswith("-result")
        ]
        assert sorted(map(int, results)) == list(range(3, 13))
        assert [item["run"]["number"] for item in world.status()["history"]] == list(
            range(12, 2, -1)
        )
        assert len(world.cluster.of(JOBS)) == 1

    in_world(story, Manner(load_s=0.5, rate_per_s=20.0))


def test_two_operators_make_one_run_and_one_verdict() -> None:
    async def story(world: World) -> None:
        world.operators.append(world.new_operator())
        world.apply(document())
        status = await world.run()
        assert (status["run"]["number"], status["verdict"]) == (1, "Passed")
        assert world.cluster.writes.count(("create", "jobs")) == 1

    in_world(story)


def acts_of_a_run() -> int:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run()
        await world.settle()

    return in_world(story).fuse.acts


@pytest.mark.parametrize("after", [False, True], ids=["before the act", "after the act"])
def test_an_operator_may_be_killed_at_any_of_its_acts(after: bool) -> None:
    verdicts: list[tuple[str, str]] = []
    for at in range(1, acts_of_a_run() + 1):

        async def story(world: World, at: int = at) -> None:
            world.fuse = Fuse(at, after)
            world.apply(document())
            status = await world.run()
            await world.settle()
            assert world.fuse.blown, f"act {at} never came"
            verdicts.append((status["verdict"], status["reason"]))
            assert world.cluster.writes.count(("create", "jobs")) == 1, f"a second Job at {at}"
            phases = [pod["status"]["phase"] for pod in world.cluster.of(PODS)]
            assert phases == ["Succeeded"] * 3, f"runners left behind at {at}"

        in_world(story)
    assert set(verdicts) <= {("Passed", "ThresholdsHeld"), ("Error", "StartFailed")}, verdicts
    assert verdicts.count(("Passed", "ThresholdsHeld")) > len(verdicts) - 4


def test_a_run_costs_a_bounded_number_of_requests() -> None:
    async def story(world: World) -> None:
        world.apply(document())
        await world.run()
        await world.settle()

    world = in_world(story)
    statuses = world.cluster.writes.count(("apply_status", "loadtests"))
    assert statuses <= 16
    assert world.cluster.writes.count(("create", "events")) <= 10
