"""The /metrics page: names, labels, values, and that making it does not stall the load."""

from __future__ import annotations

import asyncio
import math
import re

import pytest
from exchanges import answered, failed
from prometheus_client.parser import text_string_to_metric_families

from kload_runner.executors.base import DropCause
from kload_runner.metrics import Recorder
from kload_runner.metrics.exposition import Exposition, RunLabels
from kload_runner.wire import ErrorClass
from kload_spec.health import Health
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType, Unit
from kload_spec.thresholds import parse_threshold

DEFINITIONS = [
    MetricDefinition("checkout", MetricType.TREND, Unit.TIME),
    MetricDefinition("events", MetricType.COUNTER),
    MetricDefinition("errors", MetricType.RATE),
    MetricDefinition("depth", MetricType.GAUGE),
]
LABELS = RunLabels("uid-1", "tickets", "0")
Sample = tuple[str, frozenset[tuple[str, str]]]


def page_of(exposition: Exposition) -> dict[Sample, float]:
    """Parse a page with Prometheus' own parser."""
    text = exposition.render().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(page: dict[Sample, float], name: str, **labels: str) -> float:
    """Return the one sample with these labels besides those of the run."""
    run = {"run_uid": "uid-1", "loadtest": "tickets", "runner": "0"}
    return page[name, frozenset({**run, **labels}.items())]


def plan(steps: int = 1) -> Recorder:
    thresholds = [
        parse_threshold(key, text, BUILTIN)
        for key, text in (
            ("http_req_duration", "p(95)<500ms"),
            ("http_req_response_time", "avg<1s"),
        )
    ]
    recorder = Recorder(DEFINITIONS, thresholds)
    recorder.scenario("buy", "constant-arrival-rate", open_loop=True)
    for number in range(steps):
        step = recorder.step("buy", f"step-{number}")
        step.foresee("GET", 200)
        step.check("ok")
        for definition in DEFINITIONS:
            recorder.metric(definition.name, "buy", f"step-{number}")
    return recorder


def test_every_series_exists_at_zero_before_the_load() -> None:
    page = page_of(Exposition(plan(), LABELS, version="1.2.3"))
    assert value(page, "kload_runner_info", version="1.2.3") == 1
    assert value(page, "kload_runner_finished") == 0
    others = {name: number for (name, _), number in page.items() if name != "kload_runner_info"}
    assert set(others.values()) == {0.0}
    assert {
        "kload_http_reqs_total", "kload_http_req_duration_seconds_bucket", "kload_http_req_response_time_seconds_count",
        "kload_threshold_good_total", "kload_threshold_samples_total", "kload_threshold_sum", "kload_checks_total",
        "kload_iterations_total", "kload_dropped_iterations_total", "kload_vus", "kload_checkout_seconds_sum",
        "kload_events_total", "kload_errors_total", "kload_errors_samples_total", "kload_depth",
        "kload_http_req_waiting_seconds_sum", "kload_data_sent_bytes_total", "kload_runner_late_starts_total",
    } <= set(others)  # fmt: skip
    assert not any(name.endswith("_created") for name in others)


