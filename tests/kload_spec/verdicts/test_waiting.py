"""A target that leaves some users waiting for ever does not pass for lack of their samples."""

from __future__ import annotations

import pytest

from kload_spec.histogram import Histogram
from kload_spec.metrics import BUILTIN
from kload_spec.result import (
    Result,
    RunIdentity,
    ScenarioResult,
    StepResult,
    ThresholdResult,
    conclude,
)
from kload_spec.thresholds import assert_threshold, parse_threshold
from kload_spec.verdicts import Verdict


def histogram(*values: float) -> Histogram:
    found = Histogram()
    for value in values:
        found.record(value)
    return found


def verdict(key: str, text: str, *, good: int, cut_off: Histogram | None) -> Verdict:
    """Judge a rule over 100 requests of scenario `buy`."""
    rule = ThresholdResult(
        definition=parse_threshold(key, text, BUILTIN), good=good, samples=100, sum=10.0
    )
    result = Result(
        run=RunIdentity(name="x"),
        scenarios=[ScenarioResult(name="buy", iterations=100, cut_off=cut_off)],
        steps=[StepResult(scenario="buy", name="a", requests=100, duration=histogram(0.1, 2.0))],
        thresholds=[rule],
    )
    judgement = conclude(result).verdict
    assert judgement is not None
    return judgement.verdict


HUNG = histogram(*[30.0] * 9)


@pytest.mark.parametrize(
    ("key", "text", "good"),
    [
        ("http_req_duration", "p(95)<500ms", 100),
        ("http_req_duration", "max<5s", 100),
        ("http_req_duration", "avg<500ms", 100),
        ("http_req_failed", "rate<1%", 0),
        ("http_req_failed", "rate==0", 0),
        ("http_req_failed{scenario:buy}", "rate<1%", 0),
        ("checks", "rate>95%", 100),
        ("iterations_failed", "rate<1%", 0),
    ],
)
def test_what_would_break_with_those_that_still_wait_is_unknown(
    key: str, text: str, good: int
) -> None:
    assert verdict(key, text, good=good, cut_off=None) is Verdict.PASSED
    assert verdict(key, text, good=good, cut_off=HUNG) is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("key", "text", "good", "cut_off"),
    [
        pytest.param("http_req_failed", "rate<10%", 0, HUNG, id="holds-even-then"),
        pytest.param("http_req_duration", "med<500ms", 100, HUNG, id="median"),
        pytest.param("http_req_failed", "rate<1%", 0, histogram(0.9), id="just-sent"),
        pytest.param("http_req_failed", "rate<1%", 0, histogram(1.9), id="no-longer-than-others"),
        pytest.param("http_req_failed{scenario:x}", "rate<1%", 0, HUNG, id="another-scenario"),
        pytest.param("http_reqs", "count<500", 0, HUNG, id="a-count"),
    ],
)
def test_what_holds_either_way_passes(key: str, text: str, good: int, cut_off: Histogram) -> None:
    assert verdict(key, text, good=good, cut_off=cut_off) is Verdict.PASSED


def test_what_is_broken_is_broken() -> None:
    assert verdict("http_req_failed", "rate<1%", good=5, cut_off=HUNG) is Verdict.FAILED


def test_an_assert_is_about_answers() -> None:
    rule = ThresholdResult(definition=assert_threshold("up"), good=100, samples=100, sum=100.0)
    result = Result(
        run=RunIdentity(name="x"),
        scenarios=[ScenarioResult(name="buy", iterations=100, cut_off=HUNG)],
        thresholds=[rule],
    )
    assert conclude(result).passed
