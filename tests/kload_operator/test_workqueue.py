"""Keys: once in line, never twice at a time, never lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kload_operator.workqueue import WorkQueue
from kload_runner.testing import run_virtual


def told(story: Callable[[WorkQueue[str]], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        await story(WorkQueue(jitter=lambda: 1.0))

    run_virtual(run())


def test_a_key_added_twice_is_worked_on_once() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        queue.add("a")
        assert await queue.get() == "a"
        assert len(queue) == 0

    told(story)


def test_a_key_added_while_in_work_is_worked_on_again_but_not_beside() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await queue.get()
        queue.add("a")
        assert len(queue) == 0
        queue.done("a")
        assert await queue.get() == "a"

    told(story)


def test_an_earlier_appointment_stays_and_an_event_comes_before_it() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        now = asyncio.get_running_loop().time
        queue.add_after("a", 10)
        queue.add_after("a", 30)
        queue.add_after("b", 10)
        queue.add_after("b", 5)
        assert (await queue.get(), now()) == ("b", 5)
        queue.add("a")
        assert (await queue.get(), now()) == ("a", 5)
        queue.done("a")
        queue.done("b")
        await asyncio.sleep(60)
        assert len(queue) == 0, "the appointment was kept by the event"

    told(story)


def test_failures_back_off_and_success_forgets_them() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        delays = []
        for _ in range(8):
            queue.add("a")
            await queue.get()
            delays.append(queue.failed("a"))
        assert delays == [1, 2, 4, 8, 16, 32, 60, 60]
        queue.add("a")
        await queue.get()
        queue.done("a")
        queue.add("a")
        await queue.get()
        assert queue.failed("a") == 1

    told(story)


def test_a_server_that_says_when_is_heeded() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        queue.add("a")
        await queue.get()
        assert queue.failed("a", after_s=7.0) == 7.0

    told(story)


def test_news_during_a_failure_does_not_wait_out_a_long_backoff() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        now = asyncio.get_running_loop().time
        for _ in range(5):
            queue.add("a")
            await queue.get()
            queue.failed("a")
        queue.add("a")
        await queue.get()
        queue.add("a")
        queue.failed("a")
        before = now()
        await queue.get()
        assert now() - before <= 1.0

    told(story)


def test_the_oldest_key_shows_a_stuck_worker() -> None:
    async def story(queue: WorkQueue[str]) -> None:
        assert queue.oldest_s == 0
        queue.add("a")
        await queue.get()
        await asyncio.sleep(400)
        assert queue.oldest_s == 400
        queue.done("a")
        assert queue.oldest_s == 0

    told(story)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["add", "later", "fail"])), max_size=30
    )
)
def test_every_key_is_worked_on_after_its_last_event(events: list[tuple[str, str]]) -> None:
    async def story(queue: WorkQueue[str]) -> None:
        loop = asyncio.get_running_loop()
        worked: dict[str, float] = {}
        failing: set[str] = set()
        beside: set[str] = set()

        async def worker() -> None:
            while True:
                key = await queue.get()
                assert key not in beside
                beside.add(key)
                await asyncio.sleep(0.3)
                beside.discard(key)
                worked[key] = loop.time()
                if key in failing:
                    failing.discard(key)
                    queue.failed(key)
                else:
                    queue.done(key)

        workers = [asyncio.create_task(worker()) for _ in range(2)]
        last: dict[str, float] = {}
        for key, event in events:
            if event == "fail":
                failing.add(key)
            (queue.add_after if event == "later" else lambda k, _: queue.add(k))(key, 2.0)
            last[key] = loop.time()
            await asyncio.sleep(0.1)
        await asyncio.sleep(100)
        for task in workers:
            task.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
        assert all(worked[key] >= at for key, at in last.items())

    told(story)
