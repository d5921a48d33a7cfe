"""An operator that was away until the runners had ended by themselves: what they left behind is judged, or named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fleet.manners import Manner
from manifests import manifest
from operator_world import World

from kload_operator.cluster import PODS as _PODS
from kload_runner.testing import run_virtual
from kload_spec.control import RunnerPhase, StopReason
from kload_spec.farewell import Farewell

QUICK = Manner(load_s=3.0, rate_per_s=20.0)
BAD = QUICK.model_copy(update={"failed_share": 0.5})
THRESHOLDS = {"http_req_failed": ["rate<10%"], "http_req_duration": ["p(95)<500ms"]}
READS_TOTALS = [{"log": "$(totals.http_reqs.count)"}]
CLEANS_UP = [{"delete": "/orders"}]
LOST = ("Error", "RunnerLost")


def judged_after(
    manner: Manner = QUICK,
    *,
    meanwhile: Callable[[World], None] = lambda world: None,
    spec: dict[str, Any] | None = None,
    **words: Any,
) -> dict[str, Any]:
    """Return the status of a run whose operator was away from its start until its runners had ended."""

    async def story() -> dict[str, Any]:
        world = World(manner)
        world.apply(
            manifest(
                runners={"replicas": 3}, thresholds=THRESHOLDS, startTimeout="30s", **spec or {}
            )
        )
        await world.run(until="Running")
        world.operators = []
        await world.settle(for_s=10)
        for runner in world.runners.values():
            if runner.phase is RunnerPhase.STOPPED:
                runner.teardown(None)  # type: ignore[arg-type]  # by themselves
        await world.settle(for_s=10)
        world.end_alone(**words)
        meanwhile(world)
        world.operators = [world.new_operator()]
        return await world.run()

    return run_virtual(story())


def outcome(status: dict[str, Any]) -> tuple[str, str]:
    return status["verdict"], status["reason"]


def test_what_the_runners_left_is_judged_where_prometheus_has_the_same() -> None:
    status = judged_after()
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert status["summary"]["requests"] == 3 * 60
    assert status["runners"]["lost"] == 0
    assert any("ended by themselves" in warning for warning in status["warnings"])


def test_a_broken_threshold_fails_all_the_same() -> None:
    status = judged_after(BAD)
    assert outcome(status) == ("Failed", "ThresholdBroken")


def drop_samples(world: World) -> None:
    for page in world.prometheus.pages.values():
        for key in page:
            if key[0] == "kload_http_reqs_total":
                page[key] -= 1


def go_down(world: World) -> None:
    world.prometheus.down = True


def lose_a_pods_words(world: World) -> None:
    pod = next(iter(world.cluster.of(_PODS)))
    pod["status"] = {"phase": "Succeeded"}


def take_anothers_words(world: World) -> None:
    """Runner 1 shows what runner 0 left."""
    first, second, _ = sorted(world.cluster.of(_PODS), key=lambda pod: pod["metadata"]["name"])
    second["status"] = first["status"]


@pytest.mark.parametrize(
    ("meanwhile", "expected"),
    [
        pytest.param(drop_samples, ("Inconclusive", "IncompleteData"), id="other totals"),
        pytest.param(go_down, ("Inconclusive", "IncompleteData"), id="no Prometheus"),
        pytest.param(lose_a_pods_words, LOST, id="one left nothing"),
        pytest.param(take_anothers_words, LOST, id="one left another's"),
    ],
)
def test_what_nobody_confirms_never_passes(
    meanwhile: Callable[[World], None], expected: tuple[str, str]
) -> None:
    assert outcome(judged_after(meanwhile=meanwhile)) == expected


@pytest.mark.parametrize(
    ("words", "named"),
    [
        pytest.param({"totals": ""}, "did not fit", id="too many thresholds"),
        pytest.param({"totals": "bm90IGEgcmVzdWx0"}, "another run or plan", id="not readable"),
        pytest.param({"faults": ("engine: boom",)}, "engine: boom", id="a fault"),
        pytest.param(
            {"stop": StopReason.ABORT_STEP, "message": "enough"}, "enough", id="it aborted itself"
        ),
        pytest.param({"exit_code": 1}, "ended by itself", id="another exit code"),
        pytest.param({"phase": RunnerPhase.RUNNING}, "ended by itself", id="in mid-load"),
    ],
)
def test_words_of_a_runner_that_did_not_end_as_planned_are_no_ground(
    words: dict[str, Any], named: str
) -> None:
    status = judged_after(**words)
    assert outcome(status) == LOST
    assert named in status["message"]


@pytest.mark.parametrize(
    ("teardown", "alone", "expected"),
    [
        pytest.param(CLEANS_UP, True, "Passed", id="cleans up"),
        pytest.param(READS_TOTALS, True, "Inconclusive", id="reads totals it never got"),
        pytest.param(READS_TOTALS, False, "Passed", id="had its totals"),
    ],
)
def test_a_teardown_that_was_told_no_totals_says_nothing(
    teardown: list[dict[str, Any]], alone: bool, expected: str
) -> None:
    status = judged_after(spec={"teardown": teardown}, alone=alone)
    assert status["verdict"] == expected, status["message"]
    if expected == "Inconclusive":
        assert "without the totals of the fleet" in status["message"]


def test_runners_that_still_linger_are_asked_as_ever() -> None:
    def revive(world: World) -> None:
        pod = max(world.cluster.of(_PODS), key=lambda pod: str(pod["metadata"]["name"]))
        assert pod["metadata"]["name"] in world.runners
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": world._stamp()}
        pod["status"] = {"phase": "Running", "podIP": "10.0.0.3", "conditions": [ready]}

    status = judged_after(meanwhile=revive)
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert any(warning.startswith("2 of 3 runners") for warning in status["warnings"])


def test_words_of_strangers_are_no_farewell() -> None:
    assert Farewell.read("[1]") is None
    assert Farewell.read("bye") is None
