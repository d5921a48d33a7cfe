"""The numbers of a run by metric: ``totals.<metric>.<stat>`` in teardown, and the official results of the operator.

Over the load only: requests of setup and teardown are left out, as they are in thresholds that do not select them.
"""

from __future__ import annotations

from collections.abc import Iterable

from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricType
from kload_spec.result.document import MetricResult, Result, ScenarioResult, StepResult, Summary

Stats = dict[str, float]


def totals(result: Result) -> dict[str, Stats]:
    """Return the stats of every metric of the run.

    Counters have count and rate, rates have rate, passes, fails and count, trends have count, sum, avg, min, med, max,
    p90, p95 and p99; a trend or rate without samples has only its count. Times are in seconds.
    """
    steps, scenarios = result.load_steps(), result.scenarios
    found: dict[str, Stats] = {
        **_request_totals(steps, result.measured_s),
        **_scenario_totals(scenarios, result.measured_s),
        "checks": _share(
            sum(check.passes for check in result.checks if _of_load(check.scenario)),
            sum(check.fails for check in result.checks if _of_load(check.scenario)),
        ),
    }
    by_name: dict[str, list[MetricResult]] = {}
    for metric in result.metrics:
        by_name.setdefault(metric.name, [])
        if _of_load(metric.scenario):
            by_name[metric.name].append(metric)
    for metric in result.metrics:
        found[metric.name] = _custom(metric, by_name[metric.name], result.measured_s)
    return found


def summary(result: Result) -> Summary:
    """Return the headline numbers."""
    stats = totals(result)
    duration, failed = stats["http_req_duration"], stats["http_req_failed"]
    return Summary(
        requests=int(stats["http_reqs"]["count"]),
        requests_per_s=stats["http_reqs"]["rate"],
        failed=int(failed["passes"]),
        failed_share=failed.get("rate", 0.0),
        **{
            f"{name}_ms": duration[key] * 1000
            for name, key in (
                ("p50", "med"),
                ("p95", "p95"),
                ("p99", "p99"),
                ("avg", "avg"),
                ("max", "max"),
            )
            if key in duration
        },
        checks_passed=int(stats["checks"]["passes"]),
        checks_failed=int(stats["checks"]["fails"]),
        iterations=int(stats["iterations"]["count"]),
        iterations_failed=int(stats["iterations_failed"]["passes"]),
        dropped=int(stats["dropped_iterations"]["count"]),
        data_sent=int(stats["data_sent"]["count"]),
        data_received=int(stats["data_received"]["count"]),
    )


def _of_load(scenario: str) -> bool:
    return scenario not in OUTSIDE_THE_LOAD


def _request_totals(steps: list[StepResult], measured_s: float) -> dict[str, Stats]:
    failed = sum(step.failed for step in steps)
    requests = sum(step.requests for step in steps)
    found = {
        "http_reqs": _count(requests, measured_s),
        "http_req_failed": _share(failed, requests - failed),
        "data_sent": _count(sum(step.data_sent for step in steps), measured_s),
        "data_received": _count(sum(step.data_received for step in steps), measured_s),
        "http_req_duration": _trend(step.duration for step in steps),
        "http_req_response_time": _trend(step.response_time for step in steps),
    }
    for phase in dict.fromkeys(name for step in steps for name in step.phases):
        found[f"http_req_{phase}"] = _trend(step.phases.get(phase) for step in steps)
    return found


def _scenario_totals(scenarios: list[ScenarioResult], measured_s: float) -> dict[str, Stats]:
    iterations = sum(scenario.iterations for scenario in scenarios)
    failed = sum(scenario.failed for scenario in scenarios)
    return {
        "iterations": _count(iterations, measured_s),
        "iterations_failed": _share(failed, iterations - failed),
        "dropped_iterations": _count(sum(scenario.dropped for scenario in scenarios), measured_s),
        "iteration_duration": _trend(scenario.duration for scenario in scenarios),
    }


def _custom(metric: MetricResult, parts: list[MetricResult], measured_s: float) -> Stats:
    samples, total = sum(part.samples for part in parts), sum(part.sum for part in parts)
    match metric.type:
        case MetricType.COUNTER:
            return _count(total, measured_s, metric.per_s)
        case MetricType.RATE:
            return _share(total, samples - total)
        case MetricType.TREND:
            return _trend(part.histogram for part in parts)
        case MetricType.GAUGE:
            return {"value": total, "count": float(samples)}


def _count(count: float, measured_s: float, per_s: float = 1.0) -> Stats:
    return {"count": float(count), "rate": count * per_s / measured_s if measured_s else 0.0}


def _share(passes: float, fails: float) -> Stats:
    stats = {"passes": float(passes), "fails": float(fails), "count": float(passes + fails)}
    if stats["count"]:
        stats["rate"] = passes / stats["count"]
    return stats


def _trend(parts: Iterable[Histogram | None]) -> Stats:
    joined = Histogram.merged([part for part in parts if part is not None])
    count = joined.count
    if not count:
        return {"count": 0.0}
    names = ("min", "med", "max", "p90", "p95", "p99")
    values = joined.quantiles((0.0, 0.5, 1.0, 0.9, 0.95, 0.99))
    stats = {name: value for name, value in zip(names, values, strict=True) if value is not None}
    return {"count": float(count), "sum": joined.sum, "avg": joined.sum / count, **stats}
