"""Where each scenario is on this runner, by the clock and by what has ended. For live numbers; decides nothing."""

from __future__ import annotations

from kload_runner.executors import executor_of
from kload_runner.snapshots import ScenarioPhase, ScenarioSnapshot
from kload_spec.control import ScenarioStatus
from kload_spec.plan import Plan, ScenarioPlan
from kload_spec.shapes import IterationShape, Schedule
from kload_spec.striping import RunnerIndex, share_of


class Progress:
    """The scenarios of a plan, seen over time.

    Attributes:
        start_at: the load's time 0; None before it is armed.
    """

    def __init__(self, plan: Plan, runner: RunnerIndex) -> None:
        self.start_at: float | None = None
        self._plan = plan
        self._ended: set[str] = {
            item.name for item in plan.scenarios if share_of(item.load, runner).empty
        }

    def ended(self, scenario: str) -> None:
        """Say that a scenario has come to its end on this runner."""
        self._ended.add(scenario)

    def phase(self, scenario: ScenarioPlan, now: float, *, stopping: bool) -> ScenarioPhase:
        """Return where a scenario is."""
        if scenario.name in self._ended:
            return ScenarioPhase.FINISHED
        if self.start_at is None or now < self.start_at + scenario.load.start_time_s:
            return ScenarioPhase.WAITING
        if stopping or now >= self.start_at + scenario.load.end_s:
            return ScenarioPhase.STOPPING
        return ScenarioPhase.RUNNING

    def elapsed_s(self, scenario: ScenarioPlan, now: float) -> float:
        """Return the time since the scenario's own start; 0 before it."""
        if self.start_at is None:
            return 0.0
        return max(0.0, now - self.start_at - scenario.load.start_time_s)


def longest_s(plan: Plan) -> float:
    """Return the longest the load can take, graceful stops included."""
    return Schedule(tuple(item.load for item in plan.scenarios)).longest_s


def scenario_snapshot(scenario: ScenarioPlan, statuses: list[ScenarioStatus]) -> ScenarioSnapshot:
    """Return one scenario of the whole fleet from what its runners say."""
    shape = scenario.load.shape
    counted = isinstance(shape, IterationShape)
    phases = [ScenarioPhase(status.phase) for status in statuses]
    order = list(ScenarioPhase)
    active = [phase for phase in phases if phase is not ScenarioPhase.FINISHED]
    phase = min(active, key=order.index) if active else ScenarioPhase.FINISHED
    return ScenarioSnapshot(
        name=scenario.name,
        executor=executor_of(shape),
        phase=phase if statuses else ScenarioPhase.WAITING,
        elapsed_s=max((status.elapsed_s for status in statuses), default=0.0),
        planned_s=None if counted else shape.duration_s,
        planned_iterations=shape.planned_iterations if counted else None,
        vus=sum(status.vus for status in statuses),
        planned_vus=shape.vu_limit,
        iterations=sum(status.iterations for status in statuses),
        dropped=sum(status.dropped for status in statuses),
    )
