"""Live numbers of N runners as those of one run. Pure: statuses in, snapshot out."""

from __future__ import annotations

from collections.abc import Sequence

from kload_runner.engine.progress import longest_s, scenario_snapshot
from kload_runner.snapshots import RunPhase, RunSnapshot, ThresholdSnapshot
from kload_spec.control import RunnerPhase, StatusReply
from kload_spec.histogram import Histogram
from kload_spec.plan import Plan
from kload_spec.thresholds import Aggregation, Outcome, Tally, Threshold, judge, show_outcome

_PHASES = {
    RunnerPhase.IDLE: RunPhase.IDLE,
    RunnerPhase.PROBING: RunPhase.PROBING,
    RunnerPhase.SETUP: RunPhase.SETUP,
    RunnerPhase.READY: RunPhase.ARMED,
    RunnerPhase.ARMED: RunPhase.ARMED,
    RunnerPhase.RUNNING: RunPhase.RUNNING,
    RunnerPhase.STOPPING: RunPhase.STOPPING,
    RunnerPhase.STOPPED: RunPhase.STOPPING,
    RunnerPhase.TEARDOWN: RunPhase.TEARDOWN,
    RunnerPhase.FINISHED: RunPhase.FINISHED,
    RunnerPhase.RELEASED: RunPhase.FINISHED,
}
_PERCENTILES = frozenset({Aggregation.PERCENTILE, Aggregation.MED})


def tallies_of(statuses: Sequence[StatusReply]) -> dict[str, Tally]:
    """Return the fleet's three numbers of every threshold."""
    found: dict[str, Tally] = {}
    for status in statuses:
        for name, part in status.thresholds.items():
            found[name] = found.get(name, Tally()) + Tally(part.good, part.samples, part.sum)
    return found


def snapshot_of(
    plan: Plan,
    statuses: Sequence[StatusReply],
    before: RunSnapshot | None,
    phase: RunPhase | None = None,
) -> RunSnapshot:
    """Return the run at this moment.

    Args:
        statuses: of at least one runner.
        before: the snapshot before this one, for the rate since then.
        phase: None: that of the runner that is furthest behind (the leader alone sets up and tears down).
    """
    elapsed_s = max(status.elapsed_s for status in statuses)
    requests = sum(status.requests for status in statuses)
    latency = Histogram.merged(
        [Histogram.from_json(status.latency) for status in statuses if status.latency]
    )
    p50, p95, p99 = (
        None if value is None else value * 1000.0 for value in latency.quantiles((0.5, 0.95, 0.99))
    )
    return RunSnapshot(
        phase=phase or _phase(statuses),
        elapsed_s=elapsed_s,
        planned_s=longest_s(plan),
        runners=len(statuses),
        vus=sum(status.vus for status in statuses),
        requests=requests,
        requests_per_s=_rate(requests, elapsed_s, before),
        failed=sum(status.failed for status in statuses),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
        checks_passed=sum(status.checks_passed for status in statuses),
        checks_failed=sum(status.checks_failed for status in statuses),
        iterations=sum(status.iterations for status in statuses),
        iterations_failed=sum(status.iterations_failed for status in statuses),
        dropped=sum(status.dropped for status in statuses),
        scenarios=tuple(
            scenario_snapshot(
                scenario,
                [
                    part
                    for status in statuses
                    for part in status.scenarios
                    if part.name == scenario.name
                ],
            )
            for scenario in plan.scenarios
        ),
        thresholds=_thresholds(plan, statuses, elapsed_s),
        warnings=tuple(dict.fromkeys(line for status in statuses for line in status.warnings)),
    )


def _phase(statuses: Sequence[StatusReply]) -> RunPhase:
    leader = next((status for status in statuses if status.runner == 0), statuses[0])
    phases = [_PHASES[status.phase] for status in statuses]
    if any(phase is RunPhase.RUNNING for phase in phases):
        return RunPhase.RUNNING
    return _PHASES[leader.phase]


def _rate(requests: int, elapsed_s: float, before: RunSnapshot | None) -> float:
    """Return requests per second since the snapshot before; 0 where there is nothing to compare with."""
    if before is None:
        return requests / elapsed_s if elapsed_s > 0 else 0.0
    passed = elapsed_s - before.elapsed_s
    if passed <= 0:
        return before.requests_per_s
    return max(0.0, requests - before.requests) / passed


def _thresholds(
    plan: Plan, statuses: Sequence[StatusReply], elapsed_s: float
) -> tuple[ThresholdSnapshot, ...]:
    tallies = tallies_of(statuses)
    measured_s = max(0.0, elapsed_s - plan.measure_after_s)
    found: list[ThresholdSnapshot] = []
    for threshold in plan.thresholds:
        outcome = judge(
            threshold,
            tallies.get(threshold.id, Tally()),
            duration_s=measured_s,
            estimate=_estimate(threshold, statuses),
        )
        found.append(
            ThresholdSnapshot(
                id=threshold.id,
                metric=threshold.key,
                expression=threshold.text,
                observed=outcome.observed,
                shown=_shown(threshold, outcome, len(statuses)),
                samples=outcome.samples,
                holds=outcome.held,
                implicit=threshold.implicit,
            )
        )
    return tuple(found)


def _shown(threshold: Threshold, outcome: Outcome, runners: int) -> str:
    """Return the value as people read it, marked where it is no more than near: see `_estimate`."""
    text = show_outcome(outcome, threshold)
    near = runners > 1 and outcome.observed is not None and threshold.aggregation in _PERCENTILES
    return f"≈ {text}" if near else text


def _estimate(threshold: Threshold, statuses: Sequence[StatusReply]) -> float | None:
    """Return an order statistic of the fleet for display: that of its runners, weighted by their samples.

    The histograms themselves would say it exactly, but writing and reading one costs a runner's loop almost a
    millisecond per threshold and second. Whether the threshold holds is exact, and so is the result.
    """
    parts = [
        status.thresholds[threshold.id] for status in statuses if threshold.id in status.thresholds
    ]
    known = [(part.estimate, part.samples) for part in parts if part.estimate is not None]
    if known and threshold.aggregation not in _PERCENTILES:
        furthest = max if threshold.aggregation is Aggregation.MAX else min
        return furthest(estimate for estimate, _ in known)
    total = sum(samples for _, samples in known)
    if not total:
        return None
    return sum(estimate * samples for estimate, samples in known) / total
