"""The recorder: what is counted where, exactly, for any mix of answers and selectors."""

from __future__ import annotations

import math
import random

import pytest
from exchanges import REQUEST, answered, failed
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.executors.base import DropCause
from kload_runner.metrics import Recorder, StepRecorder
from kload_runner.metrics.answers import ROWS
from kload_runner.metrics.recorder import MAX_ERRORS, MAX_STEPS, OTHER_STEPS
from kload_runner.metrics.steps import MAX_ANSWERS
from kload_runner.metrics.trends import BATCH
from kload_runner.wire import ErrorClass, build_request
from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType
from kload_spec.thresholds import (
    Tally,
    Threshold,
    assert_threshold,
    iterations_failed_threshold,
    parse_threshold,
    tally_sorted,
)


def rule(key: str, text: str) -> Threshold:
    return parse_threshold(key, text, BUILTIN)


def recorder_with(*rules: tuple[str, str]) -> tuple[Recorder, list[Threshold]]:
    thresholds = [rule(key, text) for key, text in rules]
    return Recorder((), thresholds), thresholds


def buying(recorder: Recorder, *, open_loop: bool = False) -> StepRecorder:
    recorder.scenario("buy", "constant-vus", open_loop=open_loop)
    return recorder.step("buy", "pay")


def tallies(recorder: Recorder, thresholds: list[Threshold]) -> list[Tally]:
    found = recorder.thresholds()
    return [found[threshold.id] for threshold in thresholds]


# -- requests --------------------------------------------------------------------------------------


def test_every_exchange_is_counted_once() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    for _ in range(3 * ROWS + 5):
        step.exchange(answered(), True)
    step.exchange(answered(status=500), False)
    step.exchange(answered(fresh=True), True)
    live = recorder.live()
    assert (live.requests, live.failed) == (3 * ROWS + 7, 1)
    assert live.durations.count == 3 * ROWS + 7
    assert step.data == (100 * live.requests, 1000 * live.requests)


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.integers(1, 900), st.sampled_from([200, 201, 500]), st.booleans()),
        max_size=200,
    ),
    st.integers(0, 10**6),
)
def test_thresholds_count_exactly_what_their_selectors_select(
    sent: list[tuple[int, int, bool]], seed: int
) -> None:
    recorder, thresholds = recorder_with(
        ("http_req_duration", "p(95)<0.5s"),
        ("http_req_duration{status:500}", "max<0.5s"),
        ("http_req_duration{expected_response:true}", "avg<0.5s"),
        ("http_req_waiting{scenario:buy}", "p(50)<=0.3s"),
        ("http_req_duration{step:other}", "p(95)<0.5s"),
    )
    step = buying(recorder)
    draw = random.Random(seed)
    for milliseconds, status, fresh in sent:
        step.exchange(answered(milliseconds / 1000, status, fresh=fresh), status != 500)
        if draw.random() < 0.05:
            recorder.thresholds()
    selected = [
        [ms / 1000 for ms, _, _ in sent],
        [ms / 1000 for ms, status, _ in sent if status == 500],
        [ms / 1000 for ms, status, _ in sent if status != 500],
        [0.6 * (ms / 1000) for ms, _, _ in sent],
        [],
    ]
    for threshold, values, found in zip(
        thresholds, selected, tallies(recorder, thresholds), strict=True
    ):
        expected = tally_sorted(threshold, sorted(values))
        assert (found.good, found.samples) == (expected.good, expected.samples)
        assert found.sum == pytest.approx(expected.sum)


def test_requests_and_failures_are_counted_by_their_tags() -> None:
    recorder, thresholds = recorder_with(
        ("http_reqs", "count<1"),
        ("http_reqs{status:500}", "count==0"),
        ("http_req_failed", "rate<1%"),
        ("http_req_failed{method:POST}", "rate<1%"),
        ("http_req_failed{error:connect}", "rate<1%"),
        ("http_reqs{status:404}", "count==0"),
        ("data_received{step:pay}", "count<1MB"),
        ("data_sent", "count<1MB"),
    )
    step = buying(recorder)
    post = build_request("POST", "http://127.0.0.1/things")
    step.exchange(answered(), True)
    step.exchange(answered(status=500, request=post), False)
    step.exchange(failed(ErrorClass.CONNECT), False)
    recorder.iteration("buy", 0.2)
    assert tallies(recorder, thresholds) == [
        Tally(3, 3, 3.0),
        Tally(1, 1, 1.0),
        Tally(2, 3, 2.0),
        Tally(1, 1, 1.0),
        Tally(1, 1, 1.0),
        Tally(0, 1, 0.0),
        Tally(2000, 1, 2000.0),
        Tally(200, 1, 200.0),
    ]


