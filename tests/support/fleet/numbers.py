"""What a simulated runner has counted at a moment: pure arithmetic from elapsed time and its manner."""

from __future__ import annotations

from dataclasses import dataclass

from fleet.manners import Manner
from kload_spec.histogram import Histogram
from kload_spec.metrics import MetricType
from kload_spec.plan import Plan
from kload_spec.result import AnswerCount, Result, ScenarioResult, StepResult, ThresholdResult
from kload_spec.thresholds import Tally, Threshold, tally_sorted

STEP = "simulated"
_BAD_IF_TRUE = ("http_req_failed", "iterations_failed")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Counts of one runner; an iteration is one request with one check."""

    requests: int
    failed: int
    manner: Manner

    def tally(self, threshold: Threshold) -> Tally:
        """Return what these requests add to a threshold."""
        n = self.requests
        match threshold.type:
            case MetricType.TREND:
                one = tally_sorted(threshold, [self.manner.latency_s])
                return Tally(n * one.good, n, n * one.sum)
            case MetricType.RATE:
                true = self._true(threshold.metric)
                return Tally(true, n, float(true))
            case _:
                return Tally(0, n, 0.0 if threshold.metric == "dropped_iterations" else float(n))

    def tallies(self, plan: Plan) -> dict[str, Tally]:
        """Return what they add to every threshold, by id."""
        return {one.id: self.tally(one) for one in plan.thresholds}

    def shown(self, share: float) -> Numbers:
        """Return the part of them that a lossy page shows."""
        return Numbers(int(self.requests * share), int(self.failed * share), self.manner)

    def fill_in(self, result: Result, plan: Plan) -> Result:
        """Return the document with these numbers."""
        scenario = plan.scenarios[0].name
        durations = self.histogram()
        answers = [
            AnswerCount(method="GET", status=status, expected=expected, count=count)
            for status, expected, count in (
                (200, True, self.requests - self.failed),
                (500, False, self.failed),
            )
            if count
        ]
        step = StepResult(
            scenario=scenario,
            name=STEP,
            requests=self.requests,
            failed=self.failed,
            answers=answers,
            duration=durations,
        )
        thresholds = []
        for definition in plan.thresholds:
            tally = self.tally(definition)
            numbers = {"good": tally.good, "samples": tally.samples, "sum": tally.sum}
            thresholds.append(ThresholdResult(definition=definition, **numbers))
        iterations = ScenarioResult(
            name=scenario, iterations=self.requests, failed=self.failed, duration=durations
        )
        return result.model_copy(
            update={"scenarios": [iterations], "steps": [step], "thresholds": thresholds}
        )

    def histogram(self) -> Histogram:
        """Return the durations of the requests."""
        found = Histogram()
        if self.requests:
            found.record_sorted([self.manner.latency_s] * self.requests)
        return found

    def _true(self, metric: str) -> int:
        if metric in _BAD_IF_TRUE:
            return self.failed
        if metric == "checks":
            return self.requests - self.failed
        return round(self.requests * self.manner.true_share.get(metric, 0.0))


def count(manner: Manner, elapsed_s: float) -> Numbers:
    """Return what a runner has counted after so many seconds of load."""
    requests = int(manner.rate_per_s * max(elapsed_s, 0.0))
    return Numbers(requests, round(requests * manner.failed_share), manner)
