"""The result documents of N runners -> one, in any order and grouping.

Counts, tallies and histograms add up; levels (loop lag, CPU share) keep the worse; of errors the first sample stays.
It judges nothing: a merged document has no verdict until `conclusion` writes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from pydantic import BaseModel

from kload_spec.histogram import Histogram
from kload_spec.result.document import (
    AnswerCount,
    CheckResult,
    ErrorResult,
    MetricResult,
    PhaseTime,
    Result,
    ScenarioResult,
    StepResult,
    ThresholdResult,
)

MAX_BYTES = 900 * 1024  # gzipped; a ConfigMap may hold 1 MiB, names and all

_Item = TypeVar("_Item", bound=BaseModel)


def merge(results: Sequence[Result]) -> Result:
    """Return one document for the whole fleet.

    Raises:
        ValueError: if there is nothing to merge, or the runners did not run the same plan.
    """
    if not results:
        raise ValueError("there is no result to merge; give those of all runners")
    hashes = {result.run.plan_hash for result in results}
    if len(hashes) > 1:
        raise ValueError(f"the results are of different plans: {', '.join(sorted(hashes))}")
    merged = results[0]
    for other in results[1:]:
        merged = _pair(merged, other)
    return merged


def _pair(left: Result, right: Result) -> Result:
    interval_s = max(left.interval_s, right.interval_s)
    left, right = _on_grid(left, interval_s), _on_grid(right, interval_s)
    starts = [at for at in (left.started_at, right.started_at) if at is not None]
    ends = [at for at in (left.ended_at, right.ended_at) if at is not None]
    return left.model_copy(
        update={
            "started_at": min(starts, default=None),
            "ended_at": max(ends, default=None),
            "duration_s": max(left.duration_s, right.duration_s),
            "phases": _by_key(left.phases, right.phases, lambda p: p.name, _phase),
            "runners": sorted([*left.runners, *right.runners], key=lambda runner: runner.index),
            "scenarios": _by_key(left.scenarios, right.scenarios, lambda s: s.name, _scenario),
            "steps": _by_key(left.steps, right.steps, _step_key, _step),
            "checks": _by_key(
                left.checks, right.checks, lambda c: (c.scenario, c.step, c.name), _check
            ),
            "metrics": _by_key(left.metrics, right.metrics, _metric_key, _metric),
            "thresholds": _by_key(
                left.thresholds, right.thresholds, lambda t: t.definition.id, _threshold
            ),
            "errors": _errors([*left.errors, *right.errors]),
            "health": left.health + right.health,
            "notes": list(dict.fromkeys([*left.notes, *right.notes])),
            "verdict": None,
        }
    )


def _on_grid(result: Result, interval_s: int) -> Result:
    """Return the result with its series on a coarser grid."""
    factor, rest = divmod(interval_s, result.interval_s)
    if rest:
        raise ValueError(f"series of {result.interval_s}s do not fit a grid of {interval_s}s")
    if factor == 1:
        return result
    coarser: dict[str, object] = {"interval_s": interval_s}
    for name in ("scenarios", "steps", "metrics"):
        items = getattr(result, name)
        coarser[name] = [
            item.model_copy(update={"series": item.series.coarsened(factor)}) for item in items
        ]
    return result.model_copy(update=coarser)


def fitted(result: Result, limit_bytes: int = MAX_BYTES) -> Result:
    """Return the result such that `to_bytes` stays within a limit.

    First the points of series become fewer, by halves, then the samples of errors go; no other number changes.

    Raises:
        ValueError: if even then it is too large.
    """
    while (size := len(result.to_bytes())) > limit_bytes:
        longest = [len(scenario.series.vus) for scenario in result.scenarios]
        longest += [len(step.series.requests) for step in result.steps]
        if max(longest, default=0) > 1:
            result = _on_grid(result, 2 * result.interval_s)
        elif any(error.sample for error in result.errors):
            errors = [error.model_copy(update={"sample": ""}) for error in result.errors]
            result = result.model_copy(update={"errors": errors})
        else:
            raise ValueError(
                f"the result has {size} bytes at the least; the limit is {limit_bytes}"
            )
    return result


def _by_key(
    left: Iterable[_Item],
    right: Iterable[_Item],
    key: Callable[[_Item], object],
    combine: Callable[[_Item, _Item], _Item],
) -> list[_Item]:
    """Return items with equal keys combined, in the order of their first appearance."""
    found: dict[object, _Item] = {}
    for item in (*left, *right):
        name = key(item)
        found[name] = combine(found[name], item) if name in found else item
    return list(found.values())


def _sums(left: _Item, right: _Item, *names: str) -> dict[str, object]:
    return {name: getattr(left, name) + getattr(right, name) for name in names}


def _both(left: Histogram | None, right: Histogram | None) -> Histogram | None:
    if left is None or right is None:
        return left or right
    return left + right


def _phase(left: PhaseTime, right: PhaseTime) -> PhaseTime:
    return PhaseTime(
        name=left.name, start_s=min(left.start_s, right.start_s), end_s=max(left.end_s, right.end_s)
    )


def _scenario(left: ScenarioResult, right: ScenarioResult) -> ScenarioResult:
    counts = _sums(
        left, right, "iterations", "failed", "interrupted", "dropped_by_target", "dropped_by_generator",
        "vus_max", "warmup_iterations", "duration", "series",
    )  # fmt: skip
    return left.model_copy(update={**counts, "cut_off": _both(left.cut_off, right.cut_off)})


def _step_key(step: StepResult) -> object:
    return step.scenario, step.name, tuple(sorted(step.tags.items()))


def _step(left: StepResult, right: StepResult) -> StepResult:
    counts = _sums(
        left,
        right,
        "requests",
        "failed",
        "redirects",
        "warmup_requests",
        "data_sent",
        "data_received",
        "duration",
        "series",
    )
    phases = {
        name: _both(left.phases.get(name), right.phases.get(name))
        for name in dict.fromkeys([*left.phases, *right.phases])
    }
    expected = None
    if left.expected_duration is not None or right.expected_duration is not None:
        expected = _both(
            left.expected_duration or left.duration, right.expected_duration or right.duration
        )
    return left.model_copy(
        update={
            **counts,
            "answers": _answers([*left.answers, *right.answers]),
            "expected_duration": expected,
            "response_time": _both(left.response_time, right.response_time),
            "phases": phases,
        }
    )


def _answers(answers: Iterable[AnswerCount]) -> list[AnswerCount]:
    counts: Counter[tuple[str, int, bool, str]] = Counter()
    for answer in answers:
        counts[answer.method, answer.status, answer.expected, answer.error] += answer.count
    return [
        AnswerCount(method=method, status=status, expected=expected, error=error, count=count)
        for (method, status, expected, error), count in sorted(counts.items())
    ]


def _check(left: CheckResult, right: CheckResult) -> CheckResult:
    errors = Counter(left.errors) + Counter(right.errors)
    return left.model_copy(update={**_sums(left, right, "passes", "fails"), "errors": dict(errors)})


def _metric_key(metric: MetricResult) -> object:
    return metric.name, metric.scenario, metric.step, tuple(sorted(metric.tags.items()))


def _metric(left: MetricResult, right: MetricResult) -> MetricResult:
    counts = _sums(left, right, "samples", "sum", "refused", "series")
    return left.model_copy(update={**counts, "histogram": _both(left.histogram, right.histogram)})


def _threshold(left: ThresholdResult, right: ThresholdResult) -> ThresholdResult:
    unknown = left.missing is None or right.missing is None
    return left.model_copy(
        update={
            **_sums(left, right, "good", "samples", "sum"),
            "histogram": _both(left.histogram, right.histogram),
            "missing": None if unknown else (left.missing or 0) + (right.missing or 0),
            "aborted": left.aborted or right.aborted,
            "observed": None,
            "held": None,
        }
    )


def _errors(errors: Iterable[ErrorResult]) -> list[ErrorResult]:
    combined = _by_key(
        errors,
        (),
        lambda e: (e.scenario, e.step, e.kind, e.message),
        lambda first, later: first.model_copy(update={"count": first.count + later.count}),
    )
    return sorted(combined, key=lambda e: -e.count)
