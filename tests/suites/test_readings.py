"""What somebody who reads a suite's report finds there: right to the unit, and side by side."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

import kload_runner
from examples.targets.serving import Options, running_in_thread
from examples.targets.tickets import SHOP
from kload_runner.report.html import html
from kload_runner.report.markdown import markdown
from kload_runner.report.terminal import print_summary
from kload_runner.report.view import View
from kload_spec.result import Result, totals

TICKETS = Path(__file__).parents[2] / "examples" / "tickets"


def reports(result: Result) -> tuple[str, ...]:
    """Return the report in every form that is read."""
    terminal = io.StringIO()
    print_summary(View(result), Console(file=terminal, width=140))
    return terminal.getvalue(), html([View(result)]), markdown(View(result))


def test_webhooks_processed_and_duplicates_detected_equal_the_database(tmp_path: Path) -> None:
    database = tmp_path / "shop.db"
    load = {"peak": "4", "rampUp": "50ms", "hold": "100ms", "rampDown": "50ms", "pause": "5ms"}
    with running_in_thread(SHOP, Options(database=f"sqlite:{database}", seed_size=0)) as shop:
        result = kload_runner.run(
            TICKETS / "webhook-load.yaml",
            patches=[TICKETS / "shared" / "shop.yaml"],
            target=shop.url,
            env=dict(SHOP.environment),
            params={**load, "duplicatesAt": "200ms", "duplicateVUs": "5", "duplicatesEach": "3"},
        )
    assert result.passed, result.message
    with closing(sqlite3.connect(database)) as books:
        query = (
            "SELECT count(*), coalesce(sum(deliveries), 0), coalesce(sum(processed), 0)"
            " FROM webhook_events WHERE id LIKE ?"
        )
        unique = books.execute(query, ("evt_loadtest_%",)).fetchone()
        repeated = books.execute(query, ("evt_duplicate_test_%",)).fetchone()
        (tickets,) = books.execute("SELECT count(*) FROM tickets").fetchone()
    found = totals(result)
    processed = found["webhooks_processed"]["count"]
    assert processed > 0
    assert unique == (processed, processed, processed)
    events, deliveries, taken = repeated
    assert deliveries == found["duplicates_detected"]["count"] == 15
    assert deliveries - events == found["duplicates_detected"]["passes"]
    assert taken == events
    assert tickets == processed + events
    said = f"({deliveries - events} of {deliveries})"
    assert all(said in report for report in reports(result))


@pytest.mark.parametrize("suite", ["payments-platform"])
def test_the_ingestion_report_speaks_in_events_per_minute(target: Any, suite: str) -> None:
    params = {"users": "4", "rampUp": "10ms", "runTime": "300ms", "tries": "60", "poll": "10ms"}
    result: Result = target.run("event-ingestion-user", params, least=4)
    found = totals(result)["events_ingested"]
    assert found["count"] == result.summary.requests * 7
    assert found["rate"] == pytest.approx(found["count"] / result.measured_s * 60)
    (row,) = (row for row in View(result).metrics if row.name == "events_ingested")
    assert row.values.endswith("/min)")
    assert all(row.values in report for report in reports(result))


@pytest.mark.parametrize("suite", ["usage-billing"])
def test_the_auth_report_has_authorised_and_baseline_side_by_side(target: Any, suite: str) -> None:
    params = {"vus": "2", "duration": "150ms", "compare": "true"}
    result: Result = target.run("api-key-auth-perf", params, least=16)
    rows = [row for row in View(result).steps if row.scenario != "setup"]
    assert [row.scenario for row in rows] == ["authorised", "baseline"]
    assert all(row.p50.endswith(" ms") and row.p95.endswith(" ms") for row in rows)
    assert [row.answers.partition(" ")[0] for row in rows] == ["200", "401"]
    names = [row.name for row in View(result).metrics]
    assert names == ["authorised_duration", "baseline_duration"]
