"""Numbers of the whole fleet -> what they say: stop now? complete? verdict. Pure.

Live, thresholds with `abort` are judged from Prometheus alone. At the end Prometheus' totals must equal the runners'
own: then they are what is judged, by the same lines as `kload run` (`result.conclude`). If they never do, the run is
Inconclusive, unless something is broken whatever the missing samples were.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isclose

from kload_operator.seen import MetricsSeen
from kload_spec.metrics import MetricType
from kload_spec.model import Progress
from kload_spec.plan import Plan
from kload_spec.result import Circumstances, Result, RunIdentity, ThresholdResult, conclude
from kload_spec.shapes import ConstantArrivalRate, RampingArrivalRate
from kload_spec.thresholds import Aggregation, Tally, Threshold, must_abort
from kload_spec.verdicts import Fault, Reason

SUM_TOLERANCE = 1e-9  # relative; sums of floats differ by the order of adding
_NEVER_STARTED = frozenset({Reason.START_FAILED, Reason.TARGET_NOT_READY})
_CANCELLED = frozenset({Reason.ABORTED_BY_PERSON, Reason.ABORT_STEP})


@dataclass(frozen=True, slots=True)
class Totals:
    """How Prometheus' numbers compare with the runners' own.

    Attributes:
        complete: all equal.
        message: what differs, in one sentence.
        missing: threshold id -> samples that Prometheus lacks; None: some, nobody knows how many.
    """

    complete: bool
    message: str
    missing: Mapping[str, int | None]


def broken_with_abort(
    plan: Plan,
    tallies: Mapping[str, Tally],
    elapsed_s: float,
    own: Mapping[str, Tally] | None = None,
) -> list[str]:
    """Return the ids of thresholds whose breach has to stop the run now.

    Prometheus' three numbers of a rule come from three queries, between which a scrape may fall, and are older than
    `elapsed_s`: alone they can show a breach where there is none. So the runners' own numbers must show it too.

    Args:
        tallies: of the fleet, from Prometheus.
        own: of the fleet, as all of its runners say at `elapsed_s`; None: not all of them answer. Then a counter's
            rate that is too low is not seen: a sum of some time ago, divided by the time until now, always is.
    """
    measured_s = elapsed_s - plan.measure_after_s
    if measured_s <= 0:
        return []

    def breaks(threshold: Threshold, numbers: Mapping[str, Tally]) -> bool:
        tally = numbers.get(threshold.id)
        return tally is not None and must_abort(
            threshold, tally, elapsed_s=elapsed_s, duration_s=measured_s
        )

    return [
        threshold.id
        for threshold in plan.thresholds
        if breaks(threshold, tallies)
        and (breaks(threshold, own) if own is not None else not _looks_low_when_late(threshold))
    ]


def _looks_low_when_late(threshold: Threshold) -> bool:
    """Say whether old numbers can break a rule that new ones would not: of a rate per time that is to be high."""
    per_time = threshold.type is MetricType.COUNTER and threshold.aggregation is Aggregation.RATE
    return per_time and not threshold.is_upper_bound


def compare(merged: Result, metrics: MetricsSeen) -> Totals:
    """Return whether Prometheus has everything that the runners counted."""
    if metrics.problem:
        unknown: dict[str, int | None] = {item.definition.id: None for item in merged.thresholds}
        return Totals(False, f"Prometheus could not be asked: {metrics.problem}", unknown)
    missing: dict[str, int | None] = {}
    differences: list[str] = []
    for item in merged.thresholds:
        known = metrics.tallies.get(item.definition.id)
        if known is not None and _equal(known, item.tally):
            continue
        missing[item.definition.id] = _gap(known, item.tally)
        seen = "no series" if known is None else f"{known.samples} samples"
        differences.append(
            f"{item.key} {item.definition.text}: Prometheus has {seen}, the runners counted {item.samples}"
        )
    counted = sum(step.requests + step.warmup_requests for step in merged.steps)
    if counted and metrics.requests != counted:
        has = "none" if metrics.requests is None else f"{metrics.requests:.0f}"
        differences.append(f"requests: Prometheus has {has}, the runners counted {counted}")
    if not differences:
        return Totals(
            True, f"Prometheus has all {counted} requests of {len(merged.runners)} runners", {}
        )
    shown = "; ".join(differences[:3]) + (
        f" and {len(differences) - 3} more" if len(differences) > 3 else ""
    )
    remedy = (
        "see that every runner is scraped until it is released, and that no rule drops its series"
    )
    return Totals(False, f"{shown}; {remedy}", missing)


def judged(
    plan: Plan,
    merged: Result,
    metrics: MetricsSeen,
    progress: Progress,
    lost: tuple[str, ...],
) -> tuple[Result, Totals]:
    """Return the concluded document of a run and how its numbers were reconciled.

    Args:
        merged: of the runners that had a document.
        progress: the intents: why it was stopped, what broke.
        lost: what became of runners that are gone, one sentence each.
    """
    totals = compare(merged, metrics)
    usable = not metrics.problem and bool(metrics.tallies)
    aborted = set(progress.aborted_by or ())
    thresholds = [
        item.model_copy(update={"aborted": item.definition.id in aborted})
        for item in merged.thresholds
    ]
    incomplete = None if totals.complete else totals.message
    if lost:
        incomplete = f"{len(lost)} of {plan.runners} runners were lost with their numbers"
    circumstances = replace(
        circumstances_of(plan, progress, merged),
        incomplete=incomplete,
        tallies=_believable(metrics, merged, lost=bool(lost)) if usable else {},
        missing=dict(totals.missing) if usable and not lost else {},
    )
    return conclude(merged.model_copy(update={"thresholds": thresholds}), circumstances), totals


def _believable(metrics: MetricsSeen, merged: Result, *, lost: bool) -> dict[str, Tally]:
    """Return what Prometheus says, without numbers above the runners' own: something is counted twice there.

    Of a runner that was lost, Prometheus may well know more than the documents that are left.
    """
    own = {item.definition.id: item.tally for item in merged.thresholds}
    return {
        name: tally
        for name, tally in metrics.tallies.items()
        if lost or name not in own or not _exceeds(tally, own[name])
    }


def _exceeds(known: Tally, own: Tally) -> bool:
    return known.samples > own.samples or known.good > own.good


def circumstances_of(plan: Plan, progress: Progress, merged: Result | None) -> Circumstances:
    """Return what is known of a run besides its numbers."""
    not_started = cancelled = None
    faults: list[Fault] = []
    if progress.fault_reason:
        reason = reason_of(progress.fault_reason)
        fault = Fault(reason, progress.fault_message or reason.value)
        if reason in _NEVER_STARTED:
            not_started = fault
        elif reason in _CANCELLED:
            cancelled = fault
        else:
            faults.append(fault)
    return Circumstances(
        not_started=not_started,
        cancelled=cancelled,
        faults=tuple(faults),
        limits=plan.limits,
        closed_loop=any(
            not isinstance(item.load.shape, ConstantArrivalRate | RampingArrivalRate)
            for item in plan.scenarios
        ),
    )


def empty_result(plan: Plan) -> Result:
    """Return the document of a run of which nothing is left."""
    return Result(
        run=RunIdentity(
            name=plan.name,
            namespace=plan.namespace,
            spec_hash=plan.spec_hash,
            plan_hash=plan.plan_hash,
        ),
        thresholds=[ThresholdResult(definition=item) for item in plan.thresholds],
    )


def reason_of(text: str) -> Reason:
    """Return a reason that was written down; one that is not known is an error of the engine."""
    try:
        return Reason(text)
    except ValueError:
        return Reason.ENGINE_ERROR


def _equal(known: Tally, own: Tally) -> bool:
    return (
        known.good == own.good
        and known.samples == own.samples
        and (
            known.sum == own.sum
            or isclose(known.sum, own.sum, rel_tol=SUM_TOLERANCE, abs_tol=SUM_TOLERANCE)
        )
    )


def _gap(known: Tally | None, own: Tally) -> int | None:
    """Return how many samples are missing; None where the numbers differ in another way."""
    if known is None:
        return None
    gap = own.samples - known.samples
    return gap if gap > 0 and known.good <= own.good else None
