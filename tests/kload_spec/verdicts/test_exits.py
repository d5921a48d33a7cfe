"""Exit codes: k6's numbers, and zero for a pass alone."""

from __future__ import annotations

import pytest

from kload_spec.verdicts import Reason, Verdict, exit_code


@pytest.mark.parametrize(
    ("verdict", "reason", "code"),
    [
        (Verdict.PASSED, Reason.THRESHOLDS_HELD, 0),
        (Verdict.FAILED, Reason.NOTHING_SUCCEEDED, 99),
        (Verdict.INCONCLUSIVE, Reason.NO_SAMPLES, 98),
        (Verdict.CANCELLED, Reason.ABORTED_BY_PERSON, 105),
        (Verdict.CANCELLED, Reason.ABORT_STEP, 108),
        (Verdict.ERROR, Reason.INVALID_SPEC, 104),
        (Verdict.ERROR, Reason.SCRIPT_ERROR, 107),
        (Verdict.ERROR, Reason.SETUP_FAILED, 107),
        (Verdict.ERROR, Reason.TEARDOWN_FAILED, 107),
        (Verdict.ERROR, Reason.RUNNER_LOST, 1),
        (Verdict.ERROR, None, 1),
    ],
)
def test_the_exit_code_says_what_ended_the_run(
    verdict: Verdict, reason: Reason | None, code: int
) -> None:
    assert exit_code(verdict, reason) == code


@pytest.mark.parametrize("reason", list(Reason))
def test_only_a_pass_exits_with_zero(reason: Reason) -> None:
    for verdict in Verdict:
        if verdict is not Verdict.PASSED:
            assert exit_code(verdict, reason) in {1, 98, 99, 104, 105, 107, 108}
