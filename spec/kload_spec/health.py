"""How well the generator itself did: the facts that decide whether its numbers can be believed.

Measured by the runner's `health`, judged by `verdicts`, kept in the result document. No clock here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a runner (or, merged, the fleet) observed about itself.

    Attributes:
        loop_lag_p50_s: how late the event loop ran timers, median; merged: the worst runner's.
        cpu_seconds: CPU time used while load was running; merged: the sum.
        cpu_share: of one core, 0 to 1, while load was running; merged: the busiest runner's.
        cpu_throttled_s: time the cgroup held the process back.
        arrivals: iterations that an arrival-rate executor was to start.
        late_starts: arrivals started later than the limit (`verdicts.Limits.late_start_s`) by our own fault.
        dropped_by_generator: arrivals never started although the target was not the reason.
        dropped_by_target: arrivals dropped because all VUs were waiting for the target.
        missed_paces: iterations that could not keep their `pace`.
        local_errors: requests that failed for our own lack of ports, files or memory.
    """

    loop_lag_p50_s: float = 0.0
    loop_lag_p99_s: float = 0.0
    loop_lag_max_s: float = 0.0
    cpu_seconds: float = 0.0
    cpu_share: float = 0.0
    cpu_throttled_s: float = 0.0
    arrivals: int = 0
    late_starts: int = 0
    dropped_by_generator: int = 0
    dropped_by_target: int = 0
    missed_paces: int = 0
    local_errors: int = 0

    @property
    def late_share(self) -> float:
        """Arrivals that were late or dropped by our own fault, 0 to 1."""
        return (
            (self.late_starts + self.dropped_by_generator) / self.arrivals if self.arrivals else 0.0
        )

    def __add__(self, other: Health) -> Health:
        """Return the health of both runners together: counts add up, the worse of two levels stays."""
        return Health(
            loop_lag_p50_s=max(self.loop_lag_p50_s, other.loop_lag_p50_s),
            loop_lag_p99_s=max(self.loop_lag_p99_s, other.loop_lag_p99_s),
            loop_lag_max_s=max(self.loop_lag_max_s, other.loop_lag_max_s),
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            cpu_share=max(self.cpu_share, other.cpu_share),
            cpu_throttled_s=self.cpu_throttled_s + other.cpu_throttled_s,
            arrivals=self.arrivals + other.arrivals,
            late_starts=self.late_starts + other.late_starts,
            dropped_by_generator=self.dropped_by_generator + other.dropped_by_generator,
            dropped_by_target=self.dropped_by_target + other.dropped_by_target,
            missed_paces=self.missed_paces + other.missed_paces,
            local_errors=self.local_errors + other.local_errors,
        )
