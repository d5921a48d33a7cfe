"""The facade: hands out the objects that record, and reads them all.

Lifetime: made from a plan before anything runs; steps, checks, metrics and scenarios are bound (their series exist at
0 from then on); `tick` once a second while load is running; `begin_measuring` once if the plan has a warm-up;
`end_load` after the last iteration, teardown after that; then only reading.
One event loop, no threads: nothing here locks. It reads no clock: elapsed times are given.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kload_runner.executors.base import DropCause
from kload_runner.metrics.custom import MetricRecorder, metric_recorder
from kload_runner.metrics.registry import Registry
from kload_runner.metrics.scenarios import ScenarioRecorder
from kload_runner.metrics.series import Grid, MetricPoints, ScenarioPoints, StepPoints
from kload_runner.metrics.steps import Mask, StepRecorder
from kload_runner.metrics.tallies import Tallies
from kload_spec.health import Health
from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricDefinition
from kload_spec.thresholds import Tally, Threshold
from kload_spec.verdicts import Limits

MAX_STEPS = 50  # names told apart per scenario; scripts may make more up
OTHER_STEPS = "__other__"
MAX_ERRORS = 50  # kinds of errors kept

_Key = tuple[str, str, tuple[tuple[str, str], ...]]


def _unmasked(text: str) -> str:
    return text


@dataclass(slots=True)
class ErrorCount:
    """A kind of error, how often it happened, and what the first one looked like."""

    count: int = 0
    sample: str = ""


@dataclass(frozen=True, slots=True)
class LiveNumbers:
    """Totals of this runner at one moment: measured, without setup and teardown; times in seconds.

    `durations` is a copy that may be merged with other runners'.
    """

    requests: int = 0
    failed: int = 0
    checks_passed: int = 0
    checks_failed: int = 0
    iterations: int = 0
    iterations_failed: int = 0
    dropped: int = 0
    vus: int = 0
    durations: Histogram = field(default_factory=Histogram)


class Recorder:
    """All that one runner measures in one run."""

    def __init__(
        self,
        metrics: Iterable[MetricDefinition] = (),
        thresholds: Iterable[Threshold] = (),
        *,
        limits: Limits | None = None,
        mask: Mask = _unmasked,
    ) -> None:
        """Make an empty recorder.

        Args:
            metrics: the declared ones of the plan.
            thresholds: all of the plan, implicit ones included.
            limits: from where on an arrival is late.
            mask: takes secrets out of the samples of errors.
        """
        self.registry = Registry(metrics, thresholds)
        self.tallies = Tallies(self.registry)
        self.limits = limits or Limits()
        self.scenarios: dict[str, ScenarioRecorder] = {}
        self.steps: dict[_Key, StepRecorder] = {}
        self.custom: dict[tuple[str, _Key], MetricRecorder] = {}
        self.errors: dict[tuple[str, str, str, str], ErrorCount] = {}
        self.grid = Grid()
        self._mask = mask

    # -- binding: before the load, and whenever a script comes up with a new name ----------------------------------

    def scenario(
        self,
        name: str,
        executor: str = "",
        *,
        tags: Mapping[str, str] | None = None,
        open_loop: bool = False,
    ) -> ScenarioRecorder:
        """Return the recorder of a scenario; the first call says what it is. Bind it before its steps."""
        found = self.scenarios.get(name)
        if found is None:
            found = self.scenarios[name] = ScenarioRecorder(
                name,
                executor,
                tags or {},
                self.tallies,
                open_loop=open_loop,
                late_start_s=self.limits.late_start_s,
            )
            self._join_late(found.points)
        return found

    def step(
        self, scenario: str, name: str, *, tags: Mapping[str, str] | None = None
    ) -> StepRecorder:
        """Return the recorder of a step; with other tags it is another one.

        A scenario has at most 50; what comes after counts under `__other__`.
        """
        own_tags = {**self.scenario(scenario).own_tags, **(tags or {})}
        key = (scenario, name, tuple(sorted(own_tags.items())))
        found = self.steps.get(key)
        if found is None and sum(1 for other, _, _ in self.steps if other == scenario) >= MAX_STEPS:
            own_tags, key = {}, (scenario, OTHER_STEPS, ())
            found = self.steps.get(key)
        if found is None:
            of = self.scenario(scenario)
            found = self.steps[key] = StepRecorder(
                scenario, key[1], own_tags, self.tallies, open_loop=of.open_loop, mask=self._mask
            )
            self._join_late(found.points)
            if of.first_step is None:
                of.first_step = found
        return found

    def metric(
        self, name: str, scenario: str, step: str = "", *, tags: Mapping[str, str] | None = None
    ) -> MetricRecorder:
        """Return the recorder of a declared metric in a step.

        Raises:
            KeyError: if the metric is not declared.
        """
        definition = self.registry.definition(name)
        own_tags = {**self.scenario(scenario).own_tags, **(tags or {})}
        key = (scenario, step, tuple(sorted(own_tags.items())))
        found = self.custom.get((name, key))
        if found is None:
            all_tags = {**own_tags, "scenario": scenario, **({"step": step} if step else {})}
            found = self.custom[name, key] = metric_recorder(
                definition, all_tags, own_tags, self.tallies
            )
            self._join_late(found.points)
        return found

    # -- what happens --------------------------------------------------------------------------------------------

    def iteration(self, scenario: str, duration_s: float, *, failed: bool = False) -> None:
        """Count an iteration that ended by itself."""
        self.scenarios[scenario].iteration(duration_s, failed)

    def dropped(self, scenario: str, count: int, cause: DropCause) -> None:
        """Count planned iterations that will never start."""
        self.scenarios[scenario].dropped(count, cause)

    def phase_ended(self, phase: str) -> None:
        """Say that ``setup`` or ``teardown`` is over."""
        self.scenario(phase).phase_ended()

    def error(self, scenario: str, step: str, kind: str, message: str, sample: str = "") -> None:
        """Count an error that is no request's: of a check, a script, a `record` or a `save`.

        Args:
            kind: check, record, script, step.
            message: short and bounded; errors with the same message are counted together.
            sample: what happened, kept the first time.

        Secrets are masked here, in both.
        """
        message = self._mask(message)
        key = (scenario, step, kind, message)
        found = self.errors.get(key)
        if found is None:
            if len(self.errors) >= MAX_ERRORS:
                key, sample = (scenario, "", kind, "other errors"), ""
            found = self.errors.setdefault(key, ErrorCount(0, self._mask(sample)[:1000]))
        found.count += 1

    def begin_measuring(self) -> None:
        """End the warm-up: what the load did so far stays in series and /metrics, and is in nothing else."""
        for scenario in self.scenarios.values():
            if scenario.name not in OUTSIDE_THE_LOAD:
                scenario.restart()
        for step in self.steps.values():
            if step.scenario not in OUTSIDE_THE_LOAD:
                step.restart()
        for metric in self.custom.values():
            if metric.tags["scenario"] not in OUTSIDE_THE_LOAD:
                metric.restart()
        self.tallies.restart()

    # -- the second's tick -----------------------------------------------------------------------------------------

    def roll(self) -> None:
        """Work off everything that is pending, so that all totals are complete."""
        for recorder in self._rolling():
            recorder.roll()

    def _rolling(self) -> list[StepRecorder | MetricRecorder | ScenarioRecorder]:
        return [*self.steps.values(), *self.custom.values(), *self.scenarios.values()]

    async def roll_sliced(self) -> None:
        """Do what `roll` does, giving the event loop its turn after each step: 50 busy steps take about 10 ms."""
        for recorder in self._rolling():
            recorder.roll()
            await asyncio.sleep(0)

    async def tick_sliced(self, elapsed_s: float) -> None:
        """Do what `tick` does, giving the event loop its turn after each step."""
        await self.roll_sliced()
        self.tick(elapsed_s)

    def tick(self, elapsed_s: float) -> None:
        """Close the points of the time series that are over; call it (or `tick_sliced`) once a second of load.

        Args:
            elapsed_s: time since the load started.
        """
        self.roll()
        for _ in range(self.grid.due(elapsed_s)):
            self._close_point()

    def end_load(self, elapsed_s: float) -> None:
        """Close the last points, the one begun included."""
        self.tick(elapsed_s)
        if elapsed_s > self.grid.closed * self.grid.interval_s:
            self._close_point()

    def _close_point(self) -> None:
        for scenario in self._load_scenarios():
            scenario.points.close(
                scenario.vus, scenario.completed, scenario.failed, scenario.dropped_total
            )
        for step in self._load_steps():
            step.points.close(*step.counts())
        for metric in self.custom.values():
            metric.points.close(metric.samples, metric.sum)
        self.grid.closed += 1
        if self.grid.is_full(len(self.steps) + len(self.custom)):
            self.grid.coarsen()
            for points in self._all_points():
                points.coarsen()

    def _all_points(self) -> list[ScenarioPoints | StepPoints | MetricPoints]:
        return [
            *(scenario.points for scenario in self._load_scenarios()),
            *(step.points for step in self._load_steps()),
            *(metric.points for metric in self.custom.values()),
        ]

    def _join_late(self, points: ScenarioPoints | StepPoints | MetricPoints) -> None:
        """Give a series that begins in the middle of the load the points it has missed."""
        points.skip(self.grid.closed)

    # -- reading ---------------------------------------------------------------------------------------------------

    def _load_steps(self) -> list[StepRecorder]:
        return [step for step in self.steps.values() if step.scenario not in OUTSIDE_THE_LOAD]

    def _load_scenarios(self) -> list[ScenarioRecorder]:
        return [item for item in self.scenarios.values() if item.name not in OUTSIDE_THE_LOAD]

    def thresholds(self) -> dict[str, Tally]:
        """Return good, samples and sum of every threshold by id, as of now."""
        self.roll()
        return self.tallies.read()

    def estimate(self, threshold: Threshold, quantile: float) -> float | None:
        """Return a quantile (0 to 1) of the samples a trend's threshold selects, for display."""
        found = self.tallies.histogram(threshold)
        return None if found is None else found.quantile(quantile)

    def live(self) -> LiveNumbers:
        """Return the totals of the load as of now; meant for once a second."""
        self.roll()
        steps, scenarios = self._load_steps(), self._load_scenarios()
        answers = [answer for step in steps for answer in step.kinds()]
        checks = [check.measured() for step in steps for check in step.checks.values()]
        iterations = [scenario.measured_iterations() for scenario in scenarios]
        durations = Histogram()
        for step in steps:
            durations.add(step.expected.total)
            durations.add(step.unexpected.total)
        return LiveNumbers(
            requests=sum(answer.measured for answer in answers),
            failed=sum(answer.measured for answer in answers if not answer.expected),
            checks_passed=sum(passes for passes, _, _ in checks),
            checks_failed=sum(samples - passes for passes, samples, _ in checks),
            iterations=sum(ended for ended, _, _ in iterations),
            iterations_failed=sum(failed for _, failed, _ in iterations),
            dropped=sum(sum(scenario.measured_drops()) for scenario in scenarios),
            vus=sum(scenario.vus for scenario in scenarios),
            durations=durations,
        )

    def health(self) -> Health:
        """Return what the recorder knows of the generator's health; loop lag and CPU are the engine's to add."""
        scenarios = self._load_scenarios()
        open_loop = [scenario for scenario in scenarios if scenario.open_loop]
        return Health(
            arrivals=sum(scenario.arrivals for scenario in open_loop),
            late_starts=sum(scenario.late_starts for scenario in open_loop),
            dropped_by_generator=sum(item.drops[DropCause.GENERATOR_LATE] for item in open_loop),
            dropped_by_target=sum(item.drops[DropCause.NO_IDLE_VU] for item in open_loop),
            missed_paces=sum(scenario.missed_paces for scenario in scenarios),
            local_errors=sum(step.local_errors.total() for step in self.steps.values()),
        )
