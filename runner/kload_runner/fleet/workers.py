"""Worker processes of a local run: started, listened to, and ended. Knows nothing of what they measure."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from kload_runner.fleet.members import Member, MemberLost
from kload_runner.fleet.remote_member import RemoteMember
from kload_runner.fleet.worker import Task, Told

START_WITHIN_S = 30.0  # s; from the start of the processes until they serve: imports and planning
END_WITHIN_S = 5.0  # s; after their release, before they are killed
MAX_LINE_BYTES = 1024 * 1024


class Worker:
    """One process."""

    def __init__(
        self, process: asyncio.subprocess.Process, index: int, log: Callable[[str], None]
    ) -> None:
        self.process = process
        self.index = index
        self.port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._log = log
        self.listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """Read what it tells until it ends."""
        stdout = self.process.stdout
        assert stdout is not None
        refused = ""
        while line := await stdout.readline():
            told = Told.model_validate_json(line)
            if told.log is not None:
                self._log(told.log)
            if told.refused is not None:
                refused = told.refused
            if told.port is not None and not self.port.done():
                self.port.set_result(told.port)
        code = await self.process.wait()
        if not self.port.done():
            why = refused or f"it ended with exit code {code}"
            self.port.set_exception(MemberLost(f"worker {self.index} did not start: {why}"))
            self.port.exception()  # seen, also where nobody waits for it any more

    async def end(self) -> None:
        """Let the process end, or end it."""
        stdin = self.process.stdin
        if stdin is not None:
            stdin.close()
        try:
            async with asyncio.timeout(END_WITHIN_S):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self.listening.cancel()
        await asyncio.gather(self.listening, return_exceptions=True)


@asynccontextmanager
async def started_workers(
    tasks: list[Task], token: str, log: Callable[[str], None]
) -> AsyncIterator[list[Member]]:
    """Start a process per task and yield them as members of a fleet; none is left afterwards.

    Raises:
        MemberLost: one of them did not start.
    """
    workers: list[Worker] = []
    members: list[RemoteMember] = []
    try:
        for task in tasks:
            workers.append(await _start(task, log))
        async with asyncio.timeout(START_WITHIN_S):
            ports = await asyncio.gather(*(worker.port for worker in workers))
        members = [
            RemoteMember(worker.index, port, token)
            for worker, port in zip(workers, ports, strict=True)
        ]
        yield list(members)
    except TimeoutError as exc:
        raise MemberLost(f"the workers did not start within {START_WITHIN_S:g}s") from exc
    finally:
        for member in members:
            await member.close()
        await asyncio.gather(*(worker.end() for worker in workers))


async def _start(task: Task, log: Callable[[str], None]) -> Worker:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "kload_runner.fleet.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE_BYTES,
        start_new_session=True,  # the terminal's Ctrl-C is for whoever leads
    )
    assert process.stdin is not None
    process.stdin.write(task.to_json().encode() + b"\n")
    await process.stdin.drain()
    return Worker(process, task.index, log)