def test_a_counter_that_stayed_at_zero_had_its_occasions_once_iterations_ended() -> None:
    recorder, thresholds = recorder_with(
        ("dropped_iterations", "count==0"), ("http_reqs{scenario:sell}", "count<5")
    )
    buying(recorder)
    recorder.scenario("sell", "constant-vus")
    assert tallies(recorder, thresholds) == [Tally(), Tally()]
    recorder.iteration("buy", 1.0)
    assert tallies(recorder, thresholds) == [Tally(0, 1, 0.0), Tally()]
    recorder.scenario("sell").interrupted()
    assert tallies(recorder, thresholds) == [Tally(0, 2, 0.0), Tally(0, 1, 0.0)]


def test_a_refused_connection_has_no_duration_and_a_timeout_has() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    step.exchange(failed(ErrorClass.CONNECT), False)
    step.exchange(failed(ErrorClass.TIMEOUT, duration=2.0, written=True), False)
    live = recorder.live()
    assert (live.requests, live.failed) == (2, 2)
    assert (live.durations.count, live.durations.maximum) == (1, 2.0)
    assert step.phases["blocked"].total.count == 2
    assert step.phases["waiting"].total.count == 1


def test_our_own_exhaustion_is_not_the_targets_failure() -> None:
    recorder, thresholds = recorder_with(("http_req_failed", "rate<1%"))
    step = buying(recorder)
    step.exchange(failed(ErrorClass.LOCAL, "no free port"), False)
    assert recorder.live().requests == 0
    assert tallies(recorder, thresholds) == [Tally()]
    assert recorder.health().local_errors == 1


def test_redirect_hops_are_requests_of_their_own() -> None:
    recorder, thresholds = recorder_with(
        ("http_reqs{status:302}", "count<5"), ("http_req_response_time", "p(50)<1s")
    )
    step = buying(recorder, open_loop=True)
    hop = answered(0.2, 302, started_at=1.0)
    step.exchange(answered(0.1, started_at=1.2, redirects=(hop,)), True)
    assert recorder.live().requests == 2
    assert recorder.live().failed == 0
    counted, timed = tallies(recorder, thresholds)
    assert counted.sum == 1.0
    assert (timed.samples, timed.sum) == (1, pytest.approx(0.3))


def test_a_new_connection_is_part_of_blocked_as_in_k6() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    step.exchange(answered(fresh=True), True)
    step.exchange(answered(), True)
    recorder.roll()
    blocked, connecting = step.phases["blocked"].total, step.phases["connecting"].total
    assert (blocked.count, blocked.zeros, blocked.maximum) == (2, 1, pytest.approx(0.003))
    assert (connecting.count, connecting.zeros, connecting.maximum) == (2, 1, pytest.approx(0.001))


def test_response_time_begins_at_the_intended_start() -> None:
    recorder, thresholds = recorder_with(("http_req_response_time", "max<10s"))
    step = buying(recorder, open_loop=True)
    step.exchange(answered(0.1, started_at=7.0), True, 5.0)  # two seconds late
    step.exchange(answered(0.1, started_at=8.0), True)  # sent when the VU was ready
    step.exchange(answered(0.1, started_at=9.0, fresh=True), True, 9.0)  # connecting included
    (found,) = tallies(recorder, thresholds)
    assert found.sum == pytest.approx(2.1 + 0.1 + 0.103)
    assert found.good == 3


def test_dropped_iterations_and_missing_answers_are_above_every_bound() -> None:
    recorder, thresholds = recorder_with(("http_req_response_time", "p(50)<10h"))
    step = buying(recorder, open_loop=True)
    step.exchange(answered(), True)
    step.exchange(failed(ErrorClass.RESET, written=True, duration=0.001), False)
    recorder.dropped("buy", 2, DropCause.NO_IDLE_VU)
    assert tallies(recorder, thresholds) == [Tally(1, 4, math.inf)]
    assert recorder.estimate(thresholds[0], 0.9) == math.inf
    assert (recorder.health().dropped_by_target, recorder.health().arrivals) == (2, 2)


