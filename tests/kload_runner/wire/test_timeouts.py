"""The sweep in virtual time: never early, at most a slot late, one entry per timeout and not per exchange."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.wire.timeouts import NEVER, RESOLUTION_S, Deadline, Sweep


class VirtualLoop:
    """call_later over a clock that only `advance` moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.cancelled: set[int] = set()
        self.made = 0

    def clock(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None]) -> Any:
        self.made += 1
        number = self.made
        heapq.heappush(self.timers, (self.now + delay, number, callback))

        class Handle:
            @staticmethod
            def cancel() -> None:
                self.cancelled.add(number)

        return Handle()

    def advance(self, to: float) -> None:
        while self.timers and self.timers[0][0] <= to:
            when, number, callback = heapq.heappop(self.timers)
            self.now = max(self.now, when)
            if number not in self.cancelled:
                callback()
        self.now = to


class User:
    """An owner that notes when its exchange was ended."""

    def __init__(self, loop: VirtualLoop, sweep: Sweep) -> None:
        self.loop, self.sweep = loop, sweep
        self.deadline = Deadline()
        self.deadline.owner = self
        self.busy = False
        self.expired_at: list[tuple[float, float]] = []

    def begin(self, timeout_s: float) -> None:
        self.busy = True
        self.deadline.at = self.loop.now + timeout_s
        if self.deadline.at < self.deadline.check_at:
            self.sweep.enter(self.deadline)

    def expire(self) -> None:
        self.busy = False
        self.expired_at.append((self.deadline.at, self.loop.now))


def make() -> tuple[VirtualLoop, Sweep]:
    loop = VirtualLoop()
    return loop, Sweep(loop, loop.clock)  # type: ignore[arg-type]  # a loop that only has timers


@given(
    st.lists(st.tuples(st.floats(0.001, 3.0), st.floats(0.001, 1.0), st.booleans()), max_size=40)
)
@settings(max_examples=150)
def test_deadlines_are_never_early_and_at_most_a_slot_late(
    steps: list[tuple[float, float, bool]],
) -> None:
    loop, sweep = make()
    users = [User(loop, sweep) for _ in range(3)]
    for number, (timeout_s, pause_s, answers) in enumerate(steps):
        user = users[number % 3]
        if not user.busy:
            user.begin(timeout_s)
        loop.advance(loop.now + pause_s)
        if answers:
            user.busy = False
    loop.advance(loop.now + 10)
    for user in users:
        assert not user.busy
        for at, ended in user.expired_at:
            assert at <= ended <= at + RESOLUTION_S + 0.002


def test_a_busy_connection_costs_one_entry_per_timeout() -> None:
    loop, sweep = make()
    user = User(loop, sweep)
    for _ in range(10_000):
        user.begin(30.0)
        loop.advance(loop.now + 0.01)
        user.busy = False
    assert loop.made <= 4, "100 s of exchanges, 30 s each at most: four entries"
    assert not user.expired_at


def test_an_idle_connection_is_forgotten() -> None:
    loop, sweep = make()
    user = User(loop, sweep)
    user.begin(1.0)
    user.busy = False
    loop.advance(loop.now + 5)
    assert user.deadline.check_at == NEVER
    assert not loop.timers


def test_a_shorter_timeout_than_the_one_before_is_kept() -> None:
    loop, sweep = make()
    user = User(loop, sweep)
    user.begin(30.0)
    user.busy = False
    user.begin(0.5)
    loop.advance(loop.now + 1)
    [(at, ended)] = user.expired_at
    assert at <= ended < at + 0.03


def test_a_deadline_without_owner_is_skipped() -> None:
    loop, sweep = make()
    user = User(loop, sweep)
    user.begin(0.5)
    user.deadline.owner = None
    loop.advance(loop.now + 1)
    assert user.busy


def test_closing_stops_the_timer() -> None:
    loop, sweep = make()
    user = User(loop, sweep)
    user.begin(0.5)
    sweep.close()
    loop.advance(loop.now + 1)
    assert not user.expired_at


async def test_on_a_real_loop_the_first_of_several_comes_first() -> None:
    loop = asyncio.get_running_loop()
    order: list[str] = []
    done = asyncio.Event()
    sweep = Sweep(loop, loop.time)

    class Named:
        busy = True

        def __init__(self, name: str, at: float) -> None:
            self.name = name
            self.deadline = Deadline()
            self.deadline.at, self.deadline.owner = at, self
            sweep.enter(self.deadline)

        def expire(self) -> None:
            order.append(self.name)
            if len(order) == 2:
                done.set()

    Named("later", loop.time() + 0.06)
    Named("sooner", loop.time() + 0.02)
    await asyncio.wait_for(done.wait(), 2)
    assert order == ["sooner", "later"]


def test_a_loop_that_was_held_up_reads_its_sockets_before_it_gives_up() -> None:
    loop, sweep = make()
    answered, silent = User(loop, sweep), User(loop, sweep)
    for user in (answered, silent):
        user.begin(timeout_s=1.0)
    _, number, wake = heapq.heappop(loop.timers)
    loop.now += 5.0  # the timer is due at 1 s and runs at 5 s: before anything is read
    assert number not in loop.cancelled
    wake()
    answered.busy = False  # its answer was waiting in the socket
    loop.advance(loop.now + 1.0)
    assert (answered.expired_at, len(silent.expired_at)) == ([], 1)
    assert silent.expired_at[0][1] == pytest.approx(105.0, abs=2 * RESOLUTION_S)
