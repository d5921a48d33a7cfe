"""A runner in a worker process, over loopback: not in `members`, since a run in one process needs no HTTP client."""

from __future__ import annotations

from typing import TypeVar

import httpx

from kload_runner.fleet.members import MemberLost
from kload_runner.fleet.runner import WrongPhase
from kload_spec.control import (
    PLAN_PATH,
    RELEASE_PATH,
    RESULT_PATH,
    SETUP_PATH,
    START_PATH,
    STATUS_PATH,
    STOP_PATH,
    TEARDOWN_PATH,
    TOKEN_HEADER,
    Message,
    PhaseReply,
    PlanReply,
    StartReply,
    StartRequest,
    StatusReply,
    StopRequest,
    TeardownRequest,
)
from kload_spec.result import Result

ANSWER_WITHIN_S = 10.0  # s; a worker on this machine that is silent for so long is lost

_Reply = TypeVar("_Reply", bound=Message)


class RemoteMember:
    """A runner in another process on this machine."""

    def __init__(self, index: int, port: int, token: str) -> None:
        self.index = index
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={TOKEN_HEADER: token},
            timeout=ANSWER_WITHIN_S,
            trust_env=False,  # no proxy stands between us and our own processes
        )

    async def plan(self) -> PlanReply:
        """Return which plan it holds, and its phase."""
        return await self._get(PLAN_PATH, PlanReply)

    async def setup(self) -> PhaseReply:
        """Begin setup, or tell how it stands."""
        return await self._post(SETUP_PATH, None, PhaseReply)

    async def start(self, request: StartRequest) -> StartReply:
        """Arm the load."""
        return await self._post(START_PATH, request, StartReply)

    async def stop(self, request: StopRequest) -> None:
        """End the load."""
        await self._post(STOP_PATH, request, StatusReply)

    async def teardown(self, request: TeardownRequest) -> PhaseReply:
        """Begin teardown, or tell how it stands."""
        return await self._post(TEARDOWN_PATH, request, PhaseReply)

    async def status(self) -> StatusReply:
        """Return its live numbers."""
        return await self._get(STATUS_PATH, StatusReply)

    async def result(self) -> Result:
        """Return its document."""
        return Result.model_validate_json(await self._ask("GET", RESULT_PATH, None))

    async def release(self) -> None:
        """Let it go."""
        await self._post(RELEASE_PATH, None, StatusReply)

    async def close(self) -> None:
        """Close the connections to it."""
        await self._client.aclose()

    async def _get(self, path: str, reply: type[_Reply]) -> _Reply:
        return reply.model_validate_json(await self._ask("GET", path, None))

    async def _post(self, path: str, message: Message | None, reply: type[_Reply]) -> _Reply:
        content = message.to_json().encode() if message is not None else b""
        return reply.model_validate_json(await self._ask("POST", path, content))

    async def _ask(self, method: str, path: str, content: bytes | None) -> bytes:
        try:
            answer = await self._client.request(method, path, content=content)
        except httpx.HTTPError as exc:
            raise MemberLost(
                f"worker {self.index} does not answer {path}: {type(exc).__name__} {exc}"
            ) from exc
        if answer.status_code == 409:
            raise WrongPhase(answer.text, (await self.plan()).phase)
        if answer.status_code != 200:
            raise MemberLost(f"worker {self.index} answered {path} with {answer.status_code}")
        return answer.content
