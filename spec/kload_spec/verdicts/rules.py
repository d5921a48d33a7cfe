"""Evidence of a run -> its verdict: one pure function, the first rule that applies wins.

    1  never started                                                        Error
    2  stopped by a threshold with `abort`                                  Failed
    3  stopped by a person, or by the test's own `abort` step               Cancelled
    4  a count, rate, check or assert broken whatever is missing            Failed
    5  a runner lost, setup or teardown failed                              Error
    6  not measured: no samples, incomplete data, load not delivered,
       local faults, latency broken under loop lag                          Inconclusive
    7  a threshold broken                                                   Failed
    8  requests sent, none answered as expected                             Failed
    9  held, but not if requests that were cut off had been bad             Inconclusive
    10 otherwise, with warnings                                             Passed

No fault may become Passed; a test holds that for arbitrary evidence. A slow generator only overstates latency, so a
latency threshold that held stands however busy the machine was, as long as the load was delivered.
It does not gather evidence and does not know who asks: the command line and the operator share these lines.
"""

from __future__ import annotations

from collections.abc import Callable

from kload_spec import numbers
from kload_spec.thresholds import certainly_broken
from kload_spec.verdicts.cautions import cautions
from kload_spec.verdicts.exits import exit_code
from kload_spec.verdicts.model import Evidence, JudgedThreshold, Judgement, Reason, Verdict
from kload_spec.verdicts.waiting import describe, doubtful

# What a target that is down explains.
_OF_THE_TARGET = frozenset(
    {
        Reason.THRESHOLD_ABORTED,
        Reason.THRESHOLD_BROKEN,
        Reason.NO_SAMPLES,
        Reason.NOTHING_SUCCEEDED,
    }
)


def decide(evidence: Evidence) -> Judgement:
    """Return the verdict of a run: that of the first rule that applies."""
    for rule in _RULES:
        found = rule(evidence)
        if found is not None:
            verdict, reason, message = found
            if evidence.outage is not None and reason in _OF_THE_TARGET:
                message = f"{evidence.outage.describe()} {message}".rstrip()
            return Judgement(
                verdict, reason, message, cautions(evidence, reason), exit_code(verdict, reason)
            )
    raise AssertionError("the last rule applies to everything")  # pragma: no cover


# -- the rules, in order -----------------------------------------------------------------------------------------

_Found = tuple[Verdict, Reason, str]


def _never_started(evidence: Evidence) -> _Found | None:
    fault = evidence.not_started
    return (Verdict.ERROR, fault.reason, fault.message) if fault else None


def _aborted_by_threshold(evidence: Evidence) -> _Found | None:
    if not evidence.aborted_by:
        return None
    broken = [t.describe() for t in evidence.thresholds if t.threshold.id in evidence.aborted_by]
    described = "; ".join(broken) or ", ".join(evidence.aborted_by)
    return Verdict.FAILED, Reason.THRESHOLD_ABORTED, f"{described}: the run was stopped"


def _cancelled(evidence: Evidence) -> _Found | None:
    fault = evidence.cancelled
    return (Verdict.CANCELLED, fault.reason, fault.message) if fault else None


def _broken_for_certain(evidence: Evidence) -> _Found | None:
    broken = [
        item
        for item in evidence.judged
        if not item.threshold.is_latency
        and certainly_broken(
            item.threshold, item.tally, _missing(evidence, item), duration_s=evidence.duration_s
        )
    ]
    if not broken:
        return None
    doubtful = [*broken, *_doubtful(evidence)]  # what else is broken is said too, if it is sure
    more = [item for item in _held_not(evidence) if item not in doubtful]
    all_seen = evidence.incomplete is None and not evidence.faults
    return _failed([*broken, *more] if all_seen else broken)


def _faulty(evidence: Evidence) -> _Found | None:
    if not evidence.faults:
        return None
    first, *others = evidence.faults
    return (
        Verdict.ERROR,
        first.reason,
        "; ".join([first.message, *(other.message for other in others)]),
    )


def _without_samples(evidence: Evidence) -> _Found | None:
    empty = [item.threshold for item in evidence.judged if item.outcome.held is None]
    if not empty:
        return None
    names = ", ".join(f"{threshold.key} {threshold.text}" for threshold in empty)
    verb = "has" if len(empty) == 1 else "have"
    text = f"{names} {verb} no samples"
    if evidence.outage is not None:  # said before, and reason enough
        return Verdict.INCONCLUSIVE, Reason.NO_SAMPLES, text
    cause = "check that the tags it selects exist and that the run reaches them"
    if evidence.requests and not evidence.expected:
        count = numbers.count(evidence.requests)
        cause = f"none of the {count} requests was answered as expected; is the target up?"
    elif not evidence.requests:
        cause = "no request was measured; did the load run at all?"
    elif all(threshold.metric == "iterations_failed" for threshold in empty):
        cause = "no iteration ended by itself; give the load, or gracefulStop, more time"
    return Verdict.INCONCLUSIVE, Reason.NO_SAMPLES, f"{text}: {cause}"


def _incomplete(evidence: Evidence) -> _Found | None:
    gaps = [item for item in evidence.judged if item.missing != 0]
    if evidence.incomplete is None and not gaps:
        return None
    message = evidence.incomplete or "; ".join(_gap(item) for item in gaps)
    return Verdict.INCONCLUSIVE, Reason.INCOMPLETE_DATA, message


