"""The contract that a real runner and a simulated one both keep: phases, replies, refusals, metrics, the document.

Every test runs twice, over HTTP. Where the simulated runner would answer otherwise than the real one, the scale tests
and fault timings that use it would prove nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest
from fleet.manners import Manner
from fleet.runner import Clocks, SimulatedRunner
from manifests import manifest
from prometheus_client.parser import text_string_to_metric_families
from scripted_target import Reply, serving

from kload_runner.fleet.control_api import ControlServer
from kload_runner.fleet.hosting import Assignment, Host
from kload_runner.fleet.runner import Runner
from kload_spec.control import (
    CANCEL_PATH,
    HEALTH_PATH,
    METRICS_PATH,
    PLAN_PATH,
    READY_PATH,
    RELEASE_PATH,
    RESULT_PATH,
    SETUP_PATH,
    START_PATH,
    STATUS_PATH,
    STOP_PATH,
    TEARDOWN_PATH,
    TOKEN_HEADER,
    PlanSource,
    RunDescription,
    RunIdentity,
    token_hash,
)
from kload_spec.plan import Plan
from kload_spec.planning import plan_of
from kload_spec.result import Result

TOKEN = "a token"
SETUP = [{"name": "prepare", "get": "/prepare"}]
TEARDOWN = [{"name": "clean", "get": "/clean"}]
THRESHOLDS = {
    "http_req_duration": ["p(95)<5s"],
    "http_req_failed": ["rate<50%"],
    "checks": ["rate>0.5"],
}
STEP = {"name": "home", "get": "/", "checks": {"status is 200": "status == 200"}}

# The series an operator asks Prometheus for; both must have them, with the same labels.
ASKED_FOR = (
    "kload_runner_info",
    "kload_runner_finished",
    "kload_threshold_good",
    "kload_threshold_samples",
    "kload_threshold_sum",
    "kload_http_reqs",
)


async def looks(within_s: float = 3.0) -> AsyncIterator[None]:
    """Yield now and again, until it is too late."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        yield
        await asyncio.sleep(0.005)
    raise AssertionError(f"it did not come within {within_s:g} s")


