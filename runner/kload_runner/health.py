"""How well the generator itself does while it loads: loop lag, CPU, throttling.

Measures this process and nothing else; what arrivals were late or dropped is counted where they are started, what
it all means is judged by `kload_spec.verdicts`.

    lag     how much later than asked a timer comes back: what every response waits, too, before it is read
    cpu     CPU time of the process over wall time: 1 is a whole core, all that one event loop can use
    held    time the cgroup did not let the process run (CPU limit)
"""

from __future__ import annotations

import time
from collections.abc import Callable

from kload_runner.cgroup import cgroup_throttle
from kload_runner.clock import Clock
from kload_spec.health import Health
from kload_spec.histogram import Histogram

# Seconds; fifty looks a second cost 0.1 % of a core and see every stall above a few ms.
LAG_INTERVAL_S = 0.02
MOST_MISSED = 5000  # looks that are made up for: 100 s


class HealthProbe:
    """Watches one event loop.

    Args:
        cpu_time: CPU seconds used by the process so far.
        throttled: seconds the cgroup has held the process back so far.
    """

    def __init__(
        self,
        clock: Clock,
        cpu_time: Callable[[], float] = time.process_time,
        throttled: Callable[[], float] | None = None,
    ) -> None:
        self._clock = clock
        self._cpu_time = cpu_time
        self._throttled = throttled or cgroup_throttle()
        self._lags = Histogram()
        self._began = self._ended = clock.now()
        self._cpu_began = self._cpu_ended = cpu_time()
        self._held_began = self._held_ended = self._throttled()
        self._watching = False

    async def watch(self) -> None:
        """Look until cancelled; run it as a task beside the load."""
        # An alarm, because loops count whole milliseconds: their rounding would be taken for lag.
        with self._clock.alarm() as alarm:
            while True:
                due = self._clock.now() + LAG_INTERVAL_S
                await alarm.sleep_until(due)
                if self._watching:
                    self._note(self._clock.now() - due)

    def _note(self, lag_s: float) -> None:
        """Record a lag, and those of the looks that did not take place because of it.

        Else a loop that stands still for half of the run would have been late once, and never at the 99th percentile.
        """
        self._lags.record(max(0.0, lag_s))
        for missed in range(1, min(int(lag_s / LAG_INTERVAL_S), MOST_MISSED) + 1):
            self._lags.record(lag_s - missed * LAG_INTERVAL_S)

    def begin(self) -> None:
        """Forget what was before: the load (or the measured part of it) begins."""
        self._lags = Histogram()
        self._began, self._cpu_began, self._held_began = self._read()
        self._watching = True

    def end(self) -> None:
        """Stop counting: the load is over."""
        if self._watching:
            self._ended, self._cpu_ended, self._held_ended = self._read()
            self._watching = False

    def health(self) -> Health:
        """Return what was seen between `begin` and `end` (or now); counts of arrivals and errors are not here."""
        ended, cpu_ended, held_ended = (
            self._read() if self._watching else (self._ended, self._cpu_ended, self._held_ended)
        )
        wall, cpu = ended - self._began, cpu_ended - self._cpu_began
        p50, p99, most = (value or 0.0 for value in self._lags.quantiles((0.5, 0.99, 1.0)))
        return Health(
            loop_lag_p50_s=p50,
            loop_lag_p99_s=p99,
            loop_lag_max_s=most,
            cpu_seconds=cpu,
            cpu_share=cpu / wall if wall > 0 else 0.0,
            cpu_throttled_s=max(0.0, held_ended - self._held_began),
        )

    def _read(self) -> tuple[float, float, float]:
        return self._clock.now(), self._cpu_time(), self._throttled()
