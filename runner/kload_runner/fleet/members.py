"""The runners of a local fleet, as whoever leads it sees them: one in this process, or several over loopback
(`remote_member`).

Both speak the messages of `kload_spec.control`, so the leader does not know which it has.
"""

from __future__ import annotations

from typing import Protocol

from kload_runner.fleet.runner import Runner
from kload_spec.control import (
    PhaseReply,
    PlanReply,
    StartReply,
    StartRequest,
    StatusReply,
    StopRequest,
    TeardownRequest,
)
from kload_spec.result import Result


class MemberLost(Exception):
    """A runner does not answer any more; the message says how that showed."""


class Member(Protocol):
    """One runner of the fleet. Every call may raise MemberLost."""

    @property
    def index(self) -> int:
        """Its place in the fleet."""
        ...

    async def plan(self) -> PlanReply: ...
    async def setup(self) -> PhaseReply: ...
    async def start(self, request: StartRequest) -> StartReply: ...
    async def stop(self, request: StopRequest) -> None: ...
    async def teardown(self, request: TeardownRequest) -> PhaseReply: ...
    async def status(self) -> StatusReply: ...
    async def result(self) -> Result: ...
    async def release(self) -> None: ...


class OwnMember:
    """The runner in this process."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    @property
    def index(self) -> int:
        """Its place in the fleet."""
        return self._runner.engine.facts.runner.index

    async def plan(self) -> PlanReply:
        """Return which plan it holds, and its phase."""
        return self._runner.plan()

    async def setup(self) -> PhaseReply:
        """Begin setup, or tell how it stands."""
        return self._runner.setup()

    async def start(self, request: StartRequest) -> StartReply:
        """Arm the load."""
        return self._runner.start(request)

    async def stop(self, request: StopRequest) -> None:
        """End the load."""
        self._runner.stop(request)

    async def teardown(self, request: TeardownRequest) -> PhaseReply:
        """Begin teardown, or tell how it stands."""
        return self._runner.teardown(request)

    async def status(self) -> StatusReply:
        """Return its live numbers."""
        return self._runner.status()

    async def result(self) -> Result:
        """Return its document."""
        return self._runner.result()

    async def release(self) -> None:
        """Let it go."""
        self._runner.release()
