"""From numbers to a verdict: thresholds judged, what went wrong outside them heard."""

from __future__ import annotations

import pytest
from results import IDENTITY, histogram, runner_result

from kload_spec.metrics import BUILTIN
from kload_spec.result import (
    AnswerCount,
    Circumstances,
    ErrorResult,
    Result,
    RunIdentity,
    StepResult,
    ThresholdResult,
    conclude,
    merge,
)
from kload_spec.thresholds import Tally, parse_threshold, tally_sorted
from kload_spec.verdicts import Fault, Reason, Verdict


def test_a_conclusion_judges_the_merged_numbers() -> None:
    result = conclude(merge([runner_result(1), runner_result(2)]))
    assert result.verdict is not None
    assert result.verdict.verdict is Verdict.FAILED
    assert not result.passed
    assert result.message.startswith("Failed (ThresholdBroken): http_req_duration p(95)<5s is ")
    (threshold,) = result.thresholds
    assert threshold.held is False
    assert threshold.observed is not None
    assert threshold.observed >= 5.0
    assert threshold.key == "http_req_duration"
    assert threshold.shown.endswith(" s")


def test_numbers_of_prometheus_take_the_documents_place() -> None:
    result = runner_result(1)
    name = result.thresholds[0].definition.id
    seen = conclude(result, Circumstances(tallies={name: Tally(20, 20, 40.0)}))
    assert seen.passed, seen.message
    partial = conclude(
        result, Circumstances(tallies={name: Tally(19, 19, 40.0)}, missing={name: 1})
    )
    assert partial.verdict is not None
    assert partial.verdict.reason is Reason.INCOMPLETE_DATA


def test_what_went_wrong_outside_the_numbers_is_heard() -> None:
    lost = conclude(
        runner_result(1), Circumstances(faults=(Fault(Reason.RUNNER_LOST, "runner 1 is gone"),))
    )
    assert lost.verdict is not None
    assert (lost.verdict.verdict, lost.verdict.warnings) == (Verdict.ERROR, ("watch out",))


@pytest.mark.parametrize(("quick", "verdict"), [(False, Verdict.FAILED), (True, Verdict.PASSED)])
def test_a_quick_run_shows_counts_and_does_not_judge_them(quick: bool, verdict: Verdict) -> None:
    counted = parse_threshold("http_reqs", "count>=1000", BUILTIN)
    result = Result(
        run=RunIdentity(name="x", quick=quick),
        steps=[StepResult(scenario="a", name="b", requests=3)],
        thresholds=[ThresholdResult(definition=counted, good=3, samples=3, sum=3.0)],
    )
    concluded = conclude(result)
    assert concluded.verdict is not None
    assert concluded.verdict.verdict is verdict
    assert (concluded.thresholds[0].observed, concluded.thresholds[0].judged) == (3.0, not quick)


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        pytest.param("p(95)<9s", 4.0, id="percentile"),
        pytest.param("p(75)<9s", 3.0, id="percentile-at-a-rank"),
        pytest.param("p(75.1)<9s", 4.0, id="percentile-above-a-rank"),
        pytest.param("med<9s", 2.0, id="median"),
        pytest.param("min<9s", 1.0, id="minimum"),
        pytest.param("max<9s", 4.0, id="maximum"),
        pytest.param("avg<9s", 2.5, id="average"),
    ],
)
def test_every_aggregation_has_a_value_to_show(text: str, observed: float) -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    threshold = parse_threshold("http_req_duration", text, BUILTIN)
    tally = tally_sorted(threshold, values)
    item = ThresholdResult(
        definition=threshold,
        good=tally.good,
        samples=tally.samples,
        sum=tally.sum,
        histogram=histogram(values),
    )
    concluded = conclude(Result(run=IDENTITY, thresholds=[item]))
    assert concluded.thresholds[0].observed == pytest.approx(observed, rel=0.0087)
    assert concluded.thresholds[0].outcome.held is True


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        pytest.param(
            {"connect": 5, "timeout": 2},
            "no answer to any of the 7 requests: GET /: refused (5 times)",
            id="none",
        ),
        pytest.param({"connect": 5, "": 2}, "none of the 7 requests was answered as", id="some"),
    ],
)
def test_a_target_that_answered_nothing_is_told_with_its_most_frequent_error(
    answers: dict[str, int], says: str
) -> None:
    steps = [
        StepResult(
            scenario="s",
            name="get",
            requests=7,
            failed=7,
            answers=[
                AnswerCount(method="GET", status=0 if e else 500, expected=False, error=e, count=n)
                for e, n in answers.items()
            ],
        )
    ]
    errors = [
        ErrorResult(scenario="s", step="get", kind="request", message=error, count=n, sample=text)
        for error, n, text in (("connect", 5, "GET /: refused"), ("timeout", 2, "GET /: late"))
    ]
    result = conclude(Result(run=IDENTITY, steps=steps, errors=errors))
    assert result.verdict is not None
    assert result.verdict.reason is Reason.NOTHING_SUCCEEDED
    assert result.verdict.message.startswith(says)
