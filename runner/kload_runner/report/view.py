"""What a report says, before it has a form: rows of text that terminal, HTML and Markdown share.

All numbers become text here, once, so that no two forms can differ in a digit. Reads a `Result`, judges nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kload_runner.display.live import mark_of
from kload_spec import numbers
from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricType, Unit
from kload_spec.result import MetricResult, Result, StepResult, ThresholdResult, totals
from kload_spec.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """A threshold and how it came out. `holds` is None where it was only shown, or had no samples."""

    mark: str
    holds: bool | None
    rule: str
    observed: str
    samples: str
    note: str


@dataclass(frozen=True, slots=True)
class StepRow:
    """The requests of one step."""

    scenario: str
    name: str
    requests: str
    rate: str
    failed: str
    any_failed: bool
    p50: str
    p95: str
    p99: str
    longest: str
    answers: str


@dataclass(frozen=True, slots=True)
class ScenarioRow:
    """The iterations of one scenario."""

    name: str
    executor: str
    vus: str
    iterations: str
    rate: str
    failed: str
    dropped: str
    p50: str
    p95: str


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check or assert; `share` is how often it held."""

    mark: str
    ok: bool
    name: str
    place: str
    share: str
    counts: str
    errors: str


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One custom metric over all steps that recorded it. `meaning` is the manifest's description."""

    name: str
    kind: str
    values: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A label and a value."""

    label: str
    value: str


class View:
    """Everything a report shows of one result."""

    def __init__(self, result: Result) -> None:
        self.result = result

    @property
    def title(self) -> str:
        """The LoadTest's name, with its namespace in a cluster."""
        run = self.result.run
        return f"{run.namespace}/{run.name}" if run.namespace else run.name

    @property
    def verdict(self) -> str:
        """The verdict in one word; a document that was never judged says so."""
        return str(self.result.verdict.verdict) if self.result.verdict else "Unjudged"

    @property
    def passed(self) -> bool:
        """Whether the verdict is Passed."""
        return self.result.verdict is not None and self.result.verdict.verdict is Verdict.PASSED

    @property
    def reason(self) -> str:
        """Why, in one word."""
        return str(self.result.verdict.reason) if self.result.verdict else ""

    @property
    def message(self) -> str:
        """Why, in a sentence."""
        return (
            self.result.verdict.message if self.result.verdict else "this document holds no verdict"
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not change the verdict but should be known."""
        return self.result.verdict.warnings if self.result.verdict else ()

    @cached_property
    def facts(self) -> list[Fact]:
        """The circumstances: target, time, load, generator."""
        result = self.result
        facts = [Fact("target", result.target or "-")]
        if result.started_at:
            facts.append(Fact("started", f"{result.started_at:%Y-%m-%d %H:%M:%S} UTC"))
        facts.append(Fact("load lasted", numbers.milliseconds(result.duration_s * 1000)))
        if result.measured_from_s:
            facts.append(Fact("measured after", numbers.clock(result.measured_from_s)))
        if result.run.params:
            facts.append(
                Fact("params", ", ".join(f"{k}={v}" for k, v in sorted(result.run.params.items())))
            )
        if result.run.seed is not None:
            facts.append(Fact("seed", str(result.run.seed)))
        runners = len(result.runners)
        facts.append(Fact("runners", str(runners or 1)))
        health = result.health
        lag = numbers.milliseconds(health.loop_lag_p99_s * 1000)
        cpu = numbers.progress(health.cpu_share)
        facts.append(Fact("generator", f"{cpu} of a core, loop lag p99 {lag}"))
        return facts

    @cached_property
    def headline(self) -> list[Fact]:
        """The few numbers everybody looks at first."""
        summary = self.result.summary
        facts = [
            Fact(
                "requests",
                f"{numbers.count(summary.requests)}  {numbers.rate(summary.requests_per_s)}",
            ),
            Fact(
                "failed",
                f"{numbers.share(summary.failed_share)}  ({numbers.count(summary.failed)})",
            ),
            Fact("p50", numbers.milliseconds(summary.p50_ms)),
            Fact("p95", numbers.milliseconds(summary.p95_ms)),
            Fact("p99", numbers.milliseconds(summary.p99_ms)),
            Fact("max", numbers.milliseconds(summary.max_ms)),
        ]
        checks = summary.checks_passed + summary.checks_failed
        if checks:
            facts.append(
                Fact(
                    "checks",
                    f"{numbers.share(summary.checks_passed / checks)} of {numbers.count(checks)}",
                )
            )
        facts.append(Fact("iterations", numbers.count(summary.iterations)))
        if summary.dropped:
            facts.append(Fact("dropped", numbers.count(summary.dropped)))
        facts.append(
            Fact(
                "data",
                f"{numbers.size(summary.data_sent)} sent, "
                f"{numbers.size(summary.data_received)} received",
            )
        )
        return facts

    @cached_property
    def thresholds(self) -> list[ThresholdRow]:
        """All thresholds: the broken ones first, then the manifest's order."""
        rows = [
            _threshold_row(threshold)
            for threshold in self.result.thresholds
            if _worth_showing(threshold)
        ]
        return sorted(rows, key=lambda row: row.holds is not False)

    @cached_property
    def steps(self) -> list[StepRow]:
        """Requests by step."""
        return [
            self._step_row(step)
            for step in self.result.steps
            if step.requests or step.warmup_requests
        ]

    @cached_property
    def scenarios(self) -> list[ScenarioRow]:
        """Iterations by scenario."""
        rows = []
        for scenario in self.result.scenarios:
            rate = scenario.iterations / self.result.measured_s if self.result.measured_s else 0.0
            rows.append(
                ScenarioRow(
                    name=scenario.name,
                    executor=scenario.executor,
                    vus=numbers.count(scenario.vus_max),
                    iterations=numbers.count(scenario.iterations),
                    rate=numbers.rate(rate),
                    failed=numbers.count(scenario.failed) if scenario.failed else "-",
                    dropped=numbers.count(scenario.dropped) if scenario.dropped else "-",
                    p50=_quantile(scenario.duration, 0.5),
                    p95=_quantile(scenario.duration, 0.95),
                )
            )
        return rows

    @cached_property
    def checks(self) -> list[CheckRow]:
        """Checks and asserts."""
        rows = []
        for check in self.result.checks:
            total = check.passes + check.fails
            mark, _ = mark_of(check.fails == 0 if total else None)
            rows.append(
                CheckRow(
                    mark=mark,
                    ok=check.fails == 0,
                    name=check.name,
                    place=f"{check.scenario}/{check.step}"
                    + (" (assert)" if check.is_assert else ""),
                    share=numbers.share(check.passes / total) if total else "no samples",
                    counts=f"{numbers.count(check.passes)} of {numbers.count(total)}",
                    errors="; ".join(
                        f"{cause} ({numbers.count(n)})" for cause, n in check.errors.items()
                    ),
                )
            )
        return rows

    @cached_property
    def metrics(self) -> list[MetricRow]:
        """Custom metrics, each over all steps."""
        stats = totals(self.result)
        first = {metric.name: metric for metric in reversed(self.result.metrics)}
        return [
            MetricRow(
                name, str(metric.type), _metric_values(metric, stats[name]), metric.description
            )
            for name, metric in sorted(first.items())
        ]

    @property
    def errors(self) -> list[Fact]:
        """What went wrong, most frequent first: where and how often, then the message with a sample."""
        ordered = sorted(self.result.errors, key=lambda error: -error.count)
        return [
            Fact(
                f"{numbers.count(error.count)} × {error.kind} {error.scenario}/{error.step}".rstrip(
                    "/"
                ),
                error.message + (f" — e.g. {error.sample}" if error.sample else ""),
            )
            for error in ordered
        ]

    def _step_row(self, step: StepResult) -> StepRow:
        rate = step.requests / self.result.measured_s if self.result.measured_s else 0.0
        p50, p95, p99, longest = step.duration.quantiles((0.5, 0.95, 0.99, 1.0))
        outside = step.scenario in OUTSIDE_THE_LOAD
        return StepRow(
            scenario=step.scenario,
            name=step.name,
            requests=numbers.count(step.requests),
            rate="-" if outside else numbers.rate(rate),
            failed=numbers.share(step.failed / step.requests) if step.requests else "-",
            any_failed=step.failed > 0,
            p50=_seconds(p50),
            p95=_seconds(p95),
            p99=_seconds(p99),
            longest=_seconds(longest),
            answers=", ".join(
                f"{answer.error or answer.status} × {numbers.count(answer.count)}"
                for answer in sorted(step.answers, key=lambda answer: -answer.count)
            ),
        )


def _threshold_row(threshold: ThresholdResult) -> ThresholdRow:
    notes = []
    if not threshold.judged:
        notes.append("shown, not judged in a quick run")
    if threshold.aborted:
        notes.append("stopped the run")
    if threshold.definition.implicit:
        notes.append("implicit")
    holds = threshold.held if threshold.judged else None
    return ThresholdRow(
        mark=mark_of(holds)[0],
        holds=holds,
        rule=f"{threshold.key} {threshold.definition.text}",
        observed=threshold.shown,
        samples=numbers.count(threshold.samples),
        note=", ".join(notes),
    )


def _worth_showing(threshold: ThresholdResult) -> bool:
    """An implicit rule that held says nothing; asserts are shown as checks too."""
    return not (threshold.definition.implicit and threshold.held)


def _metric_values(metric: MetricResult, stats: dict[str, float]) -> str:
    match metric.type:
        case MetricType.COUNTER:
            rate = _rate(stats["rate"], metric)
            return f"{_number(stats['count'], metric.unit)}  ({rate})"
        case MetricType.RATE:
            if "rate" not in stats:
                return "no samples"
            counts = f"{numbers.count(stats['passes'])} of {numbers.count(stats['count'])}"
            return f"{numbers.share(stats['rate'])}  ({counts})"
        case MetricType.TREND:
            if not stats["count"]:
                return "no samples"
            shown = (("avg", "avg"), ("p50", "med"), ("p95", "p95"), ("p99", "p99"), ("max", "max"))
            return "  ".join(f"{label} {_number(stats[key], metric.unit)}" for label, key in shown)
        case MetricType.GAUGE:
            return _number(stats["value"], metric.unit)


def _rate(value: float, metric: MetricResult) -> str:
    if metric.unit is Unit.NONE:
        return numbers.rate_figure(value, per_s=metric.per_s).text
    return f"{_number(value, metric.unit)}{numbers.per(metric.per_s)}"


def _number(value: float, unit: Unit) -> str:
    match unit:
        case Unit.TIME:
            return numbers.milliseconds(value * 1000)
        case Unit.BYTES:
            return numbers.size(value)
        case Unit.NONE:
            return numbers.plain(value)


def _seconds(value: float | None) -> str:
    return numbers.milliseconds(None if value is None else value * 1000)


def _quantile(histogram: Histogram, q: float) -> str:
    return _seconds(histogram.quantile(q))
