"""What surrounds the decisions: arming, keys, resync, events, memory, numbers as people read them."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from fleet.manners import Manner
from manifests import manifest
from memory_cluster import MemoryCluster
from operator_world import World

from kload_operator.announcing import event_about
from kload_operator.cluster import CONFIG_MAPS, JOBS, LOADTESTS, SECRETS, Busy, Kind, Refused
from kload_operator.controller import Key
from kload_operator.keys import operator_key
from kload_operator.memory import Memory
from kload_operator.reporting import shown_rate, shown_share, shown_time
from kload_operator.results import result_config_map, result_in
from kload_operator.resync import Resync
from kload_operator.runs import Run
from kload_operator.subject import Reader
from kload_operator.telemetry import Telemetry
from kload_operator.territory import Territory
from kload_runner.testing import run_virtual
from kload_spec.control import RunnerPhase
from kload_spec.model import Phase, Status
from kload_spec.result import Result, RunIdentity

RUN = Run("shop", "staging", "u", 1, "r-1", "shop-1", "h", 1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


# -- the start -----------------------------------------------------------------------------------------------------


def test_a_start_that_one_runner_misses_begins_nowhere() -> None:
    async def story() -> None:
        world = World(Manner(load_s=2.0, rate_per_s=10.0))
        world.manners[2] = Manner(load_s=2.0, rate_per_s=10.0, refuses_start=True)
        world.apply(manifest(runners={"replicas": 3}, startTimeout="60s"))
        await world.run(until="Starting")
        await world.settle(for_s=8.0)
        phases = {runner.phase for runner in world.runners.values()}
        assert phases <= {RunnerPhase.IDLE, RunnerPhase.READY}, "armed ones were disarmed"
        world.manners[2] = Manner(load_s=2.0, rate_per_s=10.0)
        status = await world.run()
        assert status["verdict"] == "Passed", status["message"]
        assert status["summary"]["requests"] == 60

    run_virtual(story())


def test_live_numbers_are_written_seldom() -> None:
    async def story() -> None:
        world = World(Manner(load_s=60.0, rate_per_s=10.0))
        world.apply(manifest(runners={"replicas": 3}))
        await world.run(until="Running")
        before = world.cluster.writes.count(("apply_status", "loadtests"))
        await world.settle(for_s=50.0)
        written = world.cluster.writes.count(("apply_status", "loadtests")) - before
        assert 2 <= written <= 6
        assert world.status()["summary"]["requests"] > 0
        assert all("verdict" not in item for item in world.status()["thresholds"])

    run_virtual(story())


@pytest.mark.parametrize("kind", [CONFIG_MAPS, LOADTESTS])
def test_an_api_server_that_is_busy_only_delays(kind: Kind) -> None:
    async def story() -> None:
        world = World(Manner(load_s=2.0, rate_per_s=10.0))
        original, chance = world.cluster.before, random.Random(4)

        def busy(verb: str, known: Kind) -> None:
            if known == kind and chance.random() < 0.5:
                raise Busy("503 etcd is away")
            original(verb, known)

        world.cluster.before = busy
        world.apply(manifest(runners={"replicas": 2}))
        assert (await world.run())["verdict"] == "Passed"

    run_virtual(story())


def test_a_namespace_that_is_going_is_left_alone() -> None:
    async def story() -> None:
        world = World()
        original = world.cluster.before

        def going(verb: str, kind: Kind) -> None:
            if verb in ("create", "apply_status"):
                raise Refused("403 namespace staging is being terminated")
            original(verb, kind)

        world.cluster.before = going
        world.apply(manifest())
        await world.settle()
        assert world.status() == {}

    run_virtual(story())


def test_a_runner_waits_for_the_slowest_of_the_fleet_however_early_its_own_share_ends() -> None:
    async def story() -> None:
        world = World()
        scenarios = {
            "short": {
                "executor": "constant-vus",
                "vus": 3,
                "duration": "10s",
                "steps": [{"get": "/"}],
            },
            "long": {
                "executor": "constant-vus",
                "vus": 1,
                "duration": "2h",
                "steps": [{"get": "/"}],
            },
        }
        world.apply(manifest(runners={"replicas": 3}, scenarios=scenarios))
        await world.run(until="Gating")
        description = next(iter(world.runners.values())).description
        assert description.linger_s > 7200 + 600
        assert description.deadline_s > 600 + 7200 + description.linger_s
        [job] = world.cluster.of(JOBS)
        assert job["spec"]["activeDeadlineSeconds"] > description.deadline_s

    run_virtual(story())


# -- keys ------------------------------------------------------------------------------------------------------------


async def test_the_key_is_made_once_and_found_again() -> None:
    cluster = MemoryCluster()
    first = await operator_key(cluster, "kload-system", lambda: b"one")
    again = await operator_key(cluster, "kload-system", lambda: b"two")
    assert (first, again) == (b"one", b"one")


async def test_of_two_operators_that_make_the_key_at_once_one_wins() -> None:
    cluster = MemoryCluster()

    def fresh() -> bytes:
        secret = {
            "metadata": {"name": "kload-operator-key", "namespace": "n"},
            "data": {"key": "dGhlaXJz"},
        }
        cluster.put(SECRETS, secret)
        return b"ours"

    assert await operator_key(cluster, "n", fresh) == b"theirs"


# -- resync ----------------------------------------------------------------------------------------------------------


async def test_what_the_watches_missed_is_found_and_told_of() -> None:
    cluster, added, telemetry = MemoryCluster(), [], Telemetry(lambda: 1000.0)
    resync = Resync(cluster, Territory(), added.append, telemetry)
    made = cluster.put(LOADTESTS, manifest())
    resync.heard(Key("staging", "shop"), made["metadata"]["resourceVersion"])
    await resync.look()
    assert added == []
    cluster.put(LOADTESTS, manifest(seed=2))
    await resync.look()
    assert added == [Key("staging", "shop")]
    assert telemetry.unhealthy() == "", "an event may be under way"


# -- memory ----------------------------------------------------------------------------------------------------------


def pod(version: str, phase: str) -> dict[str, Any]:
    labels = {"kload.dev/run-uid": "r-1"}
    metadata = {"name": "p", "resourceVersion": version, "labels": labels}
    return {"metadata": metadata, "status": {"phase": phase}}


def test_late_events_do_not_undo_what_is_known() -> None:
    memory = Memory()
    run = memory.of("r-1")
    run.read(None, [pod("10", "Running")], Phase.RUNNING, 0.0)
    memory.told_of_pod(pod("9", "Pending"), deleted=False)
    assert run.pods["p"]["status"]["phase"] == "Running"
    memory.told_of_pod(pod("11", "Failed"), deleted=False)
    assert run.pods["p"]["status"]["phase"] == "Failed"
    memory.told_of_pod(pod("12", "Failed"), deleted=True)
    assert run.pods == {}


def job(version: str, **status: Any) -> dict[str, Any]:
    labels = {"kload.dev/run-uid": "r-1"}
    metadata = {"name": "j", "uid": "j", "resourceVersion": version, "labels": labels}
    return {"metadata": metadata, "spec": {}, "status": status}


def test_what_changes_nothing_that_matters_is_not_looked_at() -> None:
    memory = Memory()
    run = memory.of("r-1")
    run.read(job("1"), [pod("1", "Running")], Phase.RUNNING, 0.0)
    noted = {**pod("2", "Running")}
    noted["metadata"] = {**noted["metadata"], "finalizers": []}
    complete = [{"type": "Complete", "status": "True"}]
    told = [
        memory.told_of_pod(noted, deleted=False),
        memory.told_of_pod(pod("3", "Succeeded"), deleted=False),
        memory.told_of_pod(pod("4", "Succeeded"), deleted=True),
        memory.told_of_pod(pod("4", "Succeeded"), deleted=True),
        memory.told_of_job(job("5", active=1), deleted=False),
        memory.told_of_job(job("6", conditions=complete), deleted=False),
        memory.told_of_job(job("7"), deleted=True),
    ]
    assert told == [False, True, True, False, False, True, True]


def test_what_is_not_known_yet_is_looked_at() -> None:
    memory = Memory()
    assert memory.told_of_pod(pod("1", "Running"), deleted=False)
    assert memory.told_of_job(job("1"), deleted=False)


def test_the_operator_knows_its_own_writes() -> None:
    async def story() -> None:
        world = World()
        world.apply(manifest())
        await world.step()
        key, version = Key("staging", "shop"), world.loadtest()["metadata"]["resourceVersion"]
        assert world.operators[0].is_own(key, version)
        world.apply(manifest(seed=2))
        edited = world.loadtest()["metadata"]["resourceVersion"]
        assert not world.operators[0].is_own(key, edited)

    run_virtual(story())


def test_children_are_read_anew_in_every_phase_and_after_a_while() -> None:
    run = Memory().of("r-1")
    assert not run.is_fresh(Phase.RUNNING, 0.0)
    run.read({"metadata": {}}, [], Phase.RUNNING, 0.0)
    assert run.is_fresh(Phase.RUNNING, 9.0)
    assert not run.is_fresh(Phase.STOPPING, 1.0)
    assert not run.is_fresh(Phase.RUNNING, 11.0)


# -- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param({}, {"phase": "Launching"}, ("Normal", "RunAccepted"), id="accepted"),
        pytest.param(
            {"phase": "Launching"},
            {"phase": "Launching", "message": "2 of 3"},
            None,
            id="no transition",
        ),
        pytest.param(
            {"phase": "Launching"},
            {"phase": "Launching", "reason": "Unschedulable"},
            ("Warning", "Unschedulable"),
            id="held up",
        ),
        pytest.param(
            {"phase": "Launching", "reason": "Unschedulable"},
            {"phase": "Launching", "reason": "Unschedulable"},
            None,
            id="still held up",
        ),
        pytest.param(
            {"phase": "Running"}, {"phase": "Stopping"}, ("Warning", "Stopping"), id="stopping"
        ),
        pytest.param(
            {"phase": "Judging"},
            {"phase": "Finished", "verdict": "Passed", "reason": "ThresholdsHeld"},
            ("Normal", "ThresholdsHeld"),
            id="passed",
        ),
        pytest.param(
            {"phase": "Judging"},
            {"phase": "Finished", "verdict": "Failed", "reason": "ThresholdBroken"},
            ("Warning", "ThresholdBroken"),
            id="failed",
        ),
    ],
)
def test_events_tell_of_transitions(
    before: dict[str, Any], after: dict[str, Any], told: tuple[str, str] | None
) -> None:
    document = manifest()
    metadata = {**document["metadata"], "uid": "u", "generation": 1}
    subject = Reader().read({**document, "metadata": metadata, "status": before})
    event = event_about(subject, Status.model_validate({"message": "m", **after}), NOW)
    assert (event and (event["type"], event["reason"])) == told
    assert event is None or event["involvedObject"]["uid"] == "u"


# -- results and numbers ---------------------------------------------------------------------------------------------


def test_a_result_comes_back_from_its_config_map() -> None:
    result = Result(run=RunIdentity(name="shop", uid="r-1"))
    kept = result_config_map(RUN, result)
    assert result_in(kept) == result
    assert result_in({"data": {}}) is None
    assert result_in({"binaryData": {"result.json.gz": "bm90IGEgcmVzdWx0"}}) is None


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (shown_share(0, 100), "0%"),
        (shown_share(1, 100_000), "<0.01%"),
        (shown_share(99_999, 100_000), "99.99%"),
        (shown_share(100, 100), "100%"),
        (shown_share(1, 3), "33.33%"),
        (shown_share(0, 0), None),
        (shown_rate(12.345), "12.3/s"),
        (shown_rate(1234.5), "1234/s"),
        (shown_time(None), None),
        (shown_time(0.1234), "0.123ms"),
        (shown_time(250.4), "250ms"),
        (shown_time(12_345.0), "12.3s"),
    ],
)
def test_numbers_are_shown_without_pretending(shown: str | None, text: str | None) -> None:
    assert shown == text
