"""All runners of a run, asked side by side. Speaks the control protocol; decides nothing.

Whoever does not answer is a `RunnerSeen` with an error, never an exception: one silent runner must not hide the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from kload_operator.runner_access import (
    RESULT_TIMEOUT_S,
    RunnerAccess,
    RunnerAddress,
    Unreachable,
    WrongPhase,
    parsed,
)
from kload_operator.seen import PodSeen, RunnerSeen
from kload_spec.control import (
    CANCEL_PATH,
    PLAN_PATH,
    RELEASE_PATH,
    RESULT_PATH,
    SETUP_PATH,
    START_PATH,
    STATUS_PATH,
    STOP_PATH,
    TEARDOWN_PATH,
    CancelRequest,
    PhaseReply,
    PlanReply,
    StartReply,
    StartRequest,
    StatusReply,
    StopRequest,
    TeardownRequest,
)
from kload_spec.result import Result

AT_A_TIME = 64
RESULTS_AT_A_TIME = 8  # documents may be large

_T = TypeVar("_T")


class Fleet:
    """The runners whose pods may be running.

    Args:
        addresses: by index.
    """

    def __init__(self, access: RunnerAccess, addresses: Mapping[int, RunnerAddress]) -> None:
        self._access = access
        self.addresses = addresses

    @classmethod
    def of(
        cls, access: RunnerAccess, namespace: str, pods: Mapping[int, PodSeen], token: str
    ) -> Fleet:
        """Return the fleet of pods that have an address."""
        return cls(
            access,
            {
                index: RunnerAddress(namespace, pod.name, pod.ip, token)
                for index, pod in sorted(pods.items())
                if pod.alive and pod.ip
            },
        )

    async def plans(self) -> dict[int, RunnerSeen]:
        """Ask all for plan and phase."""

        async def ask(index: int) -> RunnerSeen:
            reply = parsed(PlanReply, await self._send(index, "GET", PLAN_PATH))
            return RunnerSeen(
                index, reply.phase, plan_hash=reply.plan_hash, files_hash=reply.files_hash
            )

        return await self._all_seen(ask)

    async def statuses(self) -> dict[int, RunnerSeen]:
        """Ask all for their live numbers."""

        async def ask(index: int) -> RunnerSeen:
            reply = parsed(StatusReply, await self._send(index, "GET", STATUS_PATH))
            return RunnerSeen(index, reply.phase, status=reply)

        return await self._all_seen(ask)

    async def results(self, indexes: list[int]) -> dict[int, Result]:
        """Return the documents of those that hand one in."""

        async def ask(index: int) -> Result:
            content = await self._send(index, "GET", RESULT_PATH, timeout_s=RESULT_TIMEOUT_S)
            return Result.from_bytes(content)

        found = await self._all(ask, indexes, RESULTS_AT_A_TIME)
        return {index: item for index, item in found.items() if isinstance(item, Result)}

    async def set_up(self) -> PhaseReply | None:
        """Begin setup on runner 0, or hear how it stands; None: no answer."""
        return await self._phase(SETUP_PATH, b"")

    async def tear_down(self, totals: dict[str, dict[str, float]]) -> PhaseReply | None:
        """Begin teardown on runner 0, or hear how it stands; None: no answer."""
        return await self._phase(TEARDOWN_PATH, TeardownRequest(totals=totals).to_json().encode())

    async def arm(self, request: Callable[[], StartRequest]) -> dict[int, StartReply]:
        """Arm all; return the answers of those that acknowledged.

        Args:
            request: makes the request at the moment it is sent: what counts is the time that is left.
        """

        async def ask(index: int) -> StartReply:
            content = request().to_json().encode()
            return parsed(StartReply, await self._send(index, "POST", START_PATH, content))

        found = await self._all(ask, list(self.addresses), AT_A_TIME)
        return {index: item for index, item in found.items() if isinstance(item, StartReply)}

    async def cancel(self, attempt: int) -> None:
        """Disarm all; those that have begun keep going, and their phase will say so."""
        await self._tell(CANCEL_PATH, CancelRequest(attempt=attempt).to_json().encode())

    async def stop(self, request: StopRequest) -> None:
        """Tell all to end the load."""
        await self._tell(STOP_PATH, request.to_json().encode())

    async def release(self) -> None:
        """Let all go."""
        await self._tell(RELEASE_PATH, b"")

    async def _phase(self, path: str, content: bytes) -> PhaseReply | None:
        if 0 not in self.addresses:
            return None
        try:
            return parsed(PhaseReply, await self._send(0, "POST", path, content))
        except (Unreachable, WrongPhase):
            return None

    async def _tell(self, path: str, content: bytes) -> None:
        async def ask(index: int) -> bytes:
            return await self._send(index, "POST", path, content)

        await self._all(ask, list(self.addresses), AT_A_TIME)

    async def _send(
        self, index: int, method: str, path: str, content: bytes = b"", timeout_s: float = 5.0
    ) -> bytes:
        return await self._access.send(
            self.addresses[index], method, path, content, timeout_s=timeout_s
        )

    async def _all_seen(self, ask: Callable[[int], Awaitable[RunnerSeen]]) -> dict[int, RunnerSeen]:
        found = await self._all(ask, list(self.addresses), AT_A_TIME)
        return {
            index: item if isinstance(item, RunnerSeen) else RunnerSeen(index, error=str(item))
            for index, item in found.items()
        }

    async def _all(
        self, ask: Callable[[int], Awaitable[_T]], indexes: list[int], at_a_time: int
    ) -> dict[int, _T | Exception]:
        """Ask side by side; what a runner did not answer comes back as its exception."""
        turn = asyncio.Semaphore(at_a_time)

        async def one(index: int) -> _T | Exception:
            async with turn:
                try:
                    return await ask(index)
                except (Unreachable, WrongPhase, ValueError) as error:
                    return error

        answers = await asyncio.gather(*map(one, indexes))
        return dict(zip(indexes, answers, strict=True))
