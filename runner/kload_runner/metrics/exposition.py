"""Recorder -> /metrics, in Prometheus' text format: the only user of prometheus_client.

A custom collector on no registry but its own: every family is built from the recorder's counters when it is asked for,
so that recording costs nothing extra and every series exists (at 0) from the moment it is bound.
There are no `_created` series: families are built without a creation time.

generate_latest takes about 5 us per sample, several milliseconds for a large plan, which would be seen in every
latency measured meanwhile. So the text is made in slices of at most `SLICE` samples, with the event loop's turn
between them (`render_sliced`); `render` makes it in one go. A thread would be worse: it holds the interpreter for
5 ms at a time.

Labels of every series: run_uid, loadtest, runner; then scenario and step; method, status on counters only.
Names are k6's with the prefix `kload_` and base units.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TypeVar

from prometheus_client import generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from kload_runner.executors.base import DropCause
from kload_runner.metrics.custom import MetricRecorder
from kload_runner.metrics.recorder import Recorder
from kload_runner.metrics.scenarios import ScenarioRecorder
from kload_runner.metrics.steps import PHASES, StepRecorder
from kload_runner.metrics.trends import PublicHistogram
from kload_spec.health import Health
from kload_spec.metrics import MetricType, Unit
from kload_spec.thresholds import Tally

_T = TypeVar("_T")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SLICE = 60  # samples; about 0.3 ms

_RUN = ("run_uid", "loadtest", "runner")
_SCENARIO = (*_RUN, "scenario")
_STEP = (*_SCENARIO, "step")
_UNIT_SUFFIX = {Unit.TIME: "_seconds", Unit.BYTES: "_bytes", Unit.NONE: ""}


@dataclass(frozen=True, slots=True)
class RunLabels:
    """What tells the series of one runner of one run apart from all others."""

    run_uid: str
    loadtest: str
    runner: str

    def values(self) -> list[str]:
        """Return the values in the order of the label names."""
        return [self.run_uid, self.loadtest, self.runner]


class _OneFamily:
    """What generate_latest takes for a registry."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        yield self._family


