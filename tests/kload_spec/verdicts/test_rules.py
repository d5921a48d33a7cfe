"""The verdict: its order of precedence as a table, and what holds for any evidence."""

from __future__ import annotations

from dataclasses import replace

import pytest
from evidence import (
    BROKEN,
    FAST,
    FEW_FAILED,
    HELD,
    ITERATIONS,
    LOST,
    MANY,
    MANY_FAILED,
    SLOW,
    UNSEEN,
    asserted,
    given_that,
    implicit,
    judged,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.health import Health
from kload_spec.thresholds import (
    Tally,
)
from kload_spec.verdicts import (
    Evidence,
    Fault,
    Judgement,
    Reason,
    Verdict,
    decide,
)

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