def test_a_page_says_what_was_recorded() -> None:
    recorder = plan()
    step = recorder.step("buy", "step-0")
    for duration in (0.02, 0.2, 2.0):
        step.exchange(answered(duration), True)
    step.exchange(answered(0.2, 503), False)
    step.exchange(failed(ErrorClass.CONNECT), False)
    step.check("ok").record(True)
    step.check("ok").record(False)
    for name, number in (("checkout", 250), ("events", 7), ("errors", True), ("depth", 3)):
        recorder.metric(name, "buy", "step-0").add(number)
    scenario = recorder.scenario("buy")
    scenario.iteration(1.0, failed=True)
    scenario.dropped(2, DropCause.NO_IDLE_VU)
    scenario.vus_changed(5)
    exposition = Exposition(
        recorder, LABELS, health=lambda: Health(loop_lag_p99_s=0.25, cpu_seconds=1.5)
    )
    exposition.finished = True
    page = page_of(exposition)
    at = {"scenario": "buy", "step": "step-0"}
    assert value(page, "kload_http_reqs_total", **at, method="GET", status="200") == 3
    assert value(page, "kload_http_reqs_total", **at, method="GET", status="503") == 1
    assert value(page, "kload_http_req_failed_total", **at) == 2
    assert value(page, "kload_http_req_errors_total", **at, error="connect") == 1
    assert value(page, "kload_checks_total", **at, check="ok", result="fail") == 1
    assert value(page, "kload_http_req_duration_seconds_count", **at) == 4
    assert value(page, "kload_http_req_duration_seconds_sum", **at) == pytest.approx(2.42)
    assert value(page, "kload_http_req_duration_seconds_bucket", **at, le="0.25") == 3
    assert value(page, "kload_http_req_duration_seconds_bucket", **at, le="+Inf") == 4
    assert value(page, "kload_http_req_waiting_seconds_sum", **at) == pytest.approx(0.6 * 2.42)
    assert value(page, "kload_http_req_response_time_seconds_bucket", **at, le="60") == 4
    assert value(page, "kload_http_req_response_time_seconds_count", **at) == 7
    assert value(page, "kload_data_received_bytes_total", **at) == 4000
    assert value(page, "kload_checkout_seconds_sum", **at) == 0.25
    assert value(page, "kload_events_total", **at) == 7
    assert (
        value(page, "kload_errors_total", **at),
        value(page, "kload_errors_samples_total", **at),
    ) == (1, 1)
    assert value(page, "kload_depth", **at) == 3
    assert value(page, "kload_iterations_total", scenario="buy") == 1
    assert value(page, "kload_iterations_failed_total", scenario="buy") == 1
    assert value(page, "kload_dropped_iterations_total", scenario="buy", cause="no-idle-vu") == 2
    assert value(page, "kload_vus", scenario="buy") == 5
    assert value(page, "kload_runner_loop_lag_seconds", stat="p99") == 0.25
    assert value(page, "kload_runner_cpu_seconds_total") == 1.5
    assert value(page, "kload_runner_finished") == 1
    duration, response = recorder.registry.thresholds
    assert value(page, "kload_threshold_good_total", threshold=duration.id) == 3
    assert value(page, "kload_threshold_samples_total", threshold=duration.id) == 4
    assert (
        value(page, "kload_threshold_sum", threshold=duration.id)
        == recorder.thresholds()[duration.id].sum
    )
    assert value(page, "kload_threshold_sum", threshold=response.id) == math.inf


def test_the_users_own_tags_add_up_to_one_series() -> None:
    recorder = plan()
    recorder.step("buy", "step-0", tags={"kind": "slow"}).exchange(answered(), True)
    recorder.step("buy", "step-0").exchange(answered(), True)
    page = page_of(Exposition(recorder, LABELS))
    assert (
        value(
            page, "kload_http_reqs_total", scenario="buy", step="step-0", method="GET", status="200"
        )
        == 2
    )


def test_a_page_includes_the_warm_up_and_thresholds_do_not() -> None:
    recorder = plan()
    recorder.step("buy", "step-0").exchange(answered(), True)
    recorder.begin_measuring()
    recorder.step("buy", "step-0").exchange(answered(), True)
    page = page_of(Exposition(recorder, LABELS))
    assert value(page, "kload_http_req_duration_seconds_count", scenario="buy", step="step-0") == 2
    assert (
        value(page, "kload_threshold_samples_total", threshold=recorder.registry.thresholds[0].id)
        == 1
    )


async def test_a_sliced_page_is_the_same_page() -> None:
    recorder = plan(30)
    for step in recorder.steps.values():
        step.exchange(answered(0.1), True)
    exposition = Exposition(recorder, LABELS)
    whole = exposition.render()
    assert await exposition.render_sliced() == whole
    headers = re.findall(rb"^# TYPE (\S+)", whole, re.MULTILINE)
    assert len(headers) == len(set(headers))


async def test_making_a_large_page_gives_way_to_the_load_many_times() -> None:
    exposition = Exposition(plan(50), LABELS)
    turns = 0
    done = False

    async def load() -> None:
        nonlocal turns
        while not done:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(load())
    page = await exposition.render_sliced()
    done = True
    await other
    # A turn at least for every 60 lines: none of the pieces is large.
    assert turns > page.count(b"\n") / 60
