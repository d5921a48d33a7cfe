"""Recorder -> result document: everything this runner measured, in the document's shape.

The engine says what only it knows (identity, times, nodes, CPU); this fills in the rest. Documents of N runners are
merged and concluded by `kload_spec.result`.
"""

from __future__ import annotations

from kload_runner.metrics.custom import MetricRecorder
from kload_runner.metrics.recorder import Recorder
from kload_runner.metrics.scenarios import ScenarioRecorder
from kload_runner.metrics.steps import StepRecorder
from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricType
from kload_spec.result import (
    AnswerCount,
    CheckResult,
    ErrorResult,
    MetricResult,
    Result,
    ScenarioResult,
    StepResult,
    ThresholdResult,
)


def fill_in(result: Result, recorder: Recorder) -> Result:
    """Return the document with everything that the recorder holds as of now."""
    recorder.roll()
    steps = list(recorder.steps.values())
    return result.model_copy(
        update={
            "interval_s": recorder.grid.interval_s,
            "scenarios": [
                _scenario(item)
                for item in recorder.scenarios.values()
                if item.name not in OUTSIDE_THE_LOAD
            ],
            "steps": [
                _step(step)
                for step in steps
                if any(step.counts()) or step.scenario not in OUTSIDE_THE_LOAD
            ],
            "checks": [check for step in steps for check in _checks(step)],
            "metrics": [_metric(metric) for metric in recorder.custom.values()],
            "thresholds": _thresholds(recorder),
            "errors": _errors(recorder),
        }
    )


def _scenario(scenario: ScenarioRecorder) -> ScenarioResult:
    iterations, failed, interrupted = scenario.measured_iterations()
    by_target, by_generator = scenario.measured_drops()
    return ScenarioResult(
        name=scenario.name,
        executor=scenario.executor,
        tags=scenario.own_tags,
        iterations=iterations,
        failed=failed,
        interrupted=interrupted,
        dropped_by_target=by_target,
        dropped_by_generator=by_generator,
        vus_max=scenario.vus_max,
        warmup_iterations=scenario.completed - iterations,
        duration=scenario.duration.total.copy(),
        cut_off=scenario.cut_off.copy() if scenario.cut_off.count else None,
        series=scenario.points.columns(),
    )


def _step(step: StepRecorder) -> StepResult:
    kinds = step.kinds()
    requests = sum(kind.measured for kind in kinds)
    failed = sum(kind.measured for kind in kinds if not kind.expected)
    sent, received = step.data
    return StepResult(
        scenario=step.scenario,
        name=step.name,
        tags=step.own_tags,
        requests=requests,
        failed=failed,
        redirects=step.measured_hops,
        warmup_requests=sum(kind.before for kind in kinds),
        data_sent=sent,
        data_received=received,
        answers=[
            AnswerCount(
                method=kind.method,
                status=kind.status,
                expected=kind.expected,
                error=kind.error,
                count=kind.measured,
            )
            for kind in kinds
            if kind.measured
        ],
        duration=step.expected.total + step.unexpected.total,
        expected_duration=step.expected.total.copy() if step.unexpected.total.count else None,
        response_time=step.response_time.total.copy() if step.response_time else None,
        phases={
            name: phase.total.copy() for name, phase in step.phases.items() if phase.total.count
        },
        series=step.points.columns(),
    )


def _checks(step: StepRecorder) -> list[CheckResult]:
    found = []
    for check in step.checks.values():
        # An assert counts in the warm-up too.
        passes, samples, _ = check.lifetime() if check.is_assert else check.measured()
        found.append(
            CheckResult(
                name=check.name,
                scenario=step.scenario,
                step=step.name,
                is_assert=check.is_assert,
                passes=passes,
                fails=samples - passes,
                errors=dict(check.causes),
            )
        )
    return found


def _metric(metric: MetricRecorder) -> MetricResult:
    _, samples, total = metric.measured()
    definition, trend = metric.definition, metric.trend
    return MetricResult(
        name=definition.name,
        type=definition.type,
        unit=definition.unit,
        per_s=definition.per_s,
        description=definition.description,
        scenario=metric.tags["scenario"],
        step=metric.tags.get("step", ""),
        tags=metric.own_tags,
        samples=samples,
        sum=total,
        histogram=trend.total.copy() if trend is not None else None,
        refused=metric.refused,
        series=metric.points.columns(),
    )


def _thresholds(recorder: Recorder) -> list[ThresholdResult]:
    tallies = recorder.tallies.read()
    found = []
    for threshold in recorder.registry.thresholds:
        tally = tallies[threshold.id]
        histogram: Histogram | None = None
        if threshold.type is MetricType.TREND:
            selected = recorder.tallies.histogram(threshold)
            histogram = selected.copy() if selected is not None else None
        found.append(
            ThresholdResult(
                definition=threshold,
                good=tally.good,
                samples=tally.samples,
                sum=tally.sum,
                histogram=histogram,
            )
        )
    return found


def _errors(recorder: Recorder) -> list[ErrorResult]:
    found = [
        ErrorResult(
            scenario=step.scenario,
            step=step.name,
            kind="request",
            message=kind.error or f"status {kind.status}",
            count=kind.lifetime,
            sample=kind.sample,
        )
        for step in recorder.steps.values()
        for kind in step.kinds()
        if not kind.expected
    ]
    found += [
        ErrorResult(
            scenario=step.scenario,
            step=step.name,
            kind="local",
            message="local",
            count=count,
            sample=detail,
        )
        for step in recorder.steps.values()
        for detail, count in step.local_errors.items()
    ]
    found += [
        ErrorResult(
            scenario=scenario,
            step=step,
            kind=kind,
            message=message,
            count=error.count,
            sample=error.sample,
        )
        for (scenario, step, kind, message), error in recorder.errors.items()
    ]
    return sorted(found, key=lambda error: -error.count)
