"""Virtual time itself: exact, repeatable, free, and no way to hang."""

from __future__ import annotations

import asyncio
import time

import pytest

from kload_runner.testing import VirtualClock, VirtualTimeLoop, run_virtual


def test_timers_fire_exactly_at_their_instants_and_in_order() -> None:
    async def main() -> list[tuple[float, float]]:
        clock, woken = VirtualClock(), []

        async def sleeper(instant: float) -> None:
            await clock.sleep_until(instant)
            woken.append((instant, clock.now()))

        # Sums of tenths are not exact in binary: none of them may end a hair early and spin.
        await asyncio.gather(*(sleeper(0.1 * n * n) for n in reversed(range(200))))
        return woken

    woken = run_virtual(main())
    assert all(due == at for due, at in woken)
    assert woken == sorted(woken)


def test_a_year_takes_no_time() -> None:
    async def main() -> float:
        for _ in range(365):
            await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    began = time.monotonic()
    assert run_virtual(main()) == 365 * 86_400
    assert time.monotonic() - began < 1


def test_timeouts_follow_virtual_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await asyncio.get_running_loop().create_future()
        return VirtualClock().now()

    assert run_virtual(main()) == 3600


def test_time_stands_still_while_anything_is_ready() -> None:
    async def main() -> float:
        asyncio.get_running_loop().call_later(1, lambda: None)
        for _ in range(100):
            await asyncio.sleep(0)
        return VirtualClock().now()

    assert run_virtual(main()) == 0


def test_waiting_for_what_never_happens_is_an_error_instead_of_a_hang(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kload_runner.testing.REAL_WAIT_S", 0.01)

    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(RuntimeError, match="deadlock in virtual time"):
        run_virtual(main())


def test_threads_are_waited_for_in_real_time() -> None:
    async def main() -> int:
        return await asyncio.to_thread(sum, range(1000))

    assert run_virtual(main()) == 499_500


def test_a_cancelled_sleeper_leaves_no_timer_behind() -> None:
    async def main() -> float:
        clock = VirtualClock()
        task = asyncio.ensure_future(clock.sleep_until(1000))
        await clock.sleep_until(1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await clock.sleep_until(0.5)
        return clock.now()

    assert run_virtual(main()) == 1


def test_each_loop_begins_at_zero() -> None:
    loop = VirtualTimeLoop()
    assert loop.time() == 0
    loop.close()
