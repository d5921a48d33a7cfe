"""A run as one self-contained HTML page: no scripts, nothing loaded from anywhere, readable in a mail's attachment.

The template (`page.html`) holds the words and the looks, `view` the numbers, `charts` the pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kload_runner.report.charts import Line, chart
from kload_runner.report.view import View
from kload_spec import numbers
from kload_spec.histogram import Histogram
from kload_spec.result import Result, StepResult

MOST_STEP_LINES = 6  # the eye follows no more


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its title and legend."""

    title: str
    legend: tuple[str, ...]
    svg: Markup


def html(views: Sequence[View]) -> str:
    """Write runs as one page, in the order given."""
    environment = Environment(
        loader=PackageLoader("kload_runner.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    environment.trim_blocks = environment.lstrip_blocks = True
    runs = [(view, pictures(view.result)) for view in views]
    return environment.get_template("page.html").render(runs=runs)


def pictures(result: Result) -> list[Picture]:
    """Draw a run's charts; none where it had no load."""
    steps = [step for step in result.load_steps() if step.series.requests]
    if not steps:
        return []
    return [
        _requests(steps, result.interval_s),
        _latency(steps, result.interval_s),
        _vus(result),
        *([_steps(steps, result.interval_s)] if len(steps) > 1 else []),
    ]


def _requests(steps: Sequence[StepResult], interval_s: int) -> Picture:
    sent = _summed([step.series.requests for step in steps], interval_s)
    failed = _summed([step.series.failed for step in steps], interval_s)
    lines = [Line("requests/s", sent), Line("failed/s", failed)]
    return _picture("Requests per second", lines, interval_s, numbers.plain)


def _latency(steps: Sequence[StepResult], interval_s: int) -> Picture:
    points = max(len(step.series.durations) for step in steps)
    by_point = [
        Histogram.merged([step.series.durations_at(point) for step in steps])
        for point in range(points)
    ]
    columns = [histogram.quantiles((0.5, 0.95, 0.99)) for histogram in by_point]
    lines = [
        Line(label, [column[k] for column in columns])
        for k, label in enumerate(("p50", "p95", "p99"))
    ]
    return _picture("Response time", lines, interval_s, _milliseconds)


def _vus(result: Result) -> Picture:
    lines = [Line(scenario.name, scenario.series.vus) for scenario in result.scenarios]
    return _picture("VUs", lines[:MOST_STEP_LINES], result.interval_s, numbers.count, whole=True)


def _steps(steps: Sequence[StepResult], interval_s: int) -> Picture:
    busiest = sorted(steps, key=lambda step: -step.requests)[:MOST_STEP_LINES]
    lines = [
        Line(
            f"{step.scenario}/{step.name}",
            [
                step.series.durations_at(point).quantile(0.95)
                for point in range(len(step.series.durations))
            ],
        )
        for step in busiest
    ]
    return _picture("p95 by step", lines, interval_s, _milliseconds)


def _picture(
    title: str,
    lines: Sequence[Line],
    interval_s: float,
    write: Callable[[float], str],
    *,
    whole: bool = False,
) -> Picture:
    svg = Markup(chart(lines, interval_s, write, title, whole=whole))
    return Picture(title, tuple(line.label for line in lines), svg)


def _summed(columns: Sequence[Sequence[int]], interval_s: int) -> list[float | None]:
    length = max(map(len, columns))
    return [
        sum(column[k] for column in columns if k < len(column)) / interval_s for k in range(length)
    ]


def _milliseconds(value_s: float) -> str:
    return numbers.milliseconds(value_s * 1000) if value_s else "0"