@dataclass
class Party:
    """A runner that is served, and the plan it holds."""

    http: httpx.AsyncClient
    plan: Plan

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        return await self.http.post(path, json=body)

    async def phase(self) -> str:
        return str((await self.get(STATUS_PATH)).json()["phase"])

    async def reach(self, phase: str) -> None:
        async for _ in looks():
            if await self.phase() == phase:
                return

    async def done(self, path: str) -> dict[str, Any]:
        """Ask for setup or teardown until it is over; return its last word."""
        async for _ in looks():
            reply = dict((await self.post(path)).json())
            if reply["state"] != "running":
                return reply
        raise AssertionError("not reached: looks() raises first")

    async def samples(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Return the series that are asked for: name -> labels -> value."""
        page = (await self.get(METRICS_PATH)).text
        families = {one.name: one for one in text_string_to_metric_families(page)}
        return {
            name: {tuple(sorted(s.labels.items())): s.value for s in families[name].samples}
            for name in ASKED_FOR
            if name in families
        }


Served = Callable[..., Awaitable[Party]]


def description_of(url: str, setup: Any, teardown: Any) -> RunDescription:
    load = {"executor": "constant-vus", "vus": 2, "duration": "150ms", "gracefulStop": "1s"}
    document = manifest(
        scenarios={"main": {**load, "steps": [STEP, {"sleep": "10ms"}]}},
        thresholds=THRESHOLDS,
        setup=setup,
        teardown=teardown,
    )
    return RunDescription(
        run=RunIdentity(uid="uid-1", loadtest="shop", namespace="staging"),
        source=PlanSource(document=document, target=url),
        runners=2,
        seed=7,
        token_sha256=token_hash(TOKEN),
    )


@pytest.fixture(params=["real", "simulated"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    """A function that serves a runner of one kind: index, setup and teardown as given."""
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serving(Reply(body="ok")))

        async def serve(index: int = 0, setup: Any = None, teardown: Any = None) -> Party:
            description = description_of(target.url, setup, teardown)
            plan = plan_of(description.source)
            if request.param == "real":
                host = Host(Assignment(description, index), lambda _: None)
                stack.push_async_callback(host.close)
                server = host.server
            else:
                manner = Manner(load_s=0.15, rate_per_s=100)
                clocks = Clocks(time.monotonic, time.time)
                runner = SimulatedRunner(description, plan, index, lambda: manner, clocks)
                server = ControlServer(
                    cast(Runner, runner), description.token_sha256, runner.exposition
                )
                stack.push_async_callback(server.close)
            port = await server.start("127.0.0.1")
            client = httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers={TOKEN_HEADER: TOKEN}, trust_env=False
            )
            return Party(await stack.enter_async_context(client), plan)

        yield serve


async def test_a_whole_run_passes_through_the_same_phases(served: Served) -> None:
    leader = await served(0, SETUP, TEARDOWN)
    seen = [await leader.phase()]
    assert (await leader.done(SETUP_PATH))["state"] == "done"
    seen.append(await leader.phase())
    await leader.post(START_PATH, attempt=1, startInS=0.05)
    seen.append(await leader.phase())
    for phase in ("running", "stopped"):
        await leader.reach(phase)
        seen.append(phase)
    assert (await leader.done(TEARDOWN_PATH))["state"] == "done"
    seen.append(await leader.phase())
    await leader.post(RELEASE_PATH)
    seen.append(await leader.phase())
    assert seen == ["idle", "ready", "armed", "running", "stopped", "finished", "released"]


async def test_a_runner_that_does_not_lead_starts_without_setup_and_finishes_by_itself(
    served: Served,
) -> None:
    follower = await served(1, SETUP, TEARDOWN)
    assert (await follower.post(START_PATH, attempt=1, startInS=0.01)).json()["phase"] == "armed"
    await follower.reach("finished")
    assert (await follower.done(TEARDOWN_PATH))["state"] == "done"


async def test_the_plan_reply_names_run_place_and_hashes(served: Served) -> None:
    party = await served(1)
    reply = (await party.get(PLAN_PATH)).json()
    version = reply.pop("version")
    assert version
    assert reply == {
        "protocol": "v1",
        "runUid": "uid-1",
        "runner": 1,
        "runners": 2,
        "planHash": party.plan.plan_hash,
        "filesHash": "",
        "specHash": party.plan.spec_hash,
        "phase": "idle",
    }


async def test_the_token_guards_v1_and_nothing_else(served: Served) -> None:
    party = await served()
    for path in (PLAN_PATH, STATUS_PATH, RESULT_PATH):
        assert (await party.http.get(path, headers={TOKEN_HEADER: "another"})).status_code == 401
    for path in (HEALTH_PATH, READY_PATH, METRICS_PATH):
        assert (await party.http.get(path, headers={TOKEN_HEADER: ""})).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param(START_PATH, {"attempt": 1, "startInS": 1}, id="start before setup"),
        pytest.param(TEARDOWN_PATH, {}, id="teardown before the load"),
        pytest.param(RELEASE_PATH, {}, id="release before the end"),
    ],
)
async def test_what_comes_too_early_is_409_with_the_phase(
    served: Served, path: str, body: dict[str, Any]
) -> None:
    party = await served(0, SETUP)
    refusal = await party.post(path, **body)
    assert refusal.status_code == 409
    assert refusal.json()["phase"] == "idle"
    assert refusal.json()["error"]
    assert (await party.get(RESULT_PATH)).status_code == 409


async def test_setup_after_the_start_is_409(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=30)
    assert (await party.post(SETUP_PATH)).status_code == 409


async def test_a_repeated_start_is_answered_the_same(served: Served) -> None:
    party = await served(1)
    first = (await party.post(START_PATH, attempt=1, startInS=30)).json()
    again = (await party.post(START_PATH, attempt=1, startInS=99)).json()
    assert again == first
    assert abs(first["startsAt"] - time.time() - 30) < 1


async def test_a_new_attempt_replaces_the_one_before(served: Served) -> None:
    party = await served(1)
    first = (await party.post(START_PATH, attempt=1, startInS=30)).json()
    second = (await party.post(START_PATH, attempt=2, startInS=60)).json()
    assert second["attempt"] == 2
    assert second["startsAt"] - first["startsAt"] > 29


async def test_a_cancelled_attempt_can_be_started_again(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=30)
    assert (await party.post(CANCEL_PATH, attempt=1)).json()["phase"] == "ready"
    assert (await party.post(CANCEL_PATH, attempt=1)).json()["phase"] == "ready"
    assert (await party.post(START_PATH, attempt=2, startInS=0.01)).json()["phase"] == "armed"
    await party.reach("finished")


async def test_another_attempt_is_not_cancelled(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=2, startInS=30)
    assert (await party.post(CANCEL_PATH, attempt=1)).json()["phase"] == "armed"


async def test_a_load_that_has_begun_is_not_cancelled(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=0)
    await party.reach("running")
    assert (await party.post(CANCEL_PATH, attempt=1)).status_code == 409


@pytest.mark.parametrize(
    "started", [pytest.param(False, id="idle"), pytest.param(True, id="armed")]
)
async def test_a_stop_before_the_load_finishes_without_numbers(
    served: Served, started: bool
) -> None:
    party = await served(1)
    if started:
        await party.post(START_PATH, attempt=1, startInS=30)
    reply = (await party.post(STOP_PATH, reason="start-failed", message="no fleet")).json()
    assert (reply["phase"], reply["stop"], reply["stopMessage"]) == (
        "finished",
        "start-failed",
        "no fleet",
    )
    assert (await party.get(RESULT_PATH)).json()["summary"]["requests"] == 0
    assert (await party.post(RELEASE_PATH)).json()["phase"] == "released"


async def test_a_stop_ends_the_load_and_the_first_reason_stays(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=0)
    await party.reach("running")
    reply = (await party.post(STOP_PATH, reason="threshold", message="p95")).json()
    assert reply["phase"] == "stopping"
    await party.post(STOP_PATH, reason="person", message="again")
    await party.reach("finished")
    status = (await party.get(STATUS_PATH)).json()
    assert (status["stop"], status["stopMessage"]) == ("threshold", "p95")


async def test_a_message_that_is_none_is_422(served: Served) -> None:
    party = await served(1)
    assert (await party.post(START_PATH, attempt=0)).status_code == 422
    assert (await party.post(STOP_PATH, reason="whim")).status_code == 422


async def test_all_threshold_series_are_there_at_zero_before_the_load(served: Served) -> None:
    party = await served(1)
    samples = await party.samples()
    ids = {threshold.id for threshold in party.plan.thresholds}
    run = (("loadtest", "shop"), ("run_uid", "uid-1"), ("runner", "1"))
    for name in ("kload_threshold_good", "kload_threshold_samples", "kload_threshold_sum"):
        assert {
            dict(labels)["threshold"]: value for labels, value in samples[name].items()
        } == dict.fromkeys(ids, 0.0)
        assert all(set(run) < set(labels) for labels in samples[name])
    assert samples["kload_runner_finished"] == {run: 0.0}
    assert list(samples["kload_runner_info"].values()) == [1.0]
    for labels in samples["kload_http_reqs"]:
        assert {name for name, _ in labels} == {
            "loadtest", "run_uid", "runner", "scenario", "step", "method", "status",
        }  # fmt: skip


async def test_page_status_and_document_tell_the_same_numbers(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=0)
    await party.reach("finished")
    samples = await party.samples()
    status = (await party.get(STATUS_PATH)).json()
    result = Result.from_bytes((await party.get(RESULT_PATH)).content)
    assert list(samples["kload_runner_finished"].values()) == [1.0]
    counted = sum(samples["kload_http_reqs"].values())
    assert counted == status["requests"] == sum(step.requests for step in result.steps) > 0
    assert {one.definition for one in result.thresholds} == set(party.plan.thresholds)
    for one in result.thresholds:
        name = one.definition.id
        page = {
            series: next(v for k, v in samples[series].items() if ("threshold", name) in k)
            for series in ("kload_threshold_good", "kload_threshold_samples", "kload_threshold_sum")
        }
        shown = status["thresholds"][name]
        assert list(page.values()) == pytest.approx([one.good, one.samples, one.sum])
        assert [shown["good"], shown["samples"], shown["sum"]] == pytest.approx(list(page.values()))


async def test_the_document_is_that_of_this_run_and_runner(served: Served) -> None:
    party = await served(1)
    await party.post(START_PATH, attempt=1, startInS=0)
    await party.reach("finished")
    result = Result.from_bytes((await party.get(RESULT_PATH)).content)
    assert (result.run.uid, result.run.seed) == ("uid-1", 7)
    assert (result.run.plan_hash, result.run.spec_hash) == (
        party.plan.plan_hash,
        party.plan.spec_hash,
    )
    assert [one.index for one in result.runners] == [1]
    assert result.duration_s == pytest.approx(0.15, abs=0.1)
    assert result.started_at is not None
    assert result.verdict is None


async def test_there_is_a_preliminary_document_before_teardown(served: Served) -> None:
    leader = await served(0, None, TEARDOWN)
    await leader.done(SETUP_PATH)
    await leader.post(START_PATH, attempt=1, startInS=0)
    await leader.reach("stopped")
    assert (await leader.get(RESULT_PATH)).status_code == 200
    assert list((await leader.samples())["kload_runner_finished"].values()) == [0.0]
