"""Queries are robust by their form, so their form is fixed here."""

from __future__ import annotations

import re

import pytest

from kload_operator import promql

QUERIES = promql.RunQueries("u-1", {"cluster": "c"}, 30.0)
LATEST = 'last_over_time({}{{cluster="c",run_uid="u-1"}}[90s])'


def test_totals_of_thresholds() -> None:
    assert QUERIES.totals(promql.GOOD) == (
        "sum by (threshold) (max by (threshold, runner) ("
        + LATEST.format("kload_threshold_good_total")
        + "))"
    )


def test_the_gate_counts_runners_and_their_series() -> None:
    assert QUERIES.runners() == f"count(max by (runner) ({LATEST.format('kload_runner_info')}))"
    assert QUERIES.coverage(promql.SUM) == (
        "count by (threshold) (max by (threshold, runner) ("
        + LATEST.format("kload_threshold_sum")
        + "))"
    )


def test_requests_are_summed_over_our_own_labels() -> None:
    assert QUERIES.requests() == (
        "sum(max by (runner, scenario, step, method, status) ("
        + LATEST.format("kload_http_reqs_total")
        + "))"
    )


@pytest.mark.parametrize(
    "query",
    [QUERIES.runners(), QUERIES.finished(), QUERIES.totals(promql.SAMPLES), QUERIES.requests()],
)
def test_no_query_relies_on_rates_or_on_labels_of_others(query: str) -> None:
    assert not re.search(r"\b(rate|increase|pod|instance|job|namespace)\b", query)
    assert "max by (" in query, "replicas and double scrapes must count once"
    assert 'run_uid="u-1"' in query


def test_a_label_cannot_break_out_of_its_quotes() -> None:
    queries = promql.RunQueries('x"} or up{a="', {}, 0)
    assert 'run_uid="x\\"} or up{a=\\""' in queries.runners()


@pytest.mark.parametrize(("window_s", "text"), [(-5, "[60s]"), (0.2, "[61s]"), (3600, "[3660s]")])
def test_the_window_covers_the_whole_run(window_s: float, text: str) -> None:
    assert text in promql.RunQueries("u", {}, window_s).runners()
