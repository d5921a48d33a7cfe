"""Counters of the recorder -> metric families, in pieces small enough to be built between two requests.

Belongs to `exposition`, which prints them; the tables below say which families there are.
A family of many steps comes as several pieces of the same name, one after the other.
The user's own tags are no labels: recorders that differ in them alone add up to one series.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, TypeVar

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from kload_runner.executors.base import DropCause
from kload_runner.metrics.answers import PHASES
from kload_runner.metrics.custom import MetricRecorder
from kload_runner.metrics.scenarios import ScenarioRecorder
from kload_runner.metrics.steps import StepRecorder
from kload_runner.metrics.trends import PublicHistogram
from kload_spec.metrics import UNIT_SUFFIX, MetricType
from kload_spec.thresholds import Tally

RUN = ["run_uid", "loadtest", "runner"]
_SCENARIO = [*RUN, "scenario"]
_STEP = [*_SCENARIO, "step"]
_WIDE, _NARROW = (
    1,
    8,
)  # label sets to a piece: those of histograms have 26 samples each, counters a few

_T = TypeVar("_T")
_Fill = Callable[[Any, list[str], list[_T]], None]
# constructor, name, help, labels beyond scenario and step, label sets to a piece, what adds the samples
_Family = tuple[Callable[..., Any], str, str, list[str], int, _Fill[_T]]


def of_thresholds(run: list[str], tallies: Mapping[str, Tally]) -> Iterator[Metric]:
    """Return good, samples and sum of every threshold."""
    labels = [*RUN, "threshold"]
    good = CounterMetricFamily(
        "kload_threshold_good", "Samples that fulfil the threshold", labels=labels
    )
    samples = CounterMetricFamily(
        "kload_threshold_samples", "Samples of the threshold", labels=labels
    )
    total = GaugeMetricFamily(
        "kload_threshold_sum", "Sum of the threshold's samples", labels=labels
    )
    for name, tally in tallies.items():
        good.add_metric([*run, name], tally.good)
        samples.add_metric([*run, name], tally.samples)
        total.add_metric([*run, name], tally.sum)
    yield from (good, samples, total)


def of_scenarios(run: list[str], scenarios: Sequence[ScenarioRecorder]) -> Iterator[Metric]:
    """Return VUs, iterations and drops of every scenario."""
    grouped = _by_labels(((item.name,), item) for item in scenarios)
    yield from _pieces(run, _SCENARIO, grouped, _SCENARIO_FAMILIES)


def of_steps(run: list[str], steps: Sequence[StepRecorder]) -> Iterator[Metric]:
    """Return requests, checks and durations of every step."""
    yield from _pieces(
        run, _STEP, _by_labels(((s.scenario, s.name), s) for s in steps), _STEP_FAMILIES
    )
    timed = _by_labels(((s.scenario, s.name), s) for s in steps if s.response_time is not None)
    yield from _pieces(run, _STEP, timed, _OPEN_LOOP_FAMILIES)


def of_custom_metrics(run: list[str], metrics: Sequence[MetricRecorder]) -> Iterator[Metric]:
    """Return the declared metrics under their own names, with the unit behind them."""
    for name in dict.fromkeys(metric.definition.name for metric in metrics):
        same = [metric for metric in metrics if metric.definition.name == name]
        definition = same[0].definition
        grouped = _by_labels(((m.tags["scenario"], m.tags.get("step", "")), m) for m in same)
        full = f"kload_{name}{UNIT_SUFFIX[definition.unit]}"
        yield from _pieces(run, _STEP, grouped, _custom_families(full, definition.type))


def _pieces(
    run: list[str],
    labels: list[str],
    grouped: Mapping[tuple[str, ...], list[_T]],
    families: Iterable[_Family[_T]],
) -> Iterator[Metric]:
    groups = list(grouped.items())
    for constructor, name, text, more_labels, size, fill in families:
        for start in range(0, len(groups), size):
            family = constructor(name, text, labels=[*labels, *more_labels])
            for values, same in groups[start : start + size]:
                fill(family, [*run, *values], same)
            yield family


def _by_labels(items: Iterable[tuple[tuple[str, ...], _T]]) -> dict[tuple[str, ...], list[_T]]:
    grouped: dict[tuple[str, ...], list[_T]] = {}
    for labels, item in items:
        grouped.setdefault(labels, []).append(item)
    return grouped


def _add_histogram(
    family: HistogramMetricFamily, labels: list[str], parts: Sequence[PublicHistogram]
) -> None:
    counts = [sum(column) for column in zip(*(part.counts for part in parts), strict=True)]
    names = [*(f"{bound:g}" for bound in parts[0].bounds), "+Inf"]
    buckets = list(zip(names, map(float, accumulate(counts)), strict=True))
    family.add_metric(labels, buckets, sum(part.sum for part in parts))


# -- scenarios -----------------------------------------------------------------------------------------------------


def _total(read: Callable[[_T], float]) -> _Fill[_T]:
    """Return what adds the sum of a number over all recorders of a label set."""

    def fill(family: Any, labels: list[str], same: list[_T]) -> None:
        family.add_metric(labels, sum(read(item) for item in same))

    return fill


def _drops(family: CounterMetricFamily, labels: list[str], same: list[ScenarioRecorder]) -> None:
    for cause in DropCause:
        family.add_metric([*labels, cause.value], sum(item.drops[cause] for item in same))


def _iteration_durations(
    family: HistogramMetricFamily, labels: list[str], same: list[ScenarioRecorder]
) -> None:
    _add_histogram(family, labels, [item.public_duration for item in same])


_SCENARIO_FAMILIES: tuple[_Family[ScenarioRecorder], ...] = (
    (GaugeMetricFamily, "kload_vus", "VUs that are active", [], _NARROW, _total(lambda s: s.vus)),
    (
        GaugeMetricFamily,
        "kload_vus_max",
        "VUs that existed",
        [],
        _NARROW,
        _total(lambda s: s.vus_max),
    ),
    (
        CounterMetricFamily,
        "kload_iterations",
        "Iterations that ended",
        [],
        _NARROW,
        _total(lambda s: s.completed),
    ),
    (
        CounterMetricFamily,
        "kload_iterations_failed",
        "Iterations that failed",
        [],
        _NARROW,
        _total(lambda s: s.failed),
    ),
    (
        CounterMetricFamily,
        "kload_dropped_iterations",
        "Iterations never started",
        ["cause"],
        _NARROW,
        _drops,
    ),
    (
        HistogramMetricFamily,
        "kload_iteration_duration_seconds",
        "Iterations",
        [],
        _WIDE,
        _iteration_durations,
    ),
)


# -- steps ---------------------------------------------------------------------------------------------------------


def _requests(family: CounterMetricFamily, labels: list[str], same: list[StepRecorder]) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for kind in (kind for step in same for kind in step.kinds()):
        counts[kind.method, str(kind.status)] += kind.lifetime
    for (method, status), number in counts.items():
        family.add_metric([*labels, method, status], number)


def _errors(family: CounterMetricFamily, labels: list[str], same: list[StepRecorder]) -> None:
    counts: Counter[str] = Counter()
    for kind in (kind for step in same for kind in step.kinds() if kind.error):
        counts[kind.error] += kind.lifetime
    for error, number in counts.items():
        family.add_metric([*labels, error], number)


def _checks(family: CounterMetricFamily, labels: list[str], same: list[StepRecorder]) -> None:
    checks = [check for step in same for check in step.checks.values()]
    for name in dict.fromkeys(check.name for check in checks):
        family.add_metric(
            [*labels, name, "pass"], sum(check.passes for check in checks if check.name == name)
        )
        family.add_metric(
            [*labels, name, "fail"], sum(check.fails for check in checks if check.name == name)
        )


def _durations(family: HistogramMetricFamily, labels: list[str], same: list[StepRecorder]) -> None:
    _add_histogram(family, labels, [step.public_duration for step in same])


def _response_times(
    family: HistogramMetricFamily, labels: list[str], same: list[StepRecorder]
) -> None:
    _add_histogram(family, labels, [step.public_response_time for step in same])


def _phase(name: str) -> _Family[StepRecorder]:
    def fill(family: SummaryMetricFamily, labels: list[str], same: list[StepRecorder]) -> None:
        public = [step.phases[name].public for step in same]
        family.add_metric(
            labels, sum(count for count, _ in public), sum(total for _, total in public)
        )

    return (
        SummaryMetricFamily,
        f"kload_http_req_{name}_seconds",
        f"Phase: {name}",
        [],
        _NARROW,
        fill,
    )


_STEP_FAMILIES: tuple[_Family[StepRecorder], ...] = (
    (CounterMetricFamily, "kload_http_reqs", "Requests", ["method", "status"], _NARROW, _requests),
    (
        CounterMetricFamily, "kload_http_req_failed", "Requests without an expected answer", [], _NARROW,
        _total(lambda step: step.counts()[1]),
    ),
    (CounterMetricFamily, "kload_http_req_errors", "Requests without an answer", ["error"], _NARROW, _errors),
    (CounterMetricFamily, "kload_checks", "Evaluations of checks", ["check", "result"], _NARROW, _checks),
    (CounterMetricFamily, "kload_data_sent_bytes", "Bytes written", [], _NARROW, _total(lambda s: s.public_data[0])),
    (CounterMetricFamily, "kload_data_received_bytes", "Bytes read", [], _NARROW, _total(lambda s: s.public_data[1])),
    (
        HistogramMetricFamily, "kload_http_req_duration_seconds", "Sending, waiting and receiving", [], _WIDE,
        _durations,
    ),
    *(_phase(name) for name in PHASES),
)  # fmt: skip
_OPEN_LOOP_FAMILIES: tuple[_Family[StepRecorder], ...] = (
    (
        HistogramMetricFamily, "kload_http_req_response_time_seconds", "From the intended start to the answer read",
        [], _WIDE, _response_times,
    ),
)  # fmt: skip


# -- declared metrics ----------------------------------------------------------------------------------------------


def _custom_families(name: str, kind: MetricType) -> tuple[_Family[MetricRecorder], ...]:
    value: _Fill[MetricRecorder] = _total(lambda metric: metric.sum)
    match kind:
        case MetricType.TREND:
            return ((HistogramMetricFamily, name, "Declared trend", [], _WIDE, _trend_values),)
        case MetricType.GAUGE:
            return ((GaugeMetricFamily, name, "Declared gauge", [], _NARROW, value),)
        case MetricType.COUNTER:
            return ((CounterMetricFamily, name, "Declared counter", [], _NARROW, value),)
        case MetricType.RATE:
            samples: _Fill[MetricRecorder] = _total(lambda metric: metric.samples)
            return (
                (CounterMetricFamily, name, "Declared rate: true samples", [], _NARROW, value),
                (
                    CounterMetricFamily,
                    f"{name}_samples",
                    "Declared rate: all samples",
                    [],
                    _NARROW,
                    samples,
                ),
            )


def _trend_values(
    family: HistogramMetricFamily, labels: list[str], same: list[MetricRecorder]
) -> None:
    trends = [metric.trend for metric in same if metric.trend is not None]
    _add_histogram(family, labels, [trend.public for trend in trends if trend.public is not None])
