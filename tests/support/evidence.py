"""Evidence for verdicts: a run in which all is well, and the parts that make one worse."""

from __future__ import annotations

from dataclasses import replace

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
    Reason,
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
