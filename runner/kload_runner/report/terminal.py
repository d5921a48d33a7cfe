"""The summary after a run, for a terminal or a log: what came out first, then why, then the numbers.

Rich drops colours by itself where there is no terminal.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kload_runner.report.view import Fact, View

VERDICT_STYLES = {
    "Passed": "bold green",
    "Failed": "bold red",
    "Inconclusive": "bold yellow",
    "Error": "bold red",
    "Cancelled": "bold yellow",
}
WORDS = (
    "",
    "scenario",
    "step",
    "executor",
    "check",
    "where",
    "rule",
    "metric",
    "values",
)  # wrapped, left
NARROW = 100  # columns; below, the least telling numbers are left out rather than torn apart
GAP = "   "  # between facts of a line
MOST_ERRORS = 8  # lines; the HTML report and the result document hold all


def print_summary(view: View, console: Console) -> None:
    """Print the summary of one run."""
    console.print()
    _print_thresholds(view, console)
    _print_steps(view, console)
    _print_scenarios(view, console)
    _print_checks(view, console)
    _print_metrics(view, console)
    _print_errors(view, console)
    _print_headline(view, console)
    _print_verdict(view, console)


def _table(*columns: str) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="dim", padding=(0, 1)
    )
    for column in columns:
        words = column in WORDS
        table.add_column(
            column, justify="left" if words else "right", overflow="fold", no_wrap=not words
        )
    return table


def _print_thresholds(view: View, console: Console) -> None:
    if not view.thresholds:
        return
    table = _table("", "rule", "observed", "samples", "")
    for row in view.thresholds:
        style = {True: "green", False: "red", None: "dim"}[row.holds]
        table.add_row(
            Text(row.mark, style),
            row.rule,
            Text(row.observed, style),
            row.samples,
            Text(row.note, "dim"),
        )
    _section("thresholds", table, console)


def _print_steps(view: View, console: Console) -> None:
    if not view.steps:
        return
    wide = console.width >= NARROW
    columns = ["scenario", "step", "requests", "rate", "failed"]
    table = _table(*columns, *(["p50", "p95", "p99", "max"] if wide else ["p95", "p99"]))
    for row in view.steps:
        failed = Text(row.failed, "red" if row.any_failed else "")
        cells: list[str | Text] = [
            row.scenario,
            row.name,
            row.requests,
            row.rate,
            failed,
        ]
        times = [row.p50, row.p95, row.p99, row.longest] if wide else [row.p95, row.p99]
        table.add_row(*cells, *times)
    _section("requests", table, console)


def _print_scenarios(view: View, console: Console) -> None:
    wide = console.width >= NARROW
    columns = ["VUs", "iterations", "rate", "failed", "dropped", *(["p50"] if wide else []), "p95"]
    table = _table("scenario", *(["executor"] if wide else []), *columns)
    for row in view.scenarios:
        table.add_row(
            row.name,
            *([row.executor] if wide else []),
            row.vus,
            row.iterations,
            row.rate,
            row.failed,
            row.dropped,
            *([row.p50] if wide else []),
            row.p95,
        )
    if view.scenarios:
        _section("iterations", table, console)


def _print_checks(view: View, console: Console) -> None:
    if not view.checks:
        return
    table = _table("", "check", "where", "held", "times", "")
    for row in view.checks:
        style = "green" if row.ok else "red"
        table.add_row(
            Text(row.mark, style),
            row.name,
            row.place,
            Text(row.share, style),
            row.counts,
            Text(row.errors, "dim"),
        )
    _section("checks", table, console)


def _print_metrics(view: View, console: Console) -> None:
    if not view.metrics:
        return
    table = _table("metric", "values")
    for row in (
        view.metrics
    ):  # what it means goes below: beside them it would break the numbers over lines
        meaning = f"\n{row.meaning}" if row.meaning else ""
        table.add_row(row.name, Text.assemble(row.values, (meaning, "dim")))
    _section("metrics", table, console)


def _print_errors(view: View, console: Console) -> None:
    errors = view.errors
    if not errors:
        return
    console.print(Text("errors", "bold"))
    for error in errors[:MOST_ERRORS]:
        console.print(Text.assemble("  ", (error.label, "red"), "  ", error.value), soft_wrap=True)
    if len(errors) > MOST_ERRORS:
        console.print(Text(f"  and {len(errors) - MOST_ERRORS} more kinds, in the report", "dim"))
    console.print()


def _print_headline(view: View, console: Console) -> None:
    for line in _packed(view.headline, console.width, ""):
        console.print(line, soft_wrap=True)
    for line in _packed(view.facts, console.width, "dim"):
        console.print(line, soft_wrap=True)


def _packed(facts: Sequence[Fact], width: int, style: str) -> list[Text]:
    """Return facts in lines, none of them torn apart."""
    lines: list[Text] = []
    for fact in facts:
        text = Text.assemble((f"{fact.label} ", "dim"), (fact.value, style))
        if lines and lines[-1].cell_len + len(GAP) + text.cell_len <= width:
            lines[-1].append(GAP).append(text)
        else:
            lines.append(text)
    return lines


def _print_verdict(view: View, console: Console) -> None:
    console.print()
    for warning in view.warnings:
        console.print(Text(f"! {warning}", "yellow"), soft_wrap=True)
    style = VERDICT_STYLES.get(view.verdict, "bold")
    words = Text.assemble((view.verdict, style), f"  {view.title}  {view.message}")
    console.print(words, soft_wrap=True)


def _section(title: str, table: Table, console: Console) -> None:
    console.print(Text(title, "bold"))
    console.print(table)
    console.print()
