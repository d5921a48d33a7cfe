"""The operator speaks to the runner's own control server, by address and by way of an API server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from fleet.manners import Manner
from fleet.runner import Clocks, SimulatedRunner
from manifests import manifest
from memory_cluster import MemoryCluster

from kload_operator.cluster import Busy, ProxyRequest, Refused
from kload_operator.fleet import Fleet
from kload_operator.runner_access import (
    DirectAccess,
    ProxyAccess,
    RunnerAddress,
    Unreachable,
    WrongPhase,
    parsed,
)
from kload_runner.fleet.control_api import ControlServer
from kload_spec.control import (
    PlanReply,
    PlanSource,
    RunDescription,
    RunIdentity,
    RunnerPhase,
    StartRequest,
    token_hash,
)
from kload_spec.planning import plan

PLAN = plan(manifest())
DESCRIPTION = RunDescription(run=RunIdentity(uid="r"), source=PlanSource(document=manifest()))


@pytest_asyncio.fixture
async def port() -> AsyncIterator[int]:
    """A simulated runner behind the runner's own server, which asks for the token ``secret``."""
    clocks = Clocks(lambda: 0.0, lambda: 1e9)
    runner = SimulatedRunner(DESCRIPTION, PLAN, 0, Manner, clocks)
    server = ControlServer(
        runner,  # type: ignore[arg-type]  # plays a Runner
        token_hash("secret"),
        runner.exposition,
    )
    yield await server.start("127.0.0.1", 0)
    await server.close()


def address(token: str = "secret", ip: str = "127.0.0.1") -> RunnerAddress:
    return RunnerAddress("ns", "pod-0", ip, token)


async def test_a_fleet_is_asked_and_commanded(port: int) -> None:
    access = DirectAccess(port)
    fleet = Fleet(access, {0: address()})
    assert (await fleet.plans())[0].plan_hash == PLAN.plan_hash
    await fleet.set_up()
    assert (await fleet.plans())[0].phase is RunnerPhase.READY
    replies = await fleet.arm(lambda: StartRequest(attempt=1, start_in_s=5.0))
    assert replies[0].starts_at == 1e9 + 5
    await fleet.cancel(1)
    assert (await fleet.statuses())[0].phase is RunnerPhase.READY
    assert await fleet.results([0]) == {}, "there is no result yet"
    await access.close()


async def test_a_wrong_token_opens_nothing(port: int) -> None:
    access = DirectAccess(port)
    with pytest.raises(Unreachable, match="401"):
        await access.send(address("guess"), "GET", "/v1/plan")
    await access.close()


async def test_what_has_no_place_in_a_phase_is_told_apart_from_silence(port: int) -> None:
    access = DirectAccess(port)
    with pytest.raises(WrongPhase):
        await access.send(address(), "POST", "/v1/release")
    await access.close()


async def test_a_runner_that_is_not_there_is_unreachable_and_named() -> None:
    access = DirectAccess(9)
    with pytest.raises(Unreachable, match=r"pod-0 at 127\.0\.0\.1:9"):
        await access.send(address(), "GET", "/v1/plan")
    fleet = Fleet(access, {0: address()})
    seen = (await fleet.statuses())[0]
    assert seen.phase is None
    assert "pod-0" in seen.error
    await access.close()


def test_something_else_that_answers_is_no_runner() -> None:
    with pytest.raises(Unreachable, match="no PlanReply"):
        parsed(PlanReply, b"<html>")


class Proxying(MemoryCluster):
    """An API server that answers for pods as it is told."""

    def __init__(self, answer: bytes | Exception) -> None:
        super().__init__()
        self.answer = answer
        self.asked: list[tuple[str, str, str, ProxyRequest]] = []

    async def proxy(self, method: str, namespace: str, pod: str, request: ProxyRequest) -> bytes:
        self.asked.append((method, namespace, pod, request))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_the_token_goes_by_the_api_server_in_a_header_of_our_own() -> None:
    cluster = Proxying(b"{}")
    assert await ProxyAccess(cluster).send(address(), "POST", "/v1/stop", b"x") == b"{}"
    [(method, namespace, pod, request)] = cluster.asked
    assert (method, namespace, pod, request.path) == ("POST", "ns", "pod-0", "/v1/stop")
    assert request.headers == {"X-Kload-Token": "secret"}
    assert "secret" not in request.path


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Refused("409 wrong phase"), WrongPhase),
        (Busy("503 no endpoints"), Unreachable),
        (Refused("403 pods/proxy is forbidden"), Unreachable),
    ],
)
async def test_what_the_api_server_says_of_a_pod(answer: Exception, error: type[Exception]) -> None:
    with pytest.raises(error):
        await ProxyAccess(Proxying(answer)).send(address(), "GET", "/v1/plan")
