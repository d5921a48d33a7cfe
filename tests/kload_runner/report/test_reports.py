"""Every form of a report says the same, and keeps what users wrote from becoming markup."""

from __future__ import annotations

import io
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from kload_runner.report.charts import Line, chart, scale
from kload_runner.report.html import html
from kload_runner.report.junit import junit
from kload_runner.report.markdown import markdown
from kload_runner.report.terminal import print_summary
from kload_runner.report.view import View
from kload_spec.result import Result
from kload_spec.verdicts import Judgement, Reason, Verdict

# What must be found in every form, whatever it looks like.
SAID = (
    "ticket-purchase",
    "Failed",
    "http_req_failed{scenario:purchase}",
    "create-checkout-session",
    "99 %",
    "12,600/min",
    "1 %  (9 of 900)",
    "tickets bought",
)


def terminal(result: Result) -> str:
    out = io.StringIO()
    print_summary(View(result), Console(file=out, width=140))
    return out.getvalue()


def test_terminal_html_and_markdown_say_the_same(result: Result) -> None:
    for text in (terminal(result), html([View(result)]), markdown(View(result))):
        for part in SAID:
            assert part in text


def test_a_broken_threshold_stands_first(result: Result) -> None:
    assert [row.holds for row in View(result).thresholds] == [False, True]


def test_html_is_one_page_that_loads_nothing(result: Result) -> None:
    page = html([View(result)])
    assert "<script" not in page
    assert "src=" not in page
    assert "href=" not in page
    assert "a &lt;b&gt; &amp; c" in page
    assert page.count("<svg") == 3


def test_a_page_holds_several_runs(result: Result) -> None:
    assert html([View(result), View(result)]).count("<article>") == 2


def test_markdown_keeps_markup_and_bars_in_their_cells(result: Result) -> None:
    check = result.checks[0].model_copy(update={"name": "a|b\n<script>"})
    text = markdown(View(result.model_copy(update={"checks": [check]})))
    assert "| a\\|b &lt;script> |" in text


def test_junit_has_a_case_for_the_verdict_and_each_threshold(result: Result) -> None:
    suite = ElementTree.fromstring(junit([View(result)])).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "2", "0")
    assert suite.get("timestamp") == "2026-01-02T03:04:05+00:00"


@pytest.mark.parametrize(
    ("verdict", "kind"),
    [
        (Verdict.FAILED, "failure"),
        (Verdict.INCONCLUSIVE, "error"),
        (Verdict.ERROR, "error"),
        (Verdict.CANCELLED, "error"),
    ],
)
def test_no_verdict_but_passed_is_green_in_junit(
    result: Result, verdict: Verdict, kind: str
) -> None:
    judged = result.model_copy(update={"verdict": Judgement(verdict, Reason.NO_SAMPLES, "why")})
    case = ElementTree.fromstring(junit([View(judged)])).find("testsuite/testcase[@name='verdict']")
    assert case is not None
    assert case.find(kind) is not None


def test_a_run_that_was_never_judged_is_not_green(result: Result) -> None:
    unjudged = View(result.model_copy(update={"verdict": None}))
    assert not unjudged.passed
    assert 'errors="1"' in junit([unjudged])


def test_control_characters_do_not_break_the_xml(result: Result) -> None:
    judged = result.model_copy(
        update={"verdict": Judgement(Verdict.ERROR, Reason.ENGINE_ERROR, "bad \x00 byte")}
    )
    assert ElementTree.fromstring(junit([View(judged)])) is not None


def test_an_empty_run_can_be_shown(result: Result) -> None:
    empty = Result(run=result.run)
    assert "Unjudged" in terminal(empty)
    assert "<svg" not in html([View(empty)])
    assert "ticket-purchase" in markdown(View(empty))


@pytest.mark.parametrize(
    ("most", "whole", "ends"),
    [
        (0, False, (1, 1)),
        (0.7, False, (0.8, 4)),
        (1, False, (1, 5)),
        (1, True, (1, 1)),
        (3, True, (3, 3)),
        (12, True, (15, 3)),
        (37, False, (40, 4)),
        (100, False, (100, 5)),
        (213, False, (250, 5)),
        (1001, True, (1250, 5)),
    ],
)
def test_a_scale_has_round_parts(most: float, whole: bool, ends: tuple[float, int]) -> None:
    top, parts = scale(most, whole=whole)
    assert (round(top, 9), parts) == ends


@settings(max_examples=200)
@given(st.floats(1e-9, 1e12), st.booleans())
def test_a_scale_holds_what_it_shows(most: float, whole: bool) -> None:
    top, parts = scale(most, whole=whole)
    assert most <= top * (1 + 1e-6)
    assert 1 <= parts <= 5
    assert not whole or (top / parts) % 1 == 0


def test_a_gap_in_a_series_is_a_gap_in_the_line() -> None:
    svg = chart([Line("p95", [1.0, None, 2.0, 3.0])], 1, str, "p95")
    path = svg.split('class="line line-0" d="')[1].split('"')[0]
    assert path.count("M") == 2
    assert "h0.1" in path  # the lone point is visible