def _gap(item: JudgedThreshold) -> str:
    missing = "an unknown number" if item.missing is None else str(item.missing)
    return (
        f"{missing} of samples of {item.threshold.key} {item.threshold.text} never arrived ({item.tally.samples} did,"
        " the limit is 0 missing); see that every runner is scraped until it is released"
    )


def _not_delivered(evidence: Evidence) -> _Found | None:
    health, limits = evidence.health, evidence.limits
    if health.late_share <= limits.late_share:
        return None
    return (
        Verdict.INCONCLUSIVE,
        Reason.LOAD_NOT_DELIVERED,
        f"{numbers.share(health.late_share)} of {numbers.count(health.arrivals)} arrivals were started more than"
        f" {_time(limits.late_start_s)} late ({numbers.count(health.late_starts)}) or dropped by the generator"
        f" ({numbers.count(health.dropped_by_generator)}); the limit is {numbers.share(limits.late_share)}."
        " Give it more CPU, more runners, or a lower rate",
    )


def _local_faults(evidence: Evidence) -> _Found | None:
    errors, limit = evidence.health.local_errors, evidence.limits.local_errors
    if errors <= limit:
        return None
    return (
        Verdict.INCONCLUSIVE,
        Reason.LOCAL_FAULTS,
        f"{numbers.count(errors)} requests failed for lack of ports, files or memory on the generator's side;"
        f" the limit is {limit}."
        " Raise `ulimit -n` or ip_local_port_range, or spread the load over more runners",
    )


def _lagged(evidence: Evidence) -> _Found | None:
    doubtful = _doubtful(evidence)
    if not doubtful:
        return None
    first, lag_s = doubtful[0], evidence.health.loop_lag_p99_s
    return (
        Verdict.INCONCLUSIVE,
        Reason.GENERATOR_LAGGED,
        f"{first.describe()}, but the generator itself was late by {_time(lag_s)} (loop lag p99), more than"
        f" {numbers.share(evidence.limits.loop_lag_share)} of that bound, and may be the cause. Give it more CPU or"
        " more runners and run again",
    )


def _doubtful(evidence: Evidence) -> list[JudgedThreshold]:
    """Return the latency thresholds that our own lag may have broken."""
    lag_s, share = evidence.health.loop_lag_p99_s, evidence.limits.loop_lag_share
    worst_s = max(lag_s, evidence.health.loop_lag_max_s)
    return [
        item
        for item in _held_not(evidence)
        if item.threshold.is_latency
        and lag_s > share * item.threshold.bound
        and _explicable(item, worst_s)
    ]


def _explicable(item: JudgedThreshold, worst_lag_s: float) -> bool:
    """Say whether our own lag can have broken a bound: a request is late by one when sent and one when read (ADR 4)."""
    observed = item.outcome.observed
    return observed is None or observed - 2 * worst_lag_s <= item.threshold.bound


def _broken(evidence: Evidence) -> _Found | None:
    return _failed(_held_not(evidence))


def _nothing_succeeded(evidence: Evidence) -> _Found | None:
    if not evidence.requests or evidence.expected:
        return None
    message = (
        f"none of the {numbers.count(evidence.requests)} requests was answered as expected; at least 1 must be."
        " Look at the errors, and at `expect` where other statuses are the right ones"
    )
    return Verdict.FAILED, Reason.NOTHING_SUCCEEDED, "" if evidence.outage else message


def _still_waiting(evidence: Evidence) -> _Found | None:
    spoilt = [
        item.threshold
        for item in evidence.judged
        if doubtful(item.threshold, item.tally, evidence.waiting)
    ]
    if not spoilt:
        return None
    return Verdict.INCONCLUSIVE, Reason.INCOMPLETE_DATA, describe(evidence.waiting, spoilt)


def _passed(evidence: Evidence) -> _Found:
    explicit = [item for item in evidence.judged if not item.threshold.implicit]
    if not explicit:
        return (
            Verdict.PASSED,
            Reason.ONLY_IMPLICIT_RULES,
            "only the implicit rules were judged (asserts, iterations_failed rate<1%, something succeeded);"
            " add thresholds to say what is good enough",
        )
    held = "1 threshold held" if len(explicit) == 1 else f"all {len(explicit)} thresholds held"
    return (
        Verdict.PASSED,
        Reason.THRESHOLDS_HELD,
        f"{held} over {numbers.count(evidence.requests)} requests",
    )


_RULES: tuple[Callable[[Evidence], _Found | None], ...] = (
    _never_started,
    _aborted_by_threshold,
    _cancelled,
    _broken_for_certain,
    _faulty,
    _without_samples,
    _incomplete,
    _not_delivered,
    _local_faults,
    _lagged,
    _broken,
    _nothing_succeeded,
    _still_waiting,
    _passed,
)


# -- what the rules share ------------------------------------------------------------------------------------------


def _held_not(evidence: Evidence) -> list[JudgedThreshold]:
    return [item for item in evidence.judged if item.outcome.held is False]


def _missing(evidence: Evidence, item: JudgedThreshold) -> int | None:
    """Return how many samples are missing; with a runner lost or data known to be incomplete, nobody knows."""
    if evidence.faults or (evidence.incomplete is not None and item.missing == 0):
        return None
    return item.missing


def _failed(broken: list[JudgedThreshold]) -> _Found | None:
    if not broken:
        return None
    return Verdict.FAILED, Reason.THRESHOLD_BROKEN, "; ".join(item.describe() for item in broken)


def _time(seconds: float) -> str:
    return numbers.milliseconds(seconds * 1000)
