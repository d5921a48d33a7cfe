"""Background jobs: they work off what waits, sleep, wake, and survive a failing batch."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from examples.targets import jobs
from examples.targets.jobs import Job


@contextlib.asynccontextmanager
async def running(step: Callable[[], Awaitable[int]]) -> AsyncIterator[Job]:
    job = Job("test", step)
    task = asyncio.create_task(job.run())
    try:
        yield job
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_job_works_until_nothing_is_left_and_again_when_woken() -> None:
    waiting, idle = 3, asyncio.Event()

    async def step() -> int:
        nonlocal waiting
        if waiting == 0:
            idle.set()
            return 0
        waiting -= 1
        return 1

    async with running(step) as job:
        await asyncio.wait_for(idle.wait(), 1)
        idle.clear()
        waiting = 2
        job.wake()
        await asyncio.wait_for(idle.wait(), 0.5)
    assert waiting == 0


async def test_a_wake_during_a_batch_is_not_lost() -> None:
    calls, done = 0, asyncio.Event()

    async def step() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            job.wake()
        else:
            done.set()
        return 0

    async with running(step) as job:
        await asyncio.wait_for(done.wait(), 0.5)


async def test_a_batch_that_fails_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(jobs, "RETRY_S", 0.0)
    calls, done = 0, asyncio.Event()

    async def step() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("disk full")
        done.set()
        return 0

    async with running(step):
        await asyncio.wait_for(done.wait(), 1)
    assert "a batch failed" in caplog.text
