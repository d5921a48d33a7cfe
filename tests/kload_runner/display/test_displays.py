"""What a run looks like while it runs, on a terminal and in a log."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from kload_runner.display.live import LiveDisplay, picture
from kload_runner.display.plain import LINES_PER_RUN, PlainDisplay
from kload_runner.snapshots import (
    RunPhase,
    RunSnapshot,
    ScenarioPhase,
    ScenarioSnapshot,
    ThresholdSnapshot,
)

SCENARIO = ScenarioSnapshot(
    name="purchase",
    executor="ramping-vus",
    phase=ScenarioPhase.RUNNING,
    elapsed_s=30,
    planned_s=120,
    planned_iterations=None,
    vus=40,
    planned_vus=100,
    iterations=1234,
    dropped=0,
)
MOMENT = RunSnapshot(
    phase=RunPhase.RUNNING,
    elapsed_s=30,
    planned_s=150,
    runners=1,
    vus=40,
    requests=1240,
    requests_per_s=41.5,
    failed=2,
    p50_ms=12.0,
    p95_ms=48.2,
    p99_ms=120.0,
    checks_passed=2470,
    checks_failed=10,
    iterations=1234,
    iterations_failed=0,
    dropped=0,
    scenarios=(SCENARIO,),
    thresholds=(
        ThresholdSnapshot("a", "http_req_duration", "p(95)<500ms", 0.0482, "48.2ms", 1240, True),
        ThresholdSnapshot("b", "http_req_failed", "rate<0.1%", 0.0016, "0.16%", 1240, False),
        ThresholdSnapshot("c", "checks{check:never}", "rate==1", None, "no samples", 0, None),
    ),
)


def drawn(snapshot: RunSnapshot) -> str:
    out = io.StringIO()
    Console(file=out, width=110).print(picture("tickets", snapshot))
    return out.getvalue()


def test_the_picture_shows_progress_rate_errors_latency_and_thresholds() -> None:
    text = drawn(MOMENT)
    for part in (
        "tickets",
        "30 s of at most 2 m 30 s",
        "purchase",
        "25 %",
        "40 of 100 VUs",
        "41.5/s",
        "0.16 %",
        "48.2 ms",
    ):
        assert part in text
    assert "✓  http_req_duration p(95)<500ms" in text
    assert "✗  http_req_failed rate<0.1%" in text
    assert "no samples" in text


def test_a_waiting_scenario_and_a_warning_are_named() -> None:
    waiting = replace(SCENARIO, phase=ScenarioPhase.WAITING, elapsed_s=0)
    text = drawn(replace(MOMENT, scenarios=(waiting,), warnings=("the core is busy",)))
    assert "waits for its startTime" in text
    assert "startTime" not in drawn(replace(MOMENT, scenarios=(waiting,), phase=RunPhase.SETUP))
    assert "! the core is busy" in text


def test_the_live_display_leaves_log_lines_behind_and_takes_its_picture_away() -> None:
    out = io.StringIO()
    console = Console(file=out, width=100, force_terminal=True)
    with LiveDisplay(console, "tickets") as display:
        display.show(MOMENT)
        display.log("VU 3: status 500")
    assert "VU 3: status 500" in out.getvalue()


def test_a_log_gets_few_lines_however_long_the_run_is() -> None:
    lines: list[str] = []
    with PlainDisplay("tickets", lines.append) as display:
        display.show(replace(MOMENT, phase=RunPhase.SETUP, elapsed_s=0))
        for second in range(3600):
            display.show(replace(MOMENT, elapsed_s=second, planned_s=3600))
        display.show(replace(MOMENT, phase=RunPhase.FINISHED, elapsed_s=3600))
    assert lines[0] == "tickets: setup"
    assert len(lines) <= LINES_PER_RUN + 3
    assert (
        "40 VUs, 1,240 requests, 41.5/s, failed 0.16 %, p95 48.2 ms, 1 threshold broken" in lines[1]
    )
