"""The verdict: its order of precedence as a table, and what holds for any evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.health import Health
from kload_spec.metrics import BUILTIN
from kload_spec.thresholds import (
    Tally,
    assert_threshold,
    iterations_failed_threshold,
    judge,
    parse_threshold,
)
from kload_spec.verdicts import (
    Evidence,
    Fault,
    JudgedThreshold,
    Judgement,
    Limits,
    Outage,
    Reason,
    Verdict,
    decide,
)


def judged(
    key: str, text: str, tally: Tally, *, estimate: float | None = None, missing: int | None = 0
) -> JudgedThreshold:
    threshold = parse_threshold(key, text, BUILTIN)
    return JudgedThreshold(
        threshold, tally, judge(threshold, tally, duration_s=60.0, estimate=estimate), missing
    )


def implicit(tally: Tally) -> JudgedThreshold:
    threshold = iterations_failed_threshold()
    return JudgedThreshold(threshold, tally, judge(threshold, tally))


def asserted(tally: Tally) -> JudgedThreshold:
    threshold = assert_threshold("stored == accepted")
    return JudgedThreshold(threshold, tally, judge(threshold, tally))


FAST = judged("http_req_duration", "p(95)<500ms", Tally(99, 100, 10.0), estimate=0.2)
SLOW = judged("http_req_duration", "p(95)<500ms", Tally(50, 100, 60.0), estimate=0.612)
UNSEEN = judged("http_req_duration{scenario:x}", "p(95)<500ms", Tally())
FEW_FAILED = judged("http_req_failed", "rate<1%", Tally(0, 100, 0.0))
MANY = judged("http_reqs", "count<10", Tally(100, 100, 100.0))
MANY_FAILED = judged("http_req_failed", "rate<1%", Tally(5, 100, 5.0))
ITERATIONS = implicit(Tally(0, 100, 0.0))
HELD = asserted(Tally(3, 3, 3.0))
BROKEN = asserted(Tally(2, 3, 2.0))
LOST = Fault(Reason.RUNNER_LOST, "runner 2 is gone")
GOOD = Evidence(
    thresholds=(FAST, FEW_FAILED, ITERATIONS), requests=100, expected=100, duration_s=60.0
)


def given_that(**changes: object) -> Evidence:
    return replace(GOOD, **changes)  # type: ignore[arg-type]


CASES = [
    pytest.param(
        given_that(),
        "Passed",
        "ThresholdsHeld",
        0,
        "all 2 thresholds held over 100 requests",
        id="9-all-held",
    ),
    pytest.param(
        given_that(thresholds=(ITERATIONS,)),
        "Passed",
        "OnlyImplicitRules",
        0,
        "add thresholds",
        id="9-none-written",
    ),
    pytest.param(
        given_that(thresholds=(), requests=0, expected=0),
        "Passed",
        "OnlyImplicitRules",
        0,
        "implicit rules",
        id="9-nothing-to-request",
    ),
    pytest.param(
        given_that(not_started=Fault(Reason.INVALID_SPEC, "spec.x: no"), thresholds=(MANY_FAILED,)),
        "Error",
        "InvalidSpec",
        104,
        "spec.x: no",
        id="1-invalid",
    ),
    pytest.param(
        given_that(not_started=Fault(Reason.SCRIPT_ERROR, "no such module")),
        "Error",
        "ScriptError",
        107,
        "module",
        id="1-script",
    ),
    pytest.param(
        given_that(not_started=Fault(Reason.TARGET_NOT_READY, "503")),
        "Error",
        "TargetNotReady",
        1,
        "503",
        id="1-target",
    ),
    pytest.param(
        given_that(
            not_started=Fault(Reason.START_FAILED, "x"),
            cancelled=Fault(Reason.ABORTED_BY_PERSON, "y"),
        ),
        "Error",
        "StartFailed",
        1,
        "x",
        id="1-before-3",
    ),
    pytest.param(
        given_that(thresholds=(MANY_FAILED,), aborted_by=(MANY_FAILED.threshold.id,)),
        "Failed",
        "ThresholdAborted",
        99,
        "http_req_failed rate<1% is 5 %: the run was stopped",
        id="2-aborted",
    ),
    pytest.param(
        given_that(aborted_by=(FEW_FAILED.threshold.id,)),
        "Failed",
        "ThresholdAborted",
        99,
        "is 0 %",
        id="2-its-breach-stays-the-verdict",
    ),
    pytest.param(
        given_that(
            aborted_by=("gone",), cancelled=Fault(Reason.ABORTED_BY_PERSON, "y"), faults=(LOST,)
        ),
        "Failed",
        "ThresholdAborted",
        99,
        "gone",
        id="2-before-3-and-5",
    ),
    pytest.param(
        given_that(
            cancelled=Fault(Reason.ABORTED_BY_PERSON, "Ctrl-C after 3s"), thresholds=(MANY_FAILED,)
        ),
        "Cancelled",
        "AbortedByPerson",
        105,
        "Ctrl-C after 3s",
        id="3-before-4",
    ),
    pytest.param(
        given_that(cancelled=Fault(Reason.ABORT_STEP, "enough")),
        "Cancelled",
        "AbortStep",
        108,
        "enough",
        id="3-abort-step",
    ),
    pytest.param(
        given_that(thresholds=(FAST, MANY_FAILED)),
        "Failed",
        "ThresholdBroken",
        99,
        "http_req_failed rate<1% is 5 %",
        id="4-rate",
    ),
    pytest.param(
        given_that(thresholds=(BROKEN,), faults=(LOST,)),
        "Failed",
        "ThresholdBroken",
        99,
        "rate==1 is 66.67 %",
        id="4-assert-before-5",
    ),
    pytest.param(
        given_that(
            thresholds=(judged("http_reqs", "count<50", Tally(60, 60, 60.0)),), faults=(LOST,)
        ),
        "Failed",
        "ThresholdBroken",
        99,
        "count<50 is 60",
        id="4-count-before-5",
    ),
    pytest.param(
        given_that(thresholds=(MANY_FAILED, UNSEEN)),
        "Failed",
        "ThresholdBroken",
        99,
        "5 %",
        id="4-before-6",
    ),
    pytest.param(
        given_that(thresholds=(MANY_FAILED,), health=Health(arrivals=100, late_starts=50)),
        "Failed",
        "ThresholdBroken",
        99,
        "5 %",
        id="4-whatever-the-generator-did",
    ),
    pytest.param(
        given_that(thresholds=(MANY_FAILED,), faults=(LOST,)),
        "Error",
        "RunnerLost",
        1,
        "runner 2",
        id="5-a-rate-might-have-recovered",
    ),
    pytest.param(
        given_that(faults=(LOST, Fault(Reason.TEARDOWN_FAILED, "teardown timed out"))),
        "Error",
        "RunnerLost",
        1,
        "runner 2 is gone; teardown timed out",
        id="5-several",
    ),
    pytest.param(
        given_that(faults=(Fault(Reason.SETUP_FAILED, "no customer"),)),
        "Error",
        "SetupFailed",
        107,
        "no customer",
        id="5-setup",
    ),
    pytest.param(
        given_that(thresholds=(SLOW,), faults=(LOST,)),
        "Error",
        "RunnerLost",
        1,
        "gone",
        id="5-before-7",
    ),
    pytest.param(
        given_that(thresholds=(FAST, UNSEEN)),
        "Inconclusive",
        "NoSamples",
        98,
        "http_req_duration{scenario:x} p(95)<500ms has no samples",
        id="6-no-samples",
    ),
    pytest.param(
        given_that(thresholds=(implicit(Tally()),), requests=0, expected=0),
        "Inconclusive",
        "NoSamples",
        98,
        "no request was measured",
        id="6-nothing-ran",
    ),
    pytest.param(
        given_that(thresholds=(UNSEEN, asserted(Tally())), expected=0),
        "Inconclusive",
        "NoSamples",
        98,
        "is the target up?",
        id="6-target-down",
    ),
    pytest.param(
        given_that(incomplete="Prometheus has 90 of 100 requests"),
        "Inconclusive",
        "IncompleteData",
        98,
        "90 of 100",
        id="6-incomplete",
    ),
    pytest.param(
        given_that(incomplete="90 of 100", thresholds=(MANY_FAILED,)),
        "Inconclusive",
        "IncompleteData",
        98,
        "90",
        id="6-an-unknown-gap-may-hide-successes",
    ),
    pytest.param(
        given_that(thresholds=(replace(MANY_FAILED, missing=100),)),
        "Failed",
        "ThresholdBroken",
        99,
        "5 %",
        id="4-even-if-a-hundred-more-were-fine",
    ),
    pytest.param(
        given_that(thresholds=(replace(MANY_FAILED, missing=1000),)),
        "Inconclusive",
        "IncompleteData",
        98,
        "1000 of samples",
        id="6-a-thousand-might-have-been",
    ),
    pytest.param(
        given_that(thresholds=(replace(FAST, missing=None),)),
        "Inconclusive",
        "IncompleteData",
        98,
        "an unknown number",
        id="6-unknown-gap",
    ),
    pytest.param(
        given_that(health=Health(arrivals=1000, late_starts=8, dropped_by_generator=3)),
        "Inconclusive",
        "LoadNotDelivered",
        98,
        "1.1 % of 1,000 arrivals",
        id="6-late",
    ),
    pytest.param(
        given_that(thresholds=(SLOW,), health=Health(arrivals=100, late_starts=2)),
        "Inconclusive",
        "LoadNotDelivered",
        98,
        "the limit is 1 %",
        id="6-before-7",
    ),
    pytest.param(
        given_that(health=Health(local_errors=1)),
        "Inconclusive",
        "LocalFaults",
        98,
        "ulimit -n",
        id="6-local",
    ),
    pytest.param(
        given_that(thresholds=(SLOW,), health=Health(loop_lag_p99_s=0.06)),
        "Inconclusive",
        "GeneratorLagged",
        98,
        "late by 60.0 ms (loop lag p99), more than 10 % of that bound",
        id="6-lag",
    ),
    pytest.param(
        given_that(
            thresholds=(replace(SLOW, outcome=replace(SLOW.outcome, observed=5.0)),),
            health=Health(loop_lag_p99_s=0.06, loop_lag_max_s=1.0),
        ),
        "Failed",
        "ThresholdBroken",
        99,
        "5",
        id="7-lag-cannot-explain-the-breach",
    ),
    pytest.param(
        given_that(thresholds=(SLOW,), health=Health(loop_lag_p99_s=0.05)),
        "Failed",
        "ThresholdBroken",
        99,
        "612 ms",
        id="7-lag-within-the-limit",
    ),
    pytest.param(
        given_that(thresholds=(SLOW, FEW_FAILED)),
        "Failed",
        "ThresholdBroken",
        99,
        "http_req_duration p(95)<500ms is 612 ms",
        id="7-latency",
    ),
    pytest.param(
        given_that(expected=0),
        "Failed",
        "NothingSucceeded",
        99,
        "none of the 100 requests",
        id="8-nothing-succeeded",
    ),
    pytest.param(
        given_that(thresholds=(SLOW,), expected=0),
        "Failed",
        "ThresholdBroken",
        99,
        "612 ms",
        id="7-before-8",
    ),
    pytest.param(
        given_that(
            thresholds=(replace(UNSEEN, judged=False), replace(MANY_FAILED, judged=False), FAST)
        ),
        "Passed",
        "ThresholdsHeld",
        0,
        "1 threshold held",
        id="9-what-is-only-shown-decides-nothing",
    ),
]


@pytest.mark.parametrize(("evidence", "verdict", "reason", "code", "says"), CASES)
def test_the_first_rule_that_applies_decides(
    evidence: Evidence, verdict: str, reason: str, code: int, says: str
) -> None:
    found = decide(evidence)
    assert (found.verdict, found.reason, found.exit_code) == (
        Verdict(verdict),
        Reason(reason),
        code,
    )
    assert says in found.message


@pytest.mark.parametrize(
    ("health", "warning"),
    [
        pytest.param(
            Health(cpu_share=0.97), "could have been pushed harder", id="saturated-closed-loop"
        ),
        pytest.param(Health(cpu_throttled_s=2.5), "throttled for 2.50 s", id="throttled"),
        pytest.param(
            Health(arrivals=100, dropped_by_target=40),
            "40 of 100 arrivals were dropped",
            id="drops-of-the-target",
        ),
        pytest.param(
            Health(arrivals=1000, late_starts=5),
            "0.5 % of arrivals were late",
            id="late-within-the-limit",
        ),
        pytest.param(Health(missed_paces=3), "3 iterations took longer", id="paces"),
        pytest.param(Health(loop_lag_p99_s=0.3), "loop lag p99 was 300 ms", id="lag-under-a-pass"),
    ],
)
def test_a_busy_generator_that_delivered_the_load_still_passes(
    health: Health, warning: str
) -> None:
    found = decide(given_that(health=health))
    assert found.verdict is Verdict.PASSED
    assert len(found.warnings) == 1
    assert warning in found.warnings[0]


def test_a_lag_that_is_small_beside_the_bound_is_no_warning() -> None:
    assert decide(given_that(health=Health(loop_lag_p99_s=0.05))).warnings == ()


def test_a_rule_of_higher_rank_does_not_hide_that_the_load_was_not_delivered() -> None:
    late = Health(arrivals=100, dropped_by_generator=8)
    found = decide(given_that(thresholds=(MANY_FAILED,), health=late))
    assert found.verdict is Verdict.FAILED
    assert found.warnings == ("8 % of arrivals were late or dropped by the generator",)


def test_a_load_too_short_for_an_iteration_is_told_so() -> None:
    found = decide(given_that(thresholds=(implicit(Tally()),)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "give the load, or gracefulStop, more time" in found.message


def test_neither_an_open_loop_nor_a_moment_is_told_to_push_harder() -> None:
    assert decide(given_that(health=Health(cpu_share=0.97), closed_loop=False)).warnings == ()
    assert decide(given_that(health=Health(cpu_share=0.97), duration_s=0.5)).warnings == ()


def test_notes_of_others_are_warnings() -> None:
    assert decide(given_that(notes=("3 checks could not be evaluated",))).warnings == (
        "3 checks could not be evaluated",
    )


def test_limits_are_the_spec_s_to_set() -> None:
    late = Health(arrivals=100, late_starts=4, local_errors=2, loop_lag_p99_s=0.2, cpu_share=0.95)
    evidence = given_that(
        health=late,
        limits=Limits(late_share=0.05, local_errors=2, loop_lag_share=0.5, cpu_share=0.99),
    )
    assert decide(evidence).verdict is Verdict.PASSED


# -- properties ----------------------------------------------------------------------------------------------------

shares = st.integers(0, 10)
thresholds = st.lists(
    st.one_of(
        st.sampled_from([FAST, SLOW, UNSEEN, FEW_FAILED, MANY_FAILED, ITERATIONS, HELD, BROKEN]),
        st.builds(lambda n: replace(FEW_FAILED, missing=n), st.sampled_from([0, 1, 500, None])),
    ),
    max_size=5,
).map(tuple)
healths = st.builds(
    Health,
    arrivals=st.integers(0, 100), late_starts=shares, dropped_by_generator=shares, dropped_by_target=shares,
    local_errors=st.integers(0, 2), loop_lag_p99_s=st.sampled_from([0.0, 0.01, 0.3]), cpu_share=st.floats(0, 1),
)  # fmt: skip
maybe = st.none()
reasons = st.sampled_from(list(Reason))
faults = st.builds(Fault, reasons, st.just("why"))
evidences = st.builds(
    Evidence,
    thresholds=thresholds, health=healths, requests=st.integers(0, 5), expected=st.integers(0, 5),
    not_started=st.one_of(maybe, faults), aborted_by=st.sampled_from([(), ("x",)]),
    cancelled=st.one_of(maybe, faults), faults=st.lists(faults, max_size=2).map(tuple),
    incomplete=st.one_of(maybe, st.just("gap")), closed_loop=st.booleans(),
)  # fmt: skip


def faulty(evidence: Evidence) -> bool:
    """Whether anything at all speaks against the run."""
    health, limits = evidence.health, evidence.limits
    return bool(
        evidence.not_started
        or evidence.aborted_by
        or evidence.cancelled
        or evidence.faults
        or evidence.incomplete
        or any(item.outcome.held is not True or item.missing != 0 for item in evidence.thresholds)
        or health.late_share > limits.late_share
        or health.local_errors > limits.local_errors
        or (evidence.requests and not evidence.expected)
    )


@settings(max_examples=250)
@given(evidences)
def test_no_fault_becomes_a_pass_and_no_faultless_run_anything_else(evidence: Evidence) -> None:
    found = decide(evidence)
    assert (found.verdict is Verdict.PASSED) is not faulty(evidence)
    assert (found.exit_code == 0) is (found.verdict is Verdict.PASSED)
    assert found.message


@settings(max_examples=100)
@given(evidences, faults)
def test_a_further_fault_never_improves_a_verdict(evidence: Evidence, fault: Fault) -> None:
    worse: list[Judgement] = [
        decide(replace(evidence, faults=(*evidence.faults, fault))),
        decide(replace(evidence, incomplete="gap")),
        decide(replace(evidence, health=replace(evidence.health, local_errors=3))),
        decide(replace(evidence, thresholds=(*evidence.thresholds, UNSEEN))),
        decide(replace(evidence, thresholds=(*evidence.thresholds, BROKEN))),
    ]
    assert all(found.verdict is not Verdict.PASSED for found in worse)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({}, "rate<1% is 5 %; http_req_duration p(95)<500ms is 612 ms", id="sure"),
        pytest.param({"health": Health(loop_lag_p99_s=0.6)}, "rate<1% is 5 %", id="our-own-lag"),
        pytest.param(
            {"thresholds": (MANY, SLOW), "faults": (LOST,)}, "count<10 is 100", id="a-runner-lost"
        ),
    ],
)
def test_all_that_is_surely_broken_is_named(changes: dict[str, object], message: str) -> None:
    found = decide(given_that(**{"thresholds": (MANY_FAILED, SLOW), **changes}))
    assert found.message.partition(" ")[2] == message


DOWN = Outage(7210, "connect", 7210, "GET http://shop:9/x: shop:9 refused the connection")
NO_ANSWER = (
    "no answer to any of the 7,210 requests: GET http://shop:9/x: shop:9 refused the connection;"
    " is the target running, and its address right (target.baseURL, --target)?"
)


@pytest.mark.parametrize(
    ("thresholds", "reason", "message"),
    [
        pytest.param((), "NothingSucceeded", NO_ANSWER, id="no-thresholds"),
        pytest.param(
            (MANY_FAILED,),
            "ThresholdBroken",
            f"{NO_ANSWER} http_req_failed rate<1% is 5 %",
            id="broken",
        ),
        pytest.param(
            (UNSEEN,),
            "NoSamples",
            f"{NO_ANSWER} http_req_duration{{scenario:x}} p(95)<500ms has no samples",
            id="no-samples",
        ),
    ],
)
def test_a_target_that_answered_nothing_is_said_first(
    thresholds: tuple[JudgedThreshold, ...], reason: str, message: str
) -> None:
    judgement = decide(given_that(thresholds=thresholds, requests=7210, expected=0, outage=DOWN))
    assert (judgement.reason, judgement.message) == (reason, message)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("dns", "name of the target"),
        ("timeout", "reached"),
        ("tls", "target.tls"),
        ("reset", "running"),
    ],
)
def test_an_outage_says_what_to_check(error: str, advice: str) -> None:
    described = Outage(10, error, 7).describe()
    assert described.startswith(f"no answer to any of the 10 requests: {error} (7 times); ")
    assert advice in described


def test_a_target_that_is_down_does_not_hide_what_kept_a_run_from_starting() -> None:
    judgement = decide(given_that(faults=(LOST,), requests=10, expected=0, outage=DOWN))
    assert judgement.message == LOST.message
