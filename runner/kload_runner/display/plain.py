"""The progress of a run as plain lines, for pipes, logs and CI: one line now and then, nothing redrawn, no colours."""

from __future__ import annotations

from collections.abc import Callable

from kload_runner.display.live import PHASES
from kload_runner.snapshots import RunPhase, RunSnapshot
from kload_spec import numbers

LINES_PER_RUN = 30  # a long run must not fill a CI log
SHORTEST_PAUSE_S = 2.0


class PlainDisplay:
    """Prints a line when the phase changes, and about LINES_PER_RUN more over the run."""

    def __init__(self, title: str, write: Callable[[str], None]) -> None:
        self._title = title
        self._write = write
        self._phase: RunPhase | None = None
        self._next_s = 0.0

    def __enter__(self) -> PlainDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, snapshot: RunSnapshot) -> None:
        """Print a line if it is time for one."""
        if snapshot.phase is RunPhase.FINISHED:
            return
        if snapshot.phase is not self._phase:
            self._phase = snapshot.phase
            self._next_s = snapshot.elapsed_s
        if snapshot.elapsed_s >= self._next_s:
            self._next_s = snapshot.elapsed_s + max(
                SHORTEST_PAUSE_S, snapshot.planned_s / LINES_PER_RUN
            )
            self._write(line(self._title, snapshot))

    def log(self, line: str) -> None:
        """Print a line of the test's own."""
        self._write(line)


def line(title: str, snapshot: RunSnapshot) -> str:
    """Write one moment of a run as a line."""
    if snapshot.phase not in (RunPhase.RUNNING, RunPhase.STOPPING):
        return f"{title}: {PHASES[snapshot.phase]}"
    broken = sum(threshold.holds is False for threshold in snapshot.thresholds)
    parts = [
        f"{title}: {numbers.progress(snapshot.progress)} after {numbers.clock(snapshot.elapsed_s)}",
        f"{numbers.count(snapshot.vus)} VUs",
        f"{numbers.count(snapshot.requests)} requests",
        numbers.rate(snapshot.requests_per_s),
        f"failed {numbers.share(snapshot.failed_share)}",
        f"p95 {numbers.milliseconds(snapshot.p95_ms)}",
    ]
    if snapshot.dropped:
        parts.append(f"{numbers.count(snapshot.dropped)} dropped")
    if broken:
        parts.append(f"{broken} threshold{'s' if broken > 1 else ''} broken")
    return ", ".join(parts)
