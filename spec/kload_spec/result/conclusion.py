"""Thresholds judged, headline numbers computed and the verdict written into a result document.

The one path from numbers to a verdict: the command line calls it with what its runners counted, the operator with
what Prometheus says they counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from kload_spec.result.document import Result, ThresholdResult
from kload_spec.result.totals import summary
from kload_spec.thresholds import Aggregation, Tally, judge
from kload_spec.verdicts import (
    SHORTEST_S,
    Evidence,
    Fault,
    JudgedThreshold,
    Limits,
    Outage,
    Waiting,
    decide,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a result document does not know about its own run; see `verdicts.Evidence` for the fields.

    Attributes:
        tallies: what the thresholds are judged from, by id, where it is not what the document says (Prometheus).
        missing: samples known to be missing from `tallies`, by id; None: some, nobody knows how many.
    """

    not_started: Fault | None = None
    cancelled: Fault | None = None
    faults: tuple[Fault, ...] = ()
    incomplete: str | None = None
    closed_loop: bool = True
    limits: Limits = field(default_factory=Limits)
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    missing: Mapping[str, int | None] = field(default_factory=dict)


def conclude(result: Result, circumstances: Circumstances | None = None) -> Result:
    """Return the document with outcomes, summary and verdict.

    Args:
        result: of the whole fleet (`merging`).
        circumstances: None: nothing went wrong, and the document's own numbers are judged.
    """
    given = circumstances or Circumstances()
    thresholds = [_judged(item, result, given) for item in result.thresholds]
    head = summary(result)
    evidence = Evidence(
        thresholds=tuple(
            JudgedThreshold(item.definition, item.tally, item.outcome, item.missing, item.judged)
            for item in thresholds
        ),
        not_started=given.not_started,
        aborted_by=tuple(item.definition.id for item in thresholds if item.aborted),
        cancelled=given.cancelled,
        faults=given.faults,
        incomplete=given.incomplete,
        health=result.health,
        limits=given.limits,
        requests=head.requests,
        expected=head.requests - head.failed - sum(step.redirects for step in result.load_steps()),
        outage=_outage(result),
        closed_loop=given.closed_loop,
        duration_s=result.measured_s,
        waiting=_waiting(result),
        notes=tuple(result.notes),
    )
    return result.model_copy(
        update={"thresholds": thresholds, "summary": head, "verdict": decide(evidence)}
    )


def _outage(result: Result) -> Outage | None:
    """Return how it showed that no request of the load got an answer; None where one did, or none was sent."""
    answers = [answer for step in result.load_steps() for answer in step.answers]
    if not answers or any(not answer.error for answer in answers):
        return None
    classes: Counter[str] = Counter()
    for answer in answers:
        classes[answer.error] += answer.count
    error, times = classes.most_common(1)[0]
    samples = [item for item in result.errors if item.kind == "request" and item.message == error]
    worst = max(samples, key=lambda item: item.count, default=None)
    return Outage(classes.total(), error, times, worst.sample if worst else "")


def _waiting(result: Result) -> tuple[Waiting, ...]:
    """Return the requests that were cut off after they had waited for longer than any other of their scenario."""
    found = []
    for scenario in result.scenarios:
        cut_off = scenario.cut_off
        if cut_off is None:
            continue
        answered = [step.duration.maximum or 0.0 for step in result.load_steps(scenario.name)]
        limit_s = max([SHORTEST_S, *answered])
        ranks = [(rank + 0.5) / cut_off.count for rank in range(cut_off.count)]
        count = sum(value is not None and value > limit_s for value in cut_off.quantiles(ranks))
        if count:
            found.append(Waiting(scenario.name, count, cut_off.maximum or limit_s))
    return tuple(found)


def _judged(item: ThresholdResult, result: Result, given: Circumstances) -> ThresholdResult:
    threshold = item.definition
    tally = given.tallies.get(threshold.id, item.tally)
    outcome = judge(threshold, tally, duration_s=result.measured_s, estimate=_estimate(item))
    judged = item.judged and not (result.run.quick and threshold.depends_on_length)
    return item.model_copy(
        update={
            "good": tally.good,
            "samples": tally.samples,
            "sum": tally.sum,
            "missing": given.missing.get(threshold.id, item.missing),
            "judged": judged,
            "observed": outcome.observed,
            "held": outcome.held,
        }
    )


def _estimate(item: ThresholdResult) -> float | None:
    """Return what the histogram says about an order statistic, for display."""
    if item.histogram is None:
        return None
    match item.definition.aggregation:
        case Aggregation.MIN:
            return item.histogram.minimum
        case Aggregation.MAX:
            return item.histogram.maximum
        case Aggregation.MED:
            return item.histogram.quantile(0.5)
        case Aggregation.PERCENTILE:
            return item.histogram.quantile((item.definition.percentile or 0.0) / 100)
        case _:
            return None
