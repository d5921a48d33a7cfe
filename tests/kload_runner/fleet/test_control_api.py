"""The control protocol over HTTP, as an operator speaks it to one runner."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from plays import planned
from scripted_target import Reply, Target, serving

from kload_runner.clock import MonotonicClock
from kload_runner.engine import Engine, RunnerFacts
from kload_runner.fleet.control_api import MAX_BODY_BYTES, ControlServer
from kload_runner.fleet.runner import Runner
from kload_spec.control import TOKEN_HEADER, RunIdentity, token_hash
from kload_spec.result import Result
from kload_spec.striping import RunnerIndex

TOKEN = "t0ken"
SETUP = [{"name": "seed", "post": "/seed", "save": {"key": "json.key"}}]
TEARDOWN = [{"get": "/gone", "assert": {"all": "totals.iterations.count == 99"}}]
LOAD = {"executor": "per-vu-iterations", "vus": 1, "iterations": 3}


@dataclass
class Served:
    """A runner behind its API."""

    runner: Runner
    target: Target
    client: httpx.AsyncClient

    async def get(self, path: str) -> httpx.Response:
        return await self.client.get(path)

    async def post(self, path: str, **message: Any) -> httpx.Response:
        return await self.client.post(path, json=message)

    async def until(self, path: str, **wanted: str) -> dict[str, Any]:
        """Repeat a request until the answer has these fields."""
        for _ in range(200):
            post = path in ("/v1/setup", "/v1/teardown")
            answer = await (self.post(path) if post else self.get(path))
            found: dict[str, Any] = answer.json()
            if all(found.get(name) == value for name, value in wanted.items()):
                return found
            await asyncio.sleep(0.01)
        raise AssertionError(f"{path} never had {wanted}: {found}")


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving(Reply(body={"key": "k1"})) as target:
        spec: Any = {"setup": SETUP, "teardown": TEARDOWN, "thresholds": {"http_reqs": ["count>0"]}}
        test = planned(target.url, {"name": "go", "get": "/$(vars.key)"}, scenario=LOAD, **spec)
        facts = RunnerFacts(run=RunIdentity(uid="run-1"))
        engine = Engine(test, facts, MonotonicClock(), lambda line: None)
        engine.prepare()
        runner = Runner(engine, time.time)
        server = ControlServer(runner, token_hash(TOKEN))
        port = await server.start("127.0.0.1")
        client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", headers={TOKEN_HEADER: TOKEN}, trust_env=False
        )
        try:
            yield Served(runner, target, client)
        finally:
            await client.aclose()
            await server.close()
            await runner.close()
    await asyncio.sleep(0)


async def test_a_whole_run(served: Served) -> None:
    plan = (await served.get("/v1/plan")).json()
    assert (plan["runUid"], plan["runner"], plan["phase"]) == ("run-1", 0, "idle")
    assert plan["planHash"] == served.runner.engine.plan.plan_hash

    assert (await served.post("/v1/setup")).json()["state"] == "running"
    assert (await served.until("/v1/setup", state="done"))["vars"] == {"key": "k1"}
    armed = await served.post("/v1/start", attempt=1, startInS=0.05, vars={"key": "from-leader"})
    assert armed.json()["phase"] == "armed"
    assert armed.json()["startsAt"] == pytest.approx(time.time() + 0.05, abs=0.05)

    await served.until("/v1/status", phase="stopped")
    status = (await served.get("/v1/status")).json()
    assert (status["requests"], status["iterations"], status["failed"]) == (3, 3, 0)
    assert b"kload_runner_finished{" in (await served.get("/metrics")).content

    totals = {"iterations": {"count": 99.0}}
    assert (await served.post("/v1/teardown", totals=totals)).json()["state"] == "running"
    await served.until("/v1/teardown", state="done")
    result = Result.model_validate((await served.get("/v1/result")).json())
    assert [(check.name, check.passes) for check in result.checks] == [("all", 1)]
    assert served.target.targets() == ["/seed", *["/from-leader"] * 3, "/gone"]

    assert (await served.post("/v1/release")).json()["phase"] == "released"
    assert (await served.post("/v1/release")).status_code == 200


async def test_setup_is_run_once_however_often_it_is_asked_for(served: Served) -> None:
    await served.post("/v1/setup")
    await served.post("/v1/setup")
    await served.until("/v1/setup", state="done")
    await served.until("/v1/setup", state="done")
    assert served.target.targets() == ["/seed"]


async def test_a_start_repeated_is_answered_the_same_and_starts_once(served: Served) -> None:
    await served.until("/v1/setup", state="done")
    first = (await served.post("/v1/start", attempt=1, startInS=0.01, vars={"key": "a"})).json()
    again = (await served.post("/v1/start", attempt=1, startInS=5)).json()
    assert again["startsAt"] == first["startsAt"]
    await served.until("/v1/status", phase="stopped")
    assert len(served.target.asked) == 1 + 3
    refused = await served.post("/v1/start", attempt=2, startInS=0)
    assert (refused.status_code, refused.json()["phase"]) == (409, "stopped")


async def test_an_armed_start_can_be_cancelled_and_armed_anew(served: Served) -> None:
    await served.until("/v1/setup", state="done")
    await served.post("/v1/start", attempt=1, startInS=30, vars={"key": "a"})
    assert (await served.post("/v1/cancel", attempt=7)).json()["phase"] == "armed"
    assert (await served.post("/v1/cancel", attempt=1)).json()["phase"] == "ready"
    await served.post("/v1/start", attempt=2, startInS=0.01, vars={"key": "b"})
    await served.until("/v1/status", phase="stopped")
    assert served.target.targets() == ["/seed", "/b", "/b", "/b"]
    assert (await served.post("/v1/cancel", attempt=2)).status_code == 409


async def test_a_runner_without_vus_is_not_done_before_the_load_begins() -> None:
    test = planned("http://127.0.0.1:1", {"get": "/"}, scenario=LOAD)
    facts = RunnerFacts(run=RunIdentity(uid="run-1"), runner=RunnerIndex(1, 2))
    clock = MonotonicClock()
    engine = Engine(test, facts, clock, lambda line: None)
    engine.prepare()
    start_at = clock.now() + 0.05
    load = asyncio.create_task(engine.load(start_at, {}))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not load.done()
    await load
    assert clock.now() >= start_at
    await engine.close()


async def test_a_runner_stopped_before_its_start_has_a_result_without_load(served: Served) -> None:
    await served.until("/v1/setup", state="done")
    await served.post("/v1/start", attempt=1, startInS=30)
    stopped = await served.post("/v1/stop", reason="person", message="changed my mind")
    assert stopped.json()["phase"] == "finished"
    assert (stopped.json()["stop"], stopped.json()["stopMessage"]) == ("person", "changed my mind")
    result = Result.model_validate((await served.get("/v1/result")).json())
    assert (result.summary.requests, result.duration_s) == (0, 0.0)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("POST", "/v1/start", 409, id="start-before-setup"),
        pytest.param("POST", "/v1/teardown", 409, id="teardown-before-load"),
        pytest.param("GET", "/v1/result", 409, id="result-before-load"),
        pytest.param("POST", "/v1/release", 409, id="release-before-end"),
        pytest.param("GET", "/v1/nothing", 404, id="unknown-path"),
        pytest.param("POST", "/v1/plan", 405, id="wrong-method"),
    ],
)
async def test_what_has_no_place_now_is_refused(
    served: Served, method: str, path: str, status: int
) -> None:
    answer = await served.client.request(method, path, json={"attempt": 1, "startInS": 0})
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize("token", [pytest.param("", id="none"), pytest.param("wrong", id="wrong")])
async def test_nothing_is_told_without_the_token(served: Served, token: str) -> None:
    for path in ("/v1/plan", "/v1/status", "/v1/nothing"):
        answer = await served.client.get(path, headers={TOKEN_HEADER: token})
        assert answer.status_code == 401
    for path in ("/healthz", "/readyz", "/metrics"):
        answer = await served.client.get(path, headers={TOKEN_HEADER: token})
        assert answer.status_code == 200


async def test_a_message_that_is_none_is_refused(served: Served) -> None:
    for content in (b"", b"{", b'{"attempt": 0, "startInS": 1}', b'{"attempt": 1, "startInS": -1}'):
        answer = await served.client.post("/v1/start", content=content)
        assert answer.status_code == 422


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"400", id="no-http"),
        pytest.param(b"POST /v1/start HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400", id="length"),
        pytest.param(
            b"POST /v1/start HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400", id="chunked"
        ),
        pytest.param(
            b"POST /v1/start HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY_BYTES + 1),
            b"413",
            id="too-long",
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"413", id="long-head"
        ),
    ],
)
async def test_garbage_is_answered_and_closed(
    served: Served, request_bytes: bytes, status: bytes
) -> None:
    url = served.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request_bytes)
    answer = await reader.read()
    writer.close()
    assert answer.split(b" ")[1] == status


async def test_every_threshold_series_exists_at_zero_before_the_load(served: Served) -> None:
    page = (await served.get("/metrics")).text
    for threshold in served.runner.engine.plan.thresholds:
        labels = f'run_uid="run-1",loadtest="shop",runner="0",threshold="{threshold.id}"'
        labels = ",".join(sorted(labels.split(",")))
        lines = [line for line in page.splitlines() if threshold.id in line]
        assert {line.rsplit(" ", 1)[1] for line in lines} == {"0.0"}
        assert {line.split("{")[0] for line in lines} == {
            "kload_threshold_good_total",
            "kload_threshold_samples_total",
            "kload_threshold_sum",
        }


async def test_a_finished_runner_says_so_on_its_page_and_nothing_changes_any_more(
    served: Served,
) -> None:
    await served.until("/v1/setup", state="done")
    await served.post("/v1/start", attempt=1, startInS=0, vars={"key": "x"})
    await served.until("/v1/status", phase="stopped")
    await served.post("/v1/teardown")
    await served.until("/v1/teardown", state="done")
    pages = [(await served.get("/metrics")).text for _ in range(2)]
    counters = [[line for line in page.splitlines() if "_total{" in line] for page in pages]
    assert counters[0] == counters[1]
    assert any(
        line.startswith("kload_runner_finished{") and line.endswith(" 1.0")
        for line in pages[0].splitlines()
    )
