"""A run as Markdown, for a pull request's comment or a CI job's page (GITHUB_STEP_SUMMARY)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kload_runner.report.view import View

SIGNS = {"Passed": "✅", "Failed": "❌", "Inconclusive": "❔", "Error": "💥", "Cancelled": "⏹️"}


def markdown(view: View) -> str:
    """Write one run as Markdown."""
    parts = [
        f"## {SIGNS.get(view.verdict, '')} {_cell(view.title)}: {view.verdict}",
        _cell(view.message),
        *(f"> ⚠️ {_cell(warning)}" for warning in view.warnings),
        _table(
            ("", "threshold", "observed", "samples"),
            ((row.mark, _Code(row.rule), row.observed, row.samples) for row in view.thresholds),
        ),
        _table(
            ("scenario", "step", "requests", "rate", "failed", "p50", "p95", "p99", "max"),
            (
                (r.scenario, r.name, r.requests, r.rate, r.failed, r.p50, r.p95, r.p99, r.longest)
                for r in view.steps
            ),
        ),
        _table(
            ("", "check", "where", "held", "times"),
            ((row.mark, row.name, row.place, row.share, row.counts) for row in view.checks),
        ),
        _table(
            ("metric", "values", ""), ((row.name, row.values, row.meaning) for row in view.metrics)
        ),
        _table(("errors", "message"), ((fact.label, fact.value) for fact in view.errors)),
        " · ".join(f"{fact.label} {_cell(fact.value)}" for fact in view.facts),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


class _Code(str):
    """Text to be set as code, where markup has no meaning."""

    __slots__ = ()


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines])


def _cell(text: str) -> str:
    """Keep a value from breaking out of its cell: bars, line ends and markup are the reader's only in our own words."""
    flat = text.replace("|", "\\|").replace("\r", " ").replace("\n", " ")
    if isinstance(text, _Code):
        return "`" + flat.replace("`", "'") + "`"
    return flat.replace("<", "&lt;")
