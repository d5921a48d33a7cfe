"""What came of a runner's run: its result document when it is over, its live numbers while it goes on.

Reads the engine and its recorder, changes neither. Judges nothing: `kload_spec.result.conclude` does.
"""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

from kload_runner.engine.engine import Engine
from kload_runner.metrics import Recorder
from kload_runner.metrics.reading import fill_in
from kload_runner.wire import mask_credentials
from kload_spec import numbers
from kload_spec.control import RunnerPhase, ScenarioStatus, StatusReply, ThresholdTotals
from kload_spec.health import Health
from kload_spec.plan import Plan
from kload_spec.result import PhaseTime, Result, RunIdentity, RunnerInfo
from kload_spec.shapes import RampingArrivalRate, RampingVUs
from kload_spec.thresholds import Aggregation, Threshold
from kload_spec.verdicts import Limits

_QUANTILES = {Aggregation.MIN: 0.0, Aggregation.MED: 0.5, Aggregation.MAX: 1.0}


@cache
def kload_version() -> str:
    """Return the installed version of kload; read from a file, which under load may be one too many."""
    try:
        return version("kload")
    except PackageNotFoundError:
        return "unknown"


def health_of(engine: Engine) -> Health:
    """Return everything known of the generator's own health."""
    return engine.recorder.health() + engine.probe.health()


def result_of(engine: Engine) -> Result:
    """Return the document of this runner, as of now; without a verdict."""
    plan, facts, run = engine.plan, engine.facts, engine.facts.run
    zero = engine.start_at if engine.start_at is not None else 0.0
    health = health_of(engine)
    result = Result(
        run=RunIdentity(
            name=plan.name,
            namespace=plan.namespace,
            uid=run.uid,
            run_id=run.run_id or run.uid,
            number=run.number,
            spec_hash=plan.spec_hash,
            plan_hash=plan.plan_hash,
            seed=facts.seed,
            params=dict(plan.params),
            quick=plan.quick,
        ),
        target=engine.mask(mask_credentials(engine.base_url)) or None,
        versions=_versions(engine),
        started_at=engine.started_at,
        ended_at=engine.ended_at,
        duration_s=(engine.end_at or zero) - zero,
        measured_from_s=plan.measure_after_s,
        phases=[
            *(
                PhaseTime(name=name, start_s=begin - zero, end_s=end - zero)
                for name, (begin, end) in engine.spans.items()
            ),
            *_stages(plan, (engine.end_at or zero) - zero),
        ],
        runners=[
            RunnerInfo(
                index=facts.runner.index,
                node=facts.node,
                pod=facts.pod,
                max_rss_bytes=_peak_memory(),
                start_skew_s=engine.late_s or 0.0,
                health=health,
            )
        ],
        health=health,
        notes=[*plan.notes, *engine.notes, *_notes(engine.recorder)],
    )
    return fill_in(result, engine.recorder)


def _stages(plan: Plan, ended_s: float) -> list[PhaseTime]:
    """Return the stages of ramping scenarios that began, as planned and cut at the end of the load."""
    found: list[PhaseTime] = []
    for scenario in plan.scenarios:
        shape = scenario.load.shape
        if not isinstance(shape, RampingVUs | RampingArrivalRate):
            continue
        begin = scenario.load.start_time_s
        for number, stage in enumerate(shape.stages, start=1):
            end = begin + stage.duration_s
            if begin < ended_s:
                name = f"{scenario.name}/stage {number}"
                found.append(PhaseTime(name=name, start_s=begin, end_s=min(end, ended_s)))
            begin = end
    return found


