"""The exit code of the command line for a verdict: k6's number where k6 has one.

Source: https://grafana.com/docs/k6/latest/using-k6/thresholds/ and k6's errext/exitcodes.
"""

from __future__ import annotations

from kload_spec.verdicts.model import Reason, Verdict

_EXIT_BY_VERDICT = {
    Verdict.PASSED: 0,
    Verdict.FAILED: 99,
    Verdict.INCONCLUSIVE: 98,
    Verdict.ERROR: 1,
    Verdict.CANCELLED: 105,
}
_EXIT_BY_REASON = {
    Reason.INVALID_SPEC: 104,
    Reason.SCRIPT_ERROR: 107,
    Reason.SETUP_FAILED: 107,
    Reason.TEARDOWN_FAILED: 107,
    Reason.ABORT_STEP: 108,
}


def exit_code(verdict: Verdict, reason: Reason | None) -> int:
    """Return the exit code of the command line for a verdict; None: a reason that is not known here."""
    known = _EXIT_BY_REASON.get(reason) if reason is not None else None
    return _EXIT_BY_VERDICT[verdict] if known is None else known
