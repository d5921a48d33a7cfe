"""Requests that were still waiting for their answer when the load was cut off: what they may have done to a threshold.

Such a request is in no number. One that had been waiting for longer than any other took would have been a bad one, and
a target that stops answering some users for ever must not pass for that reason. So a threshold that held is asked once
more, with each of them as one more bad sample; where it would not hold, the run is Inconclusive.

It does not know which step a request was of: a rule about one step is asked with all of its scenario.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kload_spec.metrics import MetricType
from kload_spec.thresholds import Comparison, Tally, Threshold, judge

SHORTEST_S = 1.0  # s; what is cut off sooner is what any end of a load cuts off


@dataclass(frozen=True, slots=True)
class Waiting:
    """Requests of a scenario that waited for longer than any that was answered, at least `SHORTEST_S`.

    Attributes:
        longest_s: how long the first of them had waited.
    """

    scenario: str
    count: int
    longest_s: float


def doubtful(threshold: Threshold, tally: Tally, waiting: Iterable[Waiting]) -> bool:
    """Return whether a threshold that holds would be broken if those that wait were bad samples."""
    scenario = dict(threshold.selector).get("scenario")
    concerned = [item for item in waiting if scenario in (None, item.scenario)]
    count = sum(item.count for item in concerned)
    if not count or tally.samples == 0 or (threshold.implicit and threshold.metric == "checks"):
        return False  # an assert is about answers
    if threshold.is_latency and threshold.is_upper_bound:
        waited_s = sum(item.count * item.longest_s for item in concerned)
        worse = Tally(tally.good, tally.samples + count, tally.sum + waited_s)
    elif threshold.type is MetricType.RATE:
        true = count if _true_is_bad(threshold) else 0
        worse = replace(tally, good=tally.good + true, samples=tally.samples + count)
    else:
        return False
    return judge(threshold, worse).held is False


def _true_is_bad(threshold: Threshold) -> bool:
    if threshold.op in (Comparison.EQUAL, Comparison.UNEQUAL):
        return threshold.bound < 0.5
    return threshold.is_upper_bound


def describe(waiting: Iterable[Waiting], rules: Iterable[Threshold]) -> str:
    """Return a sentence for the verdict."""
    parts = [
        f"{item.count} of {item.scenario}, for up to {item.longest_s:.3g}s" for item in waiting
    ]
    named = "; ".join(f"{rule.key} {rule.text}" for rule in rules)
    return (
        f"requests were still waiting when the load was cut off ({'; '.join(parts)}), longer than any that was"
        f" answered; if they count as bad, this does not hold: {named}."
        " Give gracefulStop more time than target.timeout, so that they end by themselves"
    )
