"""Iterations of one scenario, and what only the schedule knows: an `executors.Observer`.

A dropped iteration is a response time above every bound for the scenario's first step: whoever should have been served
never was.
"""

from __future__ import annotations

from collections.abc import Mapping

from kload_runner.executors.base import DropCause
from kload_runner.metrics.series import ScenarioPoints
from kload_runner.metrics.steps import StepRecorder
from kload_runner.metrics.tallies import Tallies
from kload_runner.metrics.trends import BATCH, PublicHistogram, Trend
from kload_spec.histogram import Histogram
from kload_spec.metrics import Unit


class ScenarioRecorder:
    """Everything that is recorded about one scenario on this runner, its requests aside."""

    def __init__(
        self,
        name: str,
        executor: str,
        tags: Mapping[str, str],
        tallies: Tallies,
        *,
        open_loop: bool,
        late_start_s: float,
    ) -> None:
        self.name, self.executor, self.own_tags, self.open_loop = (
            name,
            executor,
            dict(tags),
            open_loop,
        )
        self.tags = {**tags, "scenario": name}
        self.public_duration = PublicHistogram(Unit.TIME)
        self.duration = Trend(self.public_duration)
        self.points = ScenarioPoints()
        self.vus = self.vus_max = 0
        self.completed = self.failed = self.interruptions = 0
        self.cut_off = Histogram()  # how long requests had waited that were interrupted
        self.arrivals = self.late_starts = self.missed_paces = 0
        self.drops: dict[DropCause, int] = dict.fromkeys(DropCause, 0)
        self.first_step: StepRecorder | None = None
        self._phases_ended = 0
        self._before = (0, 0, 0, 0)
        self._drops_before = dict(self.drops)
        self._late_start_s = late_start_s
        self._pending: list[float] = []
        self._submetrics = tallies.submetrics("iteration_duration", self.tags)
        self._attach(tallies)

    # -- what happens --------------------------------------------------------------------------------------------

    def iteration(self, duration_s: float, failed: bool = False) -> None:
        """Count an iteration that ended by itself, sleeps included in its duration."""
        self.completed += 1
        if failed:
            self.failed += 1
        pending = self._pending
        pending.append(duration_s)
        if len(pending) >= BATCH:
            self._drain()

    def phase_ended(self) -> None:
        """Say that setup or teardown is over: counters that stayed at 0 had their occasion."""
        self._phases_ended += 1

    def started_late(self, late_s: float) -> None:
        """Count an arrival that was started, however late."""
        self.arrivals += 1
        if late_s > self._late_start_s:
            self.late_starts += 1

    def dropped(self, count: int, cause: DropCause) -> None:
        """Count planned iterations that will never start."""
        self.drops[cause] += count
        if self.open_loop:
            self.arrivals += count
            if self.first_step is not None:
                self.first_step.never_answered(count)

    def interrupted(self) -> None:
        """Count an iteration that was cut off."""
        self.interruptions += 1

    def pace_missed(self) -> None:
        """Count an iteration that took longer than its pace."""
        self.missed_paces += 1

    def vus_changed(self, active: int) -> None:
        """Take note of how many VUs are active."""
        self.vus = active
        self.vus_max = max(self.vus_max, active)

    # -- reading -------------------------------------------------------------------------------------------------

    @property
    def dropped_total(self) -> int:
        """Iterations never started, warm-up included."""
        return sum(self.drops.values())

    def measured_drops(self) -> tuple[int, int]:
        """Return (target's, generator's) drops without warm-up; running out of time is nobody's but the target's."""
        ours = self.drops[DropCause.GENERATOR_LATE] - self._drops_before[DropCause.GENERATOR_LATE]
        return self.dropped_total - sum(self._drops_before.values()) - ours, ours

    def measured_iterations(self) -> tuple[int, int, int]:
        """Return (ended, failed, interrupted) without warm-up."""
        completed, failed, interrupted, _ = self._before
        return self.completed - completed, self.failed - failed, self.interruptions - interrupted

    def roll(self) -> None:
        """Work off what is pending."""
        self._drain()
        self.duration.roll()

    def restart(self) -> None:
        """Take what was recorded so far as warm-up."""
        self.roll()
        self.duration.restart()
        self.cut_off = Histogram()
        self._before = (self.completed, self.failed, self.interruptions, self._phases_ended)
        self._drops_before = dict(self.drops)

    def _drain(self) -> None:
        if self._pending:
            self.duration.add(self._pending, self._submetrics)
            self._pending = []

    def _attach(self, tallies: Tallies) -> None:
        def iterations() -> tuple[int, int, float]:
            ended, _, _ = self.measured_iterations()
            return ended, 0, float(ended)

        def failures() -> tuple[int, int, float]:
            ended, failed, _ = self.measured_iterations()
            return failed, ended, float(failed)

        def drops() -> tuple[int, int, float]:
            dropped = sum(self.measured_drops())
            return dropped, 0, float(dropped)

        def occasions() -> int:
            ended, _, interrupted = self.measured_iterations()
            return (
                ended
                + interrupted
                + sum(self.measured_drops())
                + self._phases_ended
                - self._before[3]
            )

        tallies.attach("iterations", self.tags, iterations)
        tallies.attach("iterations_failed", self.tags, failures)
        tallies.attach("dropped_iterations", self.tags, drops)
        tallies.attach_occasions(self.tags, occasions)
