"""Threshold text: what is accepted, and what is answered to everything else."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.thresholds import (
    Aggregation,
    Comparison,
    Threshold,
    ThresholdError,
    assert_threshold,
    iterations_failed_threshold,
    parse_threshold,
)

METRICS = {
    **BUILTIN,
    "checkout_duration": MetricDefinition("checkout_duration", MetricType.TREND, Unit.TIME),
    "payload": MetricDefinition("payload", MetricType.TREND, Unit.BYTES),
    "rows": MetricDefinition("rows", MetricType.TREND),
    "queue": MetricDefinition("queue", MetricType.GAUGE),
    "events": MetricDefinition("events", MetricType.COUNTER, per_s=60.0),
}


def parsed(key: str, text: str) -> Threshold:
    return parse_threshold(key, text, METRICS)


@pytest.mark.parametrize(
    ("key", "text", "aggregation", "op", "bound"),
    [
        pytest.param("http_req_duration", "p(95)<500ms", "p", "<", 0.5, id="milliseconds"),
        pytest.param(
            "http_req_duration", "p(95)<500", "p", "<", 0.5, id="plain-numbers-are-milliseconds"
        ),
        pytest.param("http_req_duration", " p( 99.9 ) <= 1 s ", "p", "<=", 1.0, id="spaces"),
        pytest.param("http_req_duration", "avg<0.1ms", "avg", "<", 0.0001, id="rounded-once"),
        pytest.param("http_req_duration", "med<5e2", "med", "<", 0.5, id="exponent"),
        pytest.param("http_req_duration", "max<1m", "max", "<", 60.0, id="minutes"),
        pytest.param("http_req_waiting", "min>=250us", "min", ">=", 0.00025, id="microseconds"),
        pytest.param("checkout_duration", "p(95)<500", "p", "<", 0.5, id="custom-time"),
        pytest.param("http_req_failed", "rate<1%", "rate", "<", 0.01, id="percent"),
        pytest.param("http_req_failed", "rate<0.01", "rate", "<", 0.01, id="share"),
        pytest.param("checks", "rate===1", "rate", "==", 1.0, id="three-equals-signs"),
        pytest.param("http_reqs", "count>=100", "count", ">=", 100.0, id="count"),
        pytest.param("http_reqs", "rate>50", "rate", ">", 50.0, id="counter-rate"),
        pytest.param("data_received", "count<1MiB", "count", "<", 1048576.0, id="bytes"),
        pytest.param("payload", "max<=2kB", "max", "<=", 2000.0, id="custom-bytes"),
        pytest.param("rows", "min>=-5", "min", ">=", -5.0, id="signed"),
        pytest.param("rows", "avg!=0", "avg", "!=", 0.0, id="unequal"),
    ],
)
def test_an_expression_is_read(
    key: str, text: str, aggregation: str, op: str, bound: float
) -> None:
    threshold = parsed(key, text)
    assert (threshold.aggregation, threshold.op, threshold.bound) == (
        Aggregation(aggregation),
        Comparison(op),
        bound,
    )
    assert threshold.text == text.strip()


@pytest.mark.parametrize(
    ("text", "abort", "after_s"),
    [
        pytest.param("rate<1%", False, 0.0, id="none"),
        pytest.param("rate<1% abort", True, 0.0, id="at-once"),
        pytest.param("rate<1% abort after 10s", True, 10.0, id="after"),
        pytest.param("rate<1%  abort  after 1.5 m", True, 90.0, id="spaces"),
        pytest.param("rate<1% abort after 500ms", True, 0.5, id="milliseconds"),
    ],
)
def test_abort_is_read(text: str, abort: bool, after_s: float) -> None:
    threshold = parsed("http_req_failed", text)
    assert (threshold.abort, threshold.abort_after_s) == (abort, after_s)


@pytest.mark.parametrize(
    ("key", "selector"),
    [
        pytest.param("checks", (), id="all"),
        pytest.param("checks{scenario:purchase}", (("scenario", "purchase"),), id="one"),
        pytest.param("checks{step:x,scenario:a}", (("scenario", "a"), ("step", "x")), id="sorted"),
        pytest.param(
            "checks{ check : \"under 500 ms\" , step:'x' }",
            (("check", "under 500 ms"), ("step", "x")),
            id="trimmed",
        ),
        pytest.param(
            "checks{url:http://x/a}", (("url", "http://x/a"),), id="first-colon-separates"
        ),
    ],
)
def test_a_selector_is_read_as_k6_reads_it(key: str, selector: tuple[tuple[str, str], ...]) -> None:
    assert parsed(key, "rate>95%").selector == selector


@pytest.mark.parametrize(
    ("key", "text", "says"),
    [
        pytest.param("http_req_duration", "p95<500", "write p(95)<500", id="p95"),
        pytest.param("http_req_duration", "p(95)<500 && avg<200", 'write a list: ["p(95)<500", "avg<200"]', id="and"),
        pytest.param("http_req_duration", "p(95)<500 or avg<200", "each must hold", id="or"),
        pytest.param("http_req_duration", "p(95)=500", "write p(95)==500", id="single-equals"),
        pytest.param("http_req_duration", "p(95)=<500", "write <= instead of =<", id="swapped"),
        pytest.param("http_req_duration", "500ms>p(95)", "write p(95)<500ms", id="reversed"),
        pytest.param("http_req_duration", "<500", "write e.g. p(95)<500", id="no-aggregation"),
        pytest.param("http_req_duration", "mean<500", "write avg<500", id="mean"),
        pytest.param("http_req_duration", "percentile(95)<500", "write p(95)<500", id="percentile"),
        pytest.param("http_req_duration", "stddev<500", "there are avg, min, med, max", id="stddev"),
        pytest.param("http_req_duration", "value<500", "gauges are for graphs", id="value"),
        pytest.param("http_req_duration", "p(0.95)<500", "write p(95)", id="share-as-percentile"),
        pytest.param("http_req_duration", "p(101)<500", "outside 0 to 100", id="percentile-range"),
        pytest.param("http_req_duration", "p(95)<5%", "'%' is no unit of http_req_duration", id="percent-of-time"),
        pytest.param("http_req_duration", "p(95)<5 min", "its units: ns us", id="unknown-unit"),
        pytest.param("http_req_duration", "count<5", "http_reqs count", id="count-of-a-trend"),
        pytest.param("http_req_duration", "rate<5", "it has avg, min, med, max, p(95)", id="rate-of-a-trend"),
        pytest.param("http_req_duration", "p(95)<1e999", "too large", id="overflow"),
        pytest.param("http_req_duration", "fast please", "write e.g. p(95)<500ms", id="prose"),
        pytest.param("http_req_duration", "", "write e.g. p(95)<500ms", id="empty"),
        pytest.param("http_req_failed", "rate<5", "Write 5% if you mean percent", id="percent-forgotten"),
        pytest.param("http_req_failed", "rate<5ms", "write rate<1%", id="time-of-a-share"),
        pytest.param("http_req_failed", "rate<-1%", "from 0 to 1", id="negative-share"),
        pytest.param("http_req_failed", "count<5", "http_req_failed is a rate and has no count", id="count-of-a-rate"),
        pytest.param("http_req_failed", "rate<1% abortOnFail", "followed by 'abort'", id="abort-on-fail"),
        pytest.param("http_req_failed", "rate<1% abort after 10", "write abort after 10s", id="no-unit"),
        pytest.param("http_req_failed", "rate<1% abort after 10x", "is no duration", id="odd-unit"),
        pytest.param("http_reqs", "count>=1,000", "1000", id="separators"),
        pytest.param("http_reqs", "count>=100 abort", "leave `abort` out", id="abort-until-reached"),
        pytest.param("http_reqs", "p(95)<5", "http_reqs is a counter and has no p()", id="percentile-of-a-counter"),
        pytest.param("rows", "max<5ms", "none: a plain number", id="unit-of-a-plain-number"),
        pytest.param("queue", "max<5", "'queue' is a gauge", id="gauge"),
        pytest.param("vus", "value>1", "'vus' is a gauge", id="built-in-gauge"),
        pytest.param("group_duration", "avg<1", "there are no groups", id="group"),
        pytest.param("ws_connecting", "avg<1", "HTTP/1.1 only", id="websocket"),
        pytest.param("my_trend", "avg<1", "spec.metrics, e.g. {my_trend: {type: trend}}", id="own"),
        pytest.param("http_req_durations", "avg<1", "did you mean 'http_req_duration'", id="did-you-mean"),
        pytest.param("zzz", "avg<1", "there is checkout_duration, checks", id="no-such-metric"),
        pytest.param("checks{}", "rate==1", "not tag:value", id="empty-selector"),
        pytest.param("checks{check:}", "rate==1", "selects an empty tag", id="empty-value"),
        pytest.param("checks{check=x}", "rate==1", "write 'check:x'", id="equals-in-selector"),
        pytest.param("checks{!check:x}", "rate==1", "only equality", id="negation"),
        pytest.param("checks{check!:x}", "rate==1", "only equality", id="negation-behind"),
        pytest.param("checks{check:a,b}", "rate==1", "a comma always separates", id="comma"),
        pytest.param("checks{check:x", "rate==1", "no closing brace", id="unclosed"),
        pytest.param("checks check:x}", "rate==1", "never opened", id="unopened"),
        pytest.param("checks{check:x,check:y}", "rate==1", "twice", id="repeated"),
        pytest.param("{check:x}", "rate==1", "names no metric", id="nameless"),
    ],
)  # fmt: skip
def test_a_mistake_is_answered_with_what_to_write(key: str, text: str, says: str) -> None:
    with pytest.raises(ThresholdError) as caught:
        parsed(key, text)
    assert says in str(caught.value)


TAGS = {"scenario": ["purchase", "scanner"], "step": ["scan", "buy"], "check": None, "team": ["a"]}


@pytest.mark.parametrize(
    "key",
    [
        "http_req_failed{scenario:purchase,step:buy}", "http_req_failed{scenario:setup}", "checks{check:anything}",
        "http_req_failed{team:a}", "http_req_failed{status:503}", "iterations_failed{scenario:scanner}",
    ],
)  # fmt: skip
def test_known_tags_are_accepted(key: str) -> None:
    assert parse_threshold(key, "rate<1%", METRICS, TAGS).selector


@pytest.mark.parametrize(
    ("key", "says"),
    [
        pytest.param(
            "http_req_failed{scenario:purchse}", "did you mean 'purchase'?", id="scenario"
        ),
        pytest.param("http_req_failed{name:buy}", "kload calls it step", id="k6-name"),
        pytest.param("http_req_failed{scenari:purchase}", "did you mean 'scenario'?", id="tag"),
        pytest.param(
            "iterations_failed{step:buy}",
            "iterations_failed has no tag 'step'",
            id="not-of-this-metric",
        ),
        pytest.param("http_req_failed{team:b}", "there is a", id="own-tag"),
    ],
)
def test_unknown_tags_are_refused_with_a_suggestion(key: str, says: str) -> None:
    with pytest.raises(ThresholdError) as caught:
        parse_threshold(key, "rate<1%", METRICS, TAGS)
    assert says in str(caught.value)


@given(st.integers(1, 10**7).map(lambda hundredths: hundredths / 100))
def test_a_bound_in_milliseconds_is_the_very_value_that_is_recorded(milliseconds: float) -> None:
    rule = parse_threshold("http_req_duration", f"max<={milliseconds!r}ms", BUILTIN)
    assert rule.bound == milliseconds / 1000.0


def test_the_id_is_about_what_is_judged_and_not_how_it_is_written() -> None:
    ids = {
        parsed("http_req_duration{step:a,scenario:b}", "p(95)<500ms").id,
        parsed("http_req_duration{scenario:b, step:a}", "p(95.0) < 0.5s abort").id,
        parsed("http_req_duration{scenario: b,step:'a'}", "p(95)<500").id,
    }
    assert len(ids) == 1
    assert ids.pop().startswith("http_req_duration-")
    others = {
        parsed("http_req_duration", text).id
        for text in ("p(95)<500", "p(95)<=500", "p(9)<500", "max<500")
    }
    assert len(others) == 4


def test_asserts_and_failed_iterations_have_thresholds_nobody_writes() -> None:
    threshold = assert_threshold("no oversell")
    assert (threshold.key, threshold.text) == ("checks{check:no oversell}", "rate==1")
    assert (threshold.implicit, threshold.always) == (True, True)
    failed = iterations_failed_threshold()
    assert (failed.key, failed.text, failed.implicit, failed.always) == (
        "iterations_failed",
        "rate<1%",
        True,
        False,
    )


@settings(max_examples=150)
@given(
    st.sampled_from(sorted(METRICS)),
    st.text(alphabet="pavgmindx(9.5)<>=!&|% sabort after10ms,'\"{}:", max_size=30),
)
def test_any_text_gives_a_threshold_or_a_sentence(metric: str, text: str) -> None:
    for key, expression in ((metric, text), (f"{metric}{{{text}}}", "rate<1%")):
        with suppress(ThresholdError):
            assert parsed(key, expression).metric == metric
