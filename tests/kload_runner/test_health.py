"""The generator's own health: lag, CPU and throttling."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager, nullcontext

import pytest

from kload_runner.clock import MonotonicClock
from kload_runner.health import LAG_INTERVAL_S, HealthProbe


async def watched(work_s: float) -> HealthProbe:
    """Return a probe that saw the loop blocked for some time."""
    probe = HealthProbe(MonotonicClock(), throttled=lambda: 0.0)
    watch = asyncio.create_task(probe.watch())
    await asyncio.sleep(0.03)
    probe.begin()
    await asyncio.sleep(0.05)
    time.sleep(work_s)  # noqa: ASYNC251  # the fault under test
    await asyncio.sleep(0.05)
    probe.end()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
    return probe


async def test_a_blocked_loop_shows_as_lag() -> None:
    health = (await watched(0.1)).health()
    assert health.loop_lag_max_s > 0.05
    assert health.loop_lag_p50_s < 0.05


async def test_a_loop_that_stands_still_is_late_for_as_long_as_it_does() -> None:
    health = (await watched(0.3)).health()
    assert health.loop_lag_p99_s > 0.2
    assert health.loop_lag_p50_s > 0.05, "most of this time it stood still"


class LateClock:
    """Comes back from each wait so much later than asked, and then no more."""

    def __init__(self, lags: list[float]) -> None:
        self._now = 0.0
        self._lags = iter(lags)

    def now(self) -> float:
        return self._now

    async def sleep_until(self, instant: float) -> None:
        lag = next(self._lags, None)
        if lag is None:
            raise asyncio.CancelledError
        self._now = instant + lag

    def alarm(self) -> AbstractContextManager[LateClock]:
        return nullcontext(self)


async def test_looks_that_a_lag_kept_from_taking_place_are_late_too() -> None:
    # Late by four intervals: this look by 80 ms, those it stands for by 60, 40, 20 and 0 ms.
    probe = HealthProbe(LateClock([4 * LAG_INTERVAL_S]), throttled=lambda: 0.0)
    probe.begin()
    with pytest.raises(asyncio.CancelledError):
        await probe.watch()
    health = probe.health()
    assert health.loop_lag_p50_s == pytest.approx(0.04, rel=0.01)
    assert (health.loop_lag_p99_s, health.loop_lag_max_s) == (
        pytest.approx(0.08),
        pytest.approx(0.08),
    )


async def test_a_timer_that_comes_early_is_no_lag() -> None:
    probe = HealthProbe(LateClock([-0.001, -0.001]), throttled=lambda: 0.0)
    probe.begin()
    with pytest.raises(asyncio.CancelledError):
        await probe.watch()
    assert probe.health().loop_lag_max_s == 0.0


async def test_cpu_is_a_share_of_one_core_while_load_runs() -> None:
    cpu = iter([0.0, 1.0, 1.6])
    clock = FixedClock([0.0, 10.0, 12.0])
    probe = HealthProbe(clock, cpu_time=lambda: next(cpu), throttled=lambda: 0.0)
    probe.begin()
    probe.end()
    health = probe.health()
    assert (health.cpu_seconds, health.cpu_share) == (pytest.approx(0.6), pytest.approx(0.3))


class FixedClock(MonotonicClock):
    """Tells given instants."""

    def __init__(self, instants: list[float]) -> None:
        self.now = iter(instants).__next__  # type: ignore[assignment,method-assign]