class Exposition:
    """The /metrics page of one runner."""

    def __init__(
        self,
        recorder: Recorder,
        labels: RunLabels,
        *,
        health: Callable[[], Health] = Health,
        version: str = "",
    ) -> None:
        """Make the page.

        Args:
            health: called once per page for the generator's own numbers.
            version: of kload, for `kload_runner_info`.
        """
        self._recorder, self._run, self._health, self._version = (
            recorder,
            labels.values(),
            health,
            version,
        )
        self.finished = False

    def collect(self) -> Iterator[Metric]:
        """Build all families from one look at the recorder."""
        tallies = self._recorder.thresholds()
        yield from self._runner()
        yield from self._thresholds(tallies)
        yield from self._scenarios(list(self._recorder.scenarios.values()))
        yield from self._steps(list(self._recorder.steps.values()))
        yield from self._custom(list(self._recorder.custom.values()))

    def render(self) -> bytes:
        """Return the page, made in one go."""
        return b"".join(generate_latest(_OneFamily(family)) for family in self.collect())

    async def render_sliced(self) -> bytes:
        """Return the page, giving the event loop its turn after every `SLICE` samples.

        All numbers are of the moment of the call.
        """
        parts: list[bytes] = []
        for family in list(self.collect()):
            for number, piece in enumerate(_slices(family)):
                text: bytes = generate_latest(_OneFamily(piece))
                parts.append(_without_header(text) if number else text)
                await asyncio.sleep(0)
        return b"".join(parts)

    # -- families --------------------------------------------------------------------------------------------------

    def _runner(self) -> Iterator[Metric]:
        health = self._health()
        info = GaugeMetricFamily(
            "kload_runner_info", "This runner; always 1", labels=[*_RUN, "version"]
        )
        info.add_metric([*self._run, self._version], 1)
        yield info
        yield self._gauge(
            "kload_runner_finished", "1 when all numbers are final", float(self.finished)
        )
        lag = GaugeMetricFamily(
            "kload_runner_loop_lag_seconds",
            "How late the event loop ran timers",
            labels=[*_RUN, "stat"],
        )
        for stat, value in (
            ("p50", health.loop_lag_p50_s), ("p99", health.loop_lag_p99_s), ("max", health.loop_lag_max_s),
        ):  # fmt: skip
            lag.add_metric([*self._run, stat], value)
        yield lag
        yield self._gauge(
            "kload_runner_cpu_share", "CPU used, as a share of one core", health.cpu_share
        )
        yield self._counter("kload_runner_cpu_seconds", "CPU time used", health.cpu_seconds)
        yield self._counter(
            "kload_runner_cpu_throttled_seconds",
            "Time held back by the cgroup",
            health.cpu_throttled_s,
        )
        yield self._counter(
            "kload_runner_arrivals", "Iterations an arrival rate was to start", health.arrivals
        )
        yield self._counter("kload_runner_late_starts", "Arrivals started late", health.late_starts)
        yield self._counter(
            "kload_runner_missed_paces", "Iterations longer than their pace", health.missed_paces
        )
        yield self._counter(
            "kload_runner_local_errors",
            "Requests failed by our own exhaustion",
            health.local_errors,
        )

    def _thresholds(self, tallies: dict[str, Tally]) -> Iterator[Metric]:
        labels = [*_RUN, "threshold"]
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
            good.add_metric([*self._run, name], tally.good)
            samples.add_metric([*self._run, name], tally.samples)
            total.add_metric([*self._run, name], tally.sum)
        yield from (good, samples, total)

    def _scenarios(self, scenarios: Sequence[ScenarioRecorder]) -> Iterator[Metric]:
        vus = GaugeMetricFamily("kload_vus", "VUs that are active", labels=_SCENARIO)
        vus_max = GaugeMetricFamily("kload_vus_max", "VUs that existed", labels=_SCENARIO)
        ended = CounterMetricFamily("kload_iterations", "Iterations that ended", labels=_SCENARIO)
        failed = CounterMetricFamily(
            "kload_iterations_failed", "Iterations that failed", labels=_SCENARIO
        )
        dropped = CounterMetricFamily(
            "kload_dropped_iterations",
            "Iterations that could not be started",
            labels=[*_SCENARIO, "cause"],
        )
        duration = HistogramMetricFamily(
            "kload_iteration_duration_seconds", "Whole iterations", labels=_SCENARIO
        )
        for item in scenarios:
            labels = [*self._run, item.name]
            vus.add_metric(labels, item.vus)
            vus_max.add_metric(labels, item.vus_max)
            ended.add_metric(labels, item.completed)
            failed.add_metric(labels, item.failed)
            for cause in DropCause:
                dropped.add_metric([*labels, cause.value], item.drops[cause])
            if item.duration.public is not None:
                _add_histogram(duration, labels, [item.duration.public])
        yield from (vus, vus_max, ended, failed, dropped, duration)

    def _steps(self, steps: Sequence[StepRecorder]) -> Iterator[Metric]:
        grouped = _by_labels((step.scenario, step.name, step) for step in steps)
        yield from self._requests(grouped)
        sent = CounterMetricFamily("kload_data_sent_bytes", "Bytes written", labels=_STEP)
        received = CounterMetricFamily("kload_data_received_bytes", "Bytes read", labels=_STEP)
        duration = HistogramMetricFamily(
            "kload_http_req_duration_seconds", "Sending, waiting and receiving", labels=_STEP
        )
        response = HistogramMetricFamily(
            "kload_http_req_response_time_seconds",
            "From the intended start to the answer read",
            labels=_STEP,
        )
        phases = [
            SummaryMetricFamily(
                f"kload_http_req_{name}_seconds", f"Phase of requests: {name}", labels=_STEP
            )
            for name in PHASES
        ]
        for (scenario, name), same in grouped.items():
            labels = [*self._run, scenario, name]
            sent.add_metric(labels, sum(step.public_data[0] for step in same))
            received.add_metric(labels, sum(step.public_data[1] for step in same))
            _add_histogram(duration, labels, [step.public_duration for step in same])
            times = [step.response_time.public for step in same if step.response_time is not None]
            if times:
                _add_histogram(response, labels, [public for public in times if public is not None])
            for position, family in enumerate(phases):
                public = [step.phases[position].public for step in same]
                family.add_metric(
                    labels, sum(n for n, _ in public), sum(total for _, total in public)
                )
        yield from (sent, received, duration, response, *phases)

    def _requests(self, grouped: dict[tuple[str, str], list[StepRecorder]]) -> Iterator[Metric]:
        total = CounterMetricFamily(
            "kload_http_reqs", "Requests", labels=[*_STEP, "method", "status"]
        )
        failed = CounterMetricFamily(
            "kload_http_req_failed", "Requests without an expected answer", labels=_STEP
        )
        errors = CounterMetricFamily(
            "kload_http_req_errors", "Requests without an answer", labels=[*_STEP, "error"]
        )
        checks = CounterMetricFamily(
            "kload_checks", "Evaluations of checks", labels=[*_STEP, "check", "result"]
        )
        for (scenario, name), same in grouped.items():
            labels = [*self._run, scenario, name]
            counts: dict[tuple[str, str], int] = {}
            reasons: dict[str, int] = {}
            held: dict[str, tuple[int, int]] = {}
            for step in same:
                for kind in step.kinds():
                    key = (kind.method, str(kind.status))
                    counts[key] = counts.get(key, 0) + kind.lifetime
                    if kind.error:
                        reasons[kind.error] = reasons.get(kind.error, 0) + kind.lifetime
                for check in step.checks.values():
                    passes, fails = held.get(check.name, (0, 0))
                    held[check.name] = (passes + check.passes, fails + check.fails)
            failed.add_metric(labels, sum(step.counts()[1] for step in same))
            for (method, status), number in counts.items():
                total.add_metric([*labels, method, status], number)
            for error, number in reasons.items():
                errors.add_metric([*labels, error], number)
            for check_name, (passes, fails) in held.items():
                checks.add_metric([*labels, check_name, "pass"], passes)
                checks.add_metric([*labels, check_name, "fail"], fails)
        yield from (total, failed, errors, checks)

    def _custom(self, metrics: Sequence[MetricRecorder]) -> Iterator[Metric]:
        by_name: dict[str, list[MetricRecorder]] = {}
        for metric in metrics:
            by_name.setdefault(metric.definition.name, []).append(metric)
        for name, items in by_name.items():
            definition = items[0].definition
            full = f"kload_{name}{_UNIT_SUFFIX[definition.unit]}"
            grouped = _by_labels((m.tags["scenario"], m.tags.get("step", ""), m) for m in items)
            yield from self._custom_family(full, definition.type, grouped)

    def _custom_family(
        self, name: str, kind: MetricType, grouped: dict[tuple[str, str], list[MetricRecorder]]
    ) -> Iterator[Metric]:
        value: Metric
        match kind:
            case MetricType.TREND:
                value = HistogramMetricFamily(name, "Declared trend", labels=_STEP)
            case MetricType.GAUGE:
                value = GaugeMetricFamily(name, "Declared gauge", labels=_STEP)
            case MetricType.COUNTER | MetricType.RATE:
                value = CounterMetricFamily(name, "Declared metric", labels=_STEP)
        samples = CounterMetricFamily(
            f"{name}_samples", "Samples of the declared rate", labels=_STEP
        )
        for (scenario, step), same in grouped.items():
            labels = [*self._run, scenario, step]
            if isinstance(value, HistogramMetricFamily):
                trends = [metric.trend.public for metric in same if metric.trend is not None]
                _add_histogram(value, labels, [public for public in trends if public is not None])
            elif isinstance(value, (GaugeMetricFamily, CounterMetricFamily)):
                value.add_metric(labels, sum(metric.sum for metric in same))
            samples.add_metric(labels, sum(metric.samples for metric in same))
        yield value
        if kind is MetricType.RATE:
            yield samples

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(name, text, labels=_RUN)
        family.add_metric(self._run, value)
        return family

    def _counter(self, name: str, text: str, value: float) -> Metric:
        family = CounterMetricFamily(name, text, labels=_RUN)
        family.add_metric(self._run, value)
        return family


