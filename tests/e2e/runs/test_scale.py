"""A hundred LoadTests at once and one of two hundred runners: right verdicts, small status, bounded memory and calls.

Runners are simulated (see the package `fleet`); operator, API server, Job controller and Prometheus are real. The
operator runs in the cluster's network namespace, where the simulated runners have their addresses.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cluster.api import Object
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.simulated_nodes import SimulatedNode, simulated_node
from cluster.waiting import eventually
from fleet.component import playing
from fleet.manners import Manner
from trials.installations import settings_for
from trials.load_tests import KIND, get, load_test, users
from trials.observing import condition, outcome
from trials.operators import Operator

MANY, WIDE = 100, 200
LOAD_S, RATE_PER_S = 4, 20
STATUS_BYTES = 16 * 1024
MEMORY_BYTES = 400 * 1024 * 1024
CALLS_PER_RUN = 120
# What a run may ask of the API server, whatever its number of runners: what it makes and says once (description,
# Job, result, a status and an event for each of nine phases, what is left of earlier runs) ...
CALLS_ONCE = 50
# ... and what it does again while it goes on. A look reads the LoadTest. Looks come every half second while a run
# waits, and when pods change, at most every 0.2 s: 7/s. Job and pods are listed in every phase and every 10 s, events
# every 2 s, status is written every 3 s at most: less than 2/s together.
CALLS_PER_S = 9


@pytest.fixture
def node(bed: Bed, cluster: Cluster, namespace: str) -> Iterator[SimulatedNode]:
    """A simulated node of this test's own, whose addresses no pod of another has; runners on it are played."""
    manner = Manner(load_s=LOAD_S, rate_per_s=RATE_PER_S)
    with (
        simulated_node(cluster, bed.api, f"played-{namespace[-6:]}") as made,
        playing(cluster, manner),
    ):
        yield made


@pytest.fixture
def inside(
    bed: Bed,
    cluster: Cluster,
    namespace: str,
    installed: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """An operator in the cluster's network namespace."""
    settings = settings_for(bed, "none", namespace, times={"look": "2s", "scrapesWithin": "60s"})
    enter = ["nsenter", f"--target={cluster.processes.init_pid()}", "--net"]
    folder = tmp_path_factory.mktemp("scale")
    host = cluster.addresses.control_plane
    with Operator(folder, installed, settings, enter, host=host) as running:
        running.wait_until_ready()
        yield running


def api_calls(operator: Operator) -> float:
    """Return how many requests the operator has sent to the API server, as it says itself."""
    page = operator.get("/metrics").text
    found = re.search(r"^kload_operator_api_requests_total(?:{[^}]*})? ([0-9.e+]+)$", page, re.M)
    assert found, page[:2000]
    return float(found[1])


def ended(bed: Bed, namespace: str) -> dict[str, Object]:
    """Return the status of those LoadTests that have finished."""
    tests = bed.api.list(KIND, namespace)
    return {
        one["metadata"]["name"]: one["status"]
        for one in tests
        if condition(one.get("status", {}), "Finished") == "True"
    }


def simulated(name: str, node: SimulatedNode, size: int, *thresholds: str) -> Object:
    """Return a LoadTest for simulated runners with thresholds of http_reqs."""
    runners = {"replicas": size, **node.placement()}
    load = users(max(size, 1), f"{LOAD_S}s")
    rules = {"http_reqs": list(thresholds), "checks": ["rate==1"]}
    return load_test(name, runners=runners, load=load, steps=[get()], thresholds=rules)


@pytest.mark.disruptive
@pytest.mark.timeout(600)
def test_a_hundred_tests_at_once_end_in_their_own_verdicts(
    bed: Bed,
    namespace: str,
    inside: Operator,
    node: SimulatedNode,
) -> None:
    before = api_calls(inside)
    expected = {}
    for number in range(MANY):
        name, broken = f"test-{number}", number % 4 == 0
        rule = "count<1" if broken else f"count=={LOAD_S * RATE_PER_S}"
        expected[name] = "Failed" if broken else "Passed"
        bed.api.apply(simulated(name, node, 1, rule), namespace)
    found = eventually(
        lambda: ended(bed, namespace),
        until=lambda seen: len(seen) == MANY,
        within_s=420,
        every_s=2,
        what="the end of all",
    )
    assert {name: status["verdict"] for name, status in found.items()} == expected
    sizes = [len(json.dumps(status)) for status in found.values()]
    calls = (api_calls(inside) - before) / MANY
    memory = inside.memory_bytes()
    print(f"status at most {max(sizes)} B, {calls:.0f} API calls per run, {memory >> 20} MiB")
    assert max(sizes) < STATUS_BYTES
    assert calls < CALLS_PER_RUN
    assert memory < MEMORY_BYTES


@pytest.mark.disruptive
@pytest.mark.timeout(600)
def test_two_hundred_runners_are_one_run(
    bed: Bed, namespace: str, inside: Operator, node: SimulatedNode
) -> None:
    before, began = api_calls(inside), time.monotonic()
    total = WIDE * LOAD_S * RATE_PER_S
    bed.api.apply(simulated("wide", node, WIDE, f"count=={total}"), namespace)
    found = eventually(
        lambda: ended(bed, namespace), within_s=420, every_s=1, what="the end of the run"
    )
    status = found["wide"]
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert status["runners"]["desired"] == WIDE
    assert status["summary"]["requests"] == total
    calls, size = api_calls(inside) - before, len(json.dumps(status))
    took_s = time.monotonic() - began
    print(
        f"status {size} B, {calls:.0f} API calls in {took_s:.0f} s, {inside.memory_bytes() >> 20} MiB"
    )
    assert size < STATUS_BYTES
    assert calls < CALLS_ONCE + CALLS_PER_S * took_s
    assert inside.memory_bytes() < MEMORY_BYTES