def status_of(engine: Engine, phase: RunnerPhase) -> StatusReply:
    """Return the live numbers of this runner."""
    recorder, now = engine.recorder, engine.clock.now()
    live = recorder.live()
    started = engine.start_at is not None and now >= engine.start_at
    end = engine.end_at if engine.end_at is not None else now
    reason, message = engine.stopped_by or (None, "")
    return StatusReply(
        phase=phase,
        runner=engine.facts.runner.index,
        elapsed_s=end - engine.start_at if started and engine.start_at is not None else 0.0,
        started_late_s=engine.late_s,
        stop=reason,
        stop_message=message,
        faults=tuple(fault.message for fault in engine.faults),
        requests=live.requests,
        failed=live.failed,
        checks_passed=live.checks_passed,
        checks_failed=live.checks_failed,
        iterations=live.iterations,
        iterations_failed=live.iterations_failed,
        dropped=live.dropped,
        vus=live.vus,
        scenarios=_scenarios(engine, now),
        thresholds=_thresholds(recorder),
        latency=live.durations.to_json() if live.requests else {},
        warnings=tuple(_warnings(health_of(engine), engine.plan.limits)) if started else (),
    )


def _warnings(health: Health, limits: Limits) -> list[str]:
    """Return what is wrong with the generator itself while it runs; the verdict has the last word at the end."""
    found: list[str] = []
    if health.late_share > limits.late_share:
        found.append(
            f"{numbers.share(health.late_share)} of arrivals were late or dropped by this machine (limit"
            f" {numbers.share(limits.late_share)}); give it more CPU or workers, or a lower rate"
        )
    if health.local_errors > limits.local_errors:
        found.append(
            f"{health.local_errors} requests failed for lack of local ports or files; raise `ulimit -n`,"
            " or use more workers"
        )
    if health.cpu_share > limits.cpu_share:
        found.append(
            f"the generator uses {numbers.progress(health.cpu_share)} of its core; more --workers could load harder"
        )
    return found


def _scenarios(engine: Engine, now: float) -> tuple[ScenarioStatus, ...]:
    found: list[ScenarioStatus] = []
    for item in engine.plan.scenarios:
        recorder = engine.recorder.scenarios[item.name]
        found.append(
            ScenarioStatus(
                name=item.name,
                phase=engine.progress.phase(item, now, stopping=engine.stopping),
                elapsed_s=engine.progress.elapsed_s(item, now),
                vus=recorder.vus,
                iterations=recorder.completed,
                dropped=recorder.dropped_total,
            )
        )
    return tuple(found)


def _thresholds(recorder: Recorder) -> dict[str, ThresholdTotals]:
    tallies = recorder.thresholds()
    return {
        item.id: ThresholdTotals(
            good=tallies[item.id].good,
            samples=tallies[item.id].samples,
            sum=tallies[item.id].sum,
            estimate=_estimate(recorder, item),
        )
        for item in recorder.registry.thresholds
    }


def _estimate(recorder: Recorder, threshold: Threshold) -> float | None:
    """Return the order statistic that a threshold compares; None for sums and shares, which need no estimate."""
    if threshold.aggregation is Aggregation.PERCENTILE:
        return recorder.estimate(threshold, (threshold.percentile or 0.0) / 100)
    quantile = _QUANTILES.get(threshold.aggregation)
    return None if quantile is None else recorder.estimate(threshold, quantile)


def _versions(engine: Engine) -> dict[str, str]:
    return {
        "kload": kload_version(),
        "python": platform.python_version(),
        "loop": engine.facts.loop_name,
        "platform": platform.platform(),
    }


def _peak_memory() -> int:
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024  # macOS counts bytes, Linux KiB


def _notes(recorder: Recorder) -> list[str]:
    """Return what should be known about the numbers: what could not be evaluated or recorded."""
    found: list[str] = []
    for step in recorder.steps.values():
        for check in step.checks.values():
            if check.causes:
                cause, count = check.causes.most_common(1)[0]
                found.append(
                    f"check {check.name!r} of {step.scenario}/{step.name} could not be evaluated"
                    f" {check.causes.total()} times and counted as false; most often ({count}): {cause}"
                )
    for metric in recorder.custom.values():
        if metric.refused:
            found.append(
                f"{metric.refused} values of {metric.definition.name} were not recorded:"
                f" a {metric.definition.type.value} does not take them"
            )
    return found