def _by_labels(items: Iterable[tuple[str, str, _T]]) -> dict[tuple[str, str], list[_T]]:
    """Group by scenario and step: the user's own tags are no labels, so their series add up."""
    grouped: dict[tuple[str, str], list[_T]] = {}
    for scenario, step, item in items:
        grouped.setdefault((scenario, step), []).append(item)
    return grouped


def _add_histogram(
    family: HistogramMetricFamily, labels: Sequence[str], parts: Sequence[PublicHistogram]
) -> None:
    bounds = parts[0].bounds
    counts = [sum(column) for column in zip(*(part.counts for part in parts), strict=True)]
    names = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    cumulative = accumulate(counts)
    family.add_metric(
        labels,
        list(zip(names, map(float, cumulative), strict=True)),
        sum(part.sum for part in parts),
    )


def _slices(family: Metric) -> Iterator[Metric]:
    """Cut a family into pieces of at most SLICE samples."""
    if len(family.samples) <= SLICE:
        yield family
        return
    for start in range(0, len(family.samples), SLICE):
        piece = Metric(family.name, family.documentation, family.type, family.unit)
        piece.samples = family.samples[start : start + SLICE]
        yield piece


def _without_header(text: bytes) -> bytes:
    """Drop HELP and TYPE, which the first piece of the family has."""
    return b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(b"#"))