def test_a_closed_loop_has_no_response_time() -> None:
    recorder, thresholds = recorder_with(("http_req_response_time", "p(50)<10h"))
    step = buying(recorder)
    step.exchange(answered(), True)
    recorder.dropped("buy", 3, DropCause.MAX_DURATION)
    assert tallies(recorder, thresholds) == [Tally()]
    assert step.response_time is None
    assert recorder.live().dropped == 3
    assert recorder.health().arrivals == 0


def test_a_target_that_invents_statuses_does_not_fill_the_memory() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    for status in range(200, 1000):
        step.exchange(answered(status=status), True)
    assert recorder.live().requests == 800
    assert len(step.kinds()) <= MAX_ANSWERS + 8


def test_of_many_statuses_those_that_a_rule_names_are_told_apart() -> None:
    recorder, thresholds = recorder_with(
        ("http_reqs{status:500}", "count==0"), ("http_reqs{status:599}", "count==0")
    )
    step = buying(recorder)
    for status in range(400, 600):
        step.exchange(answered(status=status), True)
    assert [tally.good for tally in tallies(recorder, thresholds)] == [1, 1]
    assert sum(kind.measured for kind in step.kinds()) == 200


def test_large_batches_are_worked_off_while_they_come() -> None:
    recorder, thresholds = recorder_with(("http_req_duration", "p(95)<500ms"))
    step = buying(recorder)
    values = [random.Random(3).uniform(0.01, 1.0) for _ in range(BATCH)]
    for value in values * 2:
        step.exchange(answered(value), True)
    assert step.expected.window.count >= BATCH  # before anybody looked
    (found,) = tallies(recorder, thresholds)
    assert found.good == 2 * sum(1 for value in values if value < 0.5)
    assert recorder.estimate(thresholds[0], 0.5) == pytest.approx(
        sorted(values)[len(values) // 2 - 1], rel=0.01
    )


# -- checks and iterations -------------------------------------------------------------------------


def test_checks_are_rates_by_name_and_step() -> None:
    recorder, thresholds = recorder_with(
        ("checks", "rate>95%"), ("checks{check:status is 200}", "rate==1")
    )
    step = buying(recorder)
    good, bad = step.check("status is 200"), step.check("under 500 ms")
    assert step.check("status is 200") is good
    good.record(True)
    bad.record(False)
    bad.cause("json has no field id")
    assert tallies(recorder, thresholds) == [Tally(1, 2, 1.0), Tally(1, 1, 1.0)]
    assert (recorder.live().checks_passed, recorder.live().checks_failed) == (1, 1)


def test_causes_of_a_check_are_bounded() -> None:
    recorder, _ = recorder_with()
    check = buying(recorder).check("x")
    for number in range(100):
        check.cause(f"cause {number}")
    assert len(check.causes) == 21
    assert check.causes["other"] == 80


def test_failed_iterations_are_a_rate_of_those_that_ended() -> None:
    threshold = iterations_failed_threshold()
    recorder = Recorder(
        (), [threshold, rule("iteration_duration", "max<3s"), rule("iterations", "count>1")]
    )
    buying(recorder)
    for number in range(BATCH + 3):
        recorder.iteration("buy", 1.0, failed=number == 0)
    recorder.scenario("buy").interrupted()
    assert recorder.thresholds()[threshold.id] == Tally(1, BATCH + 3, 1.0)
    assert recorder.thresholds()[rule("iteration_duration", "max<3s").id].good == BATCH + 3
    assert recorder.thresholds()[rule("iterations", "count>1").id].sum == BATCH + 3


def test_arrivals_are_late_beyond_the_limit() -> None:
    recorder, _ = recorder_with()
    scenario = recorder.scenario("buy", "constant-arrival-rate", open_loop=True)
    for late_s in (-0.1, 0.0, 0.1, 0.11):
        scenario.started_late(late_s)
    scenario.dropped(3, DropCause.GENERATOR_LATE)
    scenario.pace_missed()
    scenario.vus_changed(5)
    scenario.vus_changed(2)
    health = recorder.health()
    assert (
        health.arrivals,
        health.late_starts,
        health.dropped_by_generator,
        health.missed_paces,
    ) == (7, 1, 3, 1)
    assert (scenario.vus, scenario.vus_max) == (2, 5)


# -- setup, teardown, warm-up ----------------------------------------------------------------------


def test_setup_counts_only_for_thresholds_that_select_it_and_for_asserts() -> None:
    thresholds = [
        rule("http_req_failed", "rate<1%"),
        rule("http_req_failed{scenario:setup}", "rate<1%"),
        rule("http_req_duration", "max<1s"),
        rule("http_req_duration{scenario:setup}", "max<1s"),
        rule("http_reqs{scenario:setup,status:500}", "count==0"),
        rule("checks", "rate>95%"),
        assert_threshold("seeded"),
    ]
    recorder = Recorder((), thresholds)
    recorder.scenario("buy")
    step = recorder.step("setup", "seed")
    step.exchange(answered(status=500), False)
    step.check("seeded", is_assert=True).record(False)
    recorder.phase_ended("setup")
    found = tallies(recorder, thresholds)
    assert found[0] == found[2] == found[5] == Tally()
    assert (found[1].good, found[3].samples) == (1, 1)
    assert found[4] == Tally(1, 1, 1.0)
    assert found[6] == Tally(0, 1, 0.0)
    assert recorder.live().requests == 0


def test_a_warm_up_is_in_nothing_but_series_pages_and_asserts() -> None:
    held = assert_threshold("held")
    thresholds = [
        rule("http_req_duration", "max<1s"),
        rule("http_reqs", "count<5"),
        rule("checks", "rate==1"),
        held,
        rule("iterations_failed", "rate<1%"),
        rule("data_sent", "count<1GB"),
        rule("http_req_duration{scenario:setup}", "max<9s"),
    ]
    recorder = Recorder((), thresholds)
    step = buying(recorder)
    recorder.step("setup", "seed").exchange(answered(), True)
    for _ in range(3):
        step.exchange(answered(5.0), True)
        step.check("held", is_assert=True).record(False)
        recorder.iteration("buy", 5.0, failed=True)
    recorder.begin_measuring()
    step.exchange(answered(0.1), True)
    step.check("held").record(True)
    recorder.iteration("buy", 0.1)
    recorder.end_load(1.5)
    duration, requests, checks, asserted, failures, sent, setup = tallies(recorder, thresholds)
    assert (duration.good, duration.samples) == (1, 1)
    assert (requests.sum, requests.samples) == (1.0, 1)
    assert (checks, asserted) == (Tally(1, 1, 1.0), Tally(1, 4, 1.0))
    assert failures == Tally(0, 1, 0.0)
    assert sent.sum == 100.0
    assert setup.samples == 1
    live = recorder.live()
    assert (live.requests, live.iterations, live.durations.maximum) == (1, 1, 0.1)
    assert sum(step.points.columns().requests) == 4
    assert sum(step.public_duration.counts) == 4
    assert step.phases["waiting"].public == (4, pytest.approx(0.6 * 15.1))


# -- binding ---------------------------------------------------------------------------------------


def test_binding_twice_gives_the_same_recorder_and_tags_make_another() -> None:
    recorder, thresholds = recorder_with(
        ("http_reqs{team:a}", "count<9"), ("http_reqs{kind:slow}", "count<9")
    )
    recorder.scenario("buy", tags={"team": "a"})
    plain, tagged = recorder.step("buy", "pay"), recorder.step("buy", "pay", tags={"kind": "slow"})
    assert recorder.step("buy", "pay") is plain
    assert tagged is not plain
    plain.exchange(answered(), True)
    tagged.exchange(answered(), True)
    assert [tally.sum for tally in tallies(recorder, thresholds)] == [2.0, 1.0]


def test_names_a_script_makes_up_are_bounded() -> None:
    recorder, _ = recorder_with()
    recorder.scenario("buy")
    steps = {recorder.step("buy", f"step {number}").name for number in range(MAX_STEPS + 20)}
    assert len(steps) == MAX_STEPS + 1
    assert OTHER_STEPS in steps


def test_a_metric_nobody_declared_is_a_mistake_of_the_program() -> None:
    recorder, _ = recorder_with()
    with pytest.raises(KeyError, match="declare it under spec"):
        recorder.metric("sales", "buy")


def test_foreseen_answers_exist_at_zero() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    step.foresee("POST", 201)
    assert [(kind.method, kind.status, kind.lifetime) for kind in step.kinds()] == [
        ("POST", 201, 0)
    ]


# -- errors ----------------------------------------------------------------------------------------


def test_each_kind_of_error_keeps_its_first_sample_masked() -> None:
    recorder = Recorder((), [], mask=lambda text: text.replace("s3cret", "***"))
    step = buying(recorder)
    step.exchange(answered(status=500, body=b"token s3cret is bad"), False)
    step.exchange(answered(status=500, body=b"another"), False)
    step.exchange(failed(ErrorClass.DNS, "no such host s3cret"), False)
    samples = {(kind.status, kind.error): kind.sample for kind in step.kinds()}
    assert samples[500, ""] == "GET http://127.0.0.1/things: 500 token *** is bad"
    assert samples[0, "dns"].endswith("no such host ***")


def test_an_unreadable_body_is_no_reason_to_fail() -> None:
    recorder, _ = recorder_with()
    broken = answered(status=500, body=b"\x00")
    broken.head = b"HTTP/1.1 500 x\r\ncontent-encoding: gzip\r\n\r\n"
    step = buying(recorder)
    step.exchange(broken, False)
    assert step.kinds()[0].sample.startswith("GET http://127.0.0.1/things: 500 ")


def test_other_errors_are_counted_by_message_and_bounded() -> None:
    recorder, _ = recorder_with()
    for number in range(MAX_ERRORS + 10):
        recorder.error("buy", "pay", "script", f"error {number}", "details")
    recorder.error("buy", "pay", "script", "error 0", "other details")
    first = recorder.errors["buy", "pay", "script", "error 0"]
    assert (first.count, first.sample) == (2, "details")
    assert recorder.errors["buy", "", "script", "other errors"].count == 10


# -- time series -----------------------------------------------------------------------------------


async def test_each_second_is_a_point() -> None:
    recorder, _ = recorder_with()
    step, scenario = buying(recorder), recorder.scenario("buy")
    for second in range(3):
        scenario.vus_changed(second)
        for _ in range(second + 1):
            step.exchange(answered(0.1), True)
            recorder.iteration("buy", 0.1, failed=second == 2)
        await recorder.tick_sliced(second + 1.01)
    scenario.dropped(4, DropCause.NO_IDLE_VU)
    recorder.end_load(3.5)
    columns, iterations = step.points.columns(), scenario.points.columns()
    assert columns.requests == [1, 2, 3, 0]
    assert columns.durations_at(2).count == 3
    assert columns.durations_at(2).quantile(0.5) == pytest.approx(0.1, rel=0.035)
    assert (iterations.iterations, iterations.failed) == ([1, 2, 3, 0], [0, 0, 3, 0])
    assert (iterations.vus, iterations.dropped) == ([0, 1, 2, 2], [0, 0, 0, 4])


def test_a_late_tick_closes_all_points_that_are_over() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    step.exchange(answered(), True)
    recorder.tick(3.2)
    recorder.tick(3.9)
    assert step.points.columns().requests == [1, 0, 0]
    recorder.end_load(4.0)
    assert step.points.columns().requests == [1, 0, 0, 0]


def test_a_long_run_gets_coarser_points_and_loses_no_request() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    for second in range(4000):
        step.exchange(answered(), True)
        recorder.tick(second + 1.0)
    recorder.end_load(4000.5)
    columns = step.points.columns()
    assert recorder.grid.interval_s == 4
    assert sum(columns.requests) == 4000
    assert len(columns.requests) == 1000 + 1
    assert set(columns.requests[:-1]) == {4}


def test_a_step_bound_in_the_middle_of_a_run_begins_with_the_points_it_missed() -> None:
    definition = MetricDefinition("events", MetricType.COUNTER)
    recorder = Recorder([definition])
    buying(recorder)
    recorder.tick(2.0)
    late, metric = recorder.step("buy", "later"), recorder.metric("events", "buy", "later")
    late.exchange(answered(), True)
    metric.add(3)
    recorder.scenario("latest").iteration(1.0)
    recorder.tick(3.0)
    assert late.points.columns().requests == [0, 0, 1]
    assert metric.points.columns().sums == [0.0, 0.0, 3.0]
    assert recorder.scenario("latest").points.columns().iterations == [0, 0, 1]


def test_a_duration_of_zero_is_a_point_too() -> None:
    recorder, _ = recorder_with()
    step = buying(recorder)
    step.exchange(answered(0.0, request=REQUEST), True)
    recorder.tick(1.0)
    assert step.points.columns().durations_at(0).count == 1
