"""What a run looks like at one moment: the facts a live display shows, taken once a second.

Data and one merge; it reads no clock and knows no terminal. `engine` takes one snapshot per runner, `local`
merges those of N runners into the one it hands to the command line's display.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RunPhase(StrEnum):
    """Where a run is, in the order in which a run passes through."""

    IDLE = "idle"
    PROBING = "probing"  # waiting for `target.ready`
    SETUP = "setup"
    ARMED = "armed"  # the instant of the start is known and ahead
    RUNNING = "running"
    STOPPING = "stopping"  # no new iterations; those in flight may end
    TEARDOWN = "teardown"
    FINISHED = "finished"


class ScenarioPhase(StrEnum):
    """Where one scenario is."""

    WAITING = "waiting"  # its `startTime` is ahead
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class ScenarioSnapshot:
    """One scenario at one moment; counts are totals since the start.

    Attributes:
        elapsed_s: time since the scenario's own start; 0 while it waits.
        planned_s: how long it schedules load, without the graceful stop; None where only iterations bound it.
        planned_iterations: how many it will run; None where only time bounds it.
        vus: VUs that are busy with an iteration or between two of them.
        planned_vus: the most it may use.
    """

    name: str
    executor: str
    phase: ScenarioPhase
    elapsed_s: float
    planned_s: float | None
    planned_iterations: int | None
    vus: int
    planned_vus: int
    iterations: int
    dropped: int

    @property
    def progress(self) -> float:
        """How much of the load has been scheduled, 0 to 1, by time or by iterations, whichever is further."""
        if self.phase is ScenarioPhase.FINISHED:
            return 1.0
        by_time = self.elapsed_s / self.planned_s if self.planned_s else 0.0
        by_count = self.iterations / self.planned_iterations if self.planned_iterations else 0.0
        return min(1.0, max(by_time, by_count))


@dataclass(frozen=True, slots=True)
class ThresholdSnapshot:
    """A threshold as it stands.

    Attributes:
        observed: in base units; None without samples.
        shown: the same as people read it.
        holds: None while there are no samples.
        implicit: not written by the user.
    """

    id: str
    metric: str
    expression: str
    observed: float | None
    shown: str
    samples: int
    holds: bool | None
    implicit: bool = False


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A whole run at one moment; counts are totals since the start, times in milliseconds where named so.

    Attributes:
        elapsed_s: time since the load started; 0 before.
        planned_s: the longest time the load can take, graceful stops included.
        requests_per_s: over the last second.
        failed: requests whose answer was not expected, or that had none.
        p50_ms: of `http_req_duration` since the start; None without samples.
        warnings: what is wrong with the generator itself, one sentence each.
    """

    phase: RunPhase
    elapsed_s: float
    planned_s: float
    runners: int
    vus: int
    requests: int
    requests_per_s: float
    failed: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    checks_passed: int
    checks_failed: int
    iterations: int
    iterations_failed: int
    dropped: int
    scenarios: tuple[ScenarioSnapshot, ...] = ()
    thresholds: tuple[ThresholdSnapshot, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def failed_share(self) -> float:
        """Failed requests as a share of all, 0 to 1."""
        return self.failed / self.requests if self.requests else 0.0

    @property
    def progress(self) -> float:
        """How much of the run is behind it, 0 to 1: the least advanced scenario's."""
        if self.phase is RunPhase.FINISHED:
            return 1.0
        return min((scenario.progress for scenario in self.scenarios), default=0.0)
