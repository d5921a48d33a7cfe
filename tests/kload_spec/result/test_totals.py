"""Totals by metric and headline numbers: of the load alone."""

from __future__ import annotations

from results import IDENTITY, full_result

from kload_spec.result import (
    Result,
    conclude,
    totals,
)


def test_totals_speak_of_the_load_alone() -> None:
    found = totals(full_result())
    assert found["http_reqs"] == {"count": 10.0, "rate": 1.0}
    assert found["http_req_failed"] == {"passes": 2.0, "fails": 8.0, "count": 10.0, "rate": 0.2}
    assert found["http_req_duration"]["max"] == 3.0
    assert found["http_req_duration"]["avg"] == 2.0
    assert found["http_req_response_time"]["count"] == 1.0
    assert found["http_req_waiting"]["sum"] == 1.0
    assert found["checks"]["rate"] == 0.75
    assert found["iterations"]["count"] == 10.0
    assert found["dropped_iterations"]["count"] == 2.0
    assert found["events"] == {"count": 21.0, "rate": 126.0}
    assert found["ok"]["rate"] == 0.75
    assert found["depth"] == {"value": 7.0, "count": 2.0}
    assert found["size"]["med"] == 2.0
    assert found["only_setup"] == {"count": 0.0}


def test_the_summary_holds_the_headline_numbers() -> None:
    summary = conclude(full_result()).summary
    assert (summary.requests, summary.failed, summary.requests_per_s) == (10, 2, 1.0)
    assert (summary.p95_ms, summary.max_ms) == (3000.0, 3000.0)
    assert (summary.checks_passed, summary.checks_failed, summary.dropped) == (3, 1, 2)
    assert conclude(Result(run=IDENTITY)).summary.p95_ms is None
