"""The live picture of a run on a terminal: progress per scenario, rate, errors, latency, thresholds as they stand.

Draws one snapshot at a time with rich; keeps no numbers of its own.
"""

from __future__ import annotations

from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kload_runner.snapshots import (
    RunPhase,
    RunSnapshot,
    ScenarioPhase,
    ScenarioSnapshot,
    ThresholdSnapshot,
)
from kload_spec import numbers

PHASES = {
    RunPhase.IDLE: "getting ready",
    RunPhase.PROBING: "waiting for the target",
    RunPhase.SETUP: "setup",
    RunPhase.ARMED: "about to start",
    RunPhase.RUNNING: "running",
    RunPhase.STOPPING: "letting iterations finish",
    RunPhase.TEARDOWN: "teardown",
    RunPhase.FINISHED: "finished",
}


class LiveDisplay:
    """Shows a run in place on a terminal; a context manager that leaves the last picture standing."""

    def __init__(self, console: Console, title: str) -> None:
        self._title = title
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._live.stop()

    def show(self, snapshot: RunSnapshot) -> None:
        """Draw one moment of the run."""
        self._live.update(picture(self._title, snapshot), refresh=True)

    def log(self, line: str) -> None:
        """Print a line above the picture."""
        self._live.console.print(Text(line, style="dim"))


def picture(title: str, snapshot: RunSnapshot) -> RenderableType:
    """Compose the picture of one moment."""
    parts: list[RenderableType] = [
        _headline(title, snapshot),
        _scenarios(snapshot),
        _numbers(snapshot),
    ]
    # What nobody wrote is shown only when it goes wrong.
    shown = tuple(item for item in snapshot.thresholds if not item.implicit or item.holds is False)
    if shown:
        parts.append(_thresholds(shown))
    parts += [Text(f"  ! {warning}", style="yellow") for warning in snapshot.warnings]
    return Group(*parts)


def _headline(title: str, snapshot: RunSnapshot) -> Text:
    fleet = "" if snapshot.runners == 1 else f" · {snapshot.runners} runners"
    time = f"{numbers.clock(snapshot.elapsed_s)} of at most {numbers.clock(snapshot.planned_s)}"
    return Text.assemble((title, "bold"), f"{fleet} · {PHASES[snapshot.phase]} · ", (time, "dim"))


def _scenarios(snapshot: RunSnapshot) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    for scenario in snapshot.scenarios:
        bar = ProgressBar(total=1.0, completed=scenario.progress, width=24)
        dropped = f"{numbers.count(scenario.dropped)} dropped" if scenario.dropped else ""
        table.add_row(
            f"  {scenario.name}",
            bar,
            f"{numbers.progress(scenario.progress):>5}",
            _load_of(scenario, snapshot.phase),
            f"{numbers.count(scenario.iterations)} iterations",
            Text(dropped, style="yellow"),
        )
    return table


def _load_of(scenario: ScenarioSnapshot, phase: RunPhase) -> str:
    if scenario.phase is ScenarioPhase.WAITING:
        return "waits for its startTime" if phase is RunPhase.RUNNING else ""
    if scenario.phase is ScenarioPhase.FINISHED:
        return "done"
    return f"{numbers.count(scenario.vus)} of {numbers.count(scenario.planned_vus)} VUs"


def _numbers(snapshot: RunSnapshot) -> Text:
    failed_style = "red" if snapshot.failed else ""
    checks = snapshot.checks_passed + snapshot.checks_failed
    parts: list[str | tuple[str, str]] = [
        f"  {numbers.count(snapshot.requests)} requests  ",
        (numbers.rate(snapshot.requests_per_s), "bold"),
        "  failed ",
        (numbers.share(snapshot.failed_share), failed_style),
        f"  p50 {numbers.milliseconds(snapshot.p50_ms)}  p95 ",
        (numbers.milliseconds(snapshot.p95_ms), "bold"),
        f"  p99 {numbers.milliseconds(snapshot.p99_ms)}",
    ]
    if checks:
        parts.append(f"  checks {numbers.share(snapshot.checks_passed / checks)}")
    if snapshot.iterations_failed:
        parts.append((f"  {numbers.count(snapshot.iterations_failed)} iterations failed", "red"))
    return Text.assemble(*parts)


def _thresholds(thresholds: tuple[ThresholdSnapshot, ...]) -> Table:
    table = Table.grid(padding=(0, 2))
    for threshold in thresholds:
        mark, style = mark_of(threshold.holds)
        table.add_row(
            Text(f"  {mark}", style=style),
            f"{threshold.metric} {threshold.expression}",
            Text(threshold.shown, style=style),
        )
    return table


def mark_of(holds: bool | None) -> tuple[str, str]:
    """Return the sign and colour for a threshold that holds, is broken, or has no samples."""
    match holds:
        case True:
            return "✓", "green"
        case False:
            return "✗", "red"
        case None:
            return "·", "dim"
