"""A threshold as data: what it selects, what it compares, and the three numbers it is judged from.

Made by `grammar` from the user's text, or by `implicit` for asserts and failed iterations; judged by `judging`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from kload_spec.metrics import MetricType, Unit


class Aggregation(StrEnum):
    """What is computed over the samples."""

    AVG = "avg"
    MIN = "min"
    MED = "med"
    MAX = "max"
    PERCENTILE = "p"
    RATE = "rate"
    COUNT = "count"


class Comparison(StrEnum):
    """How the aggregate is compared with the bound."""

    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    EQUAL = "=="
    UNEQUAL = "!="

    def holds(self, value: Fraction | float, bound: Fraction | float) -> bool:
        """Say whether a value compares so with a bound; exact, also between a fraction and a float."""
        match self:
            case Comparison.LESS:
                return value < bound
            case Comparison.AT_MOST:
                return value <= bound
            case Comparison.MORE:
                return value > bound
            case Comparison.AT_LEAST:
                return value >= bound
            case Comparison.EQUAL:
                return value == bound
            case Comparison.UNEQUAL:
                return value != bound


Selector = tuple[tuple[str, str], ...]


class ThresholdError(ValueError):
    """A threshold that cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A rule over a metric.

    Attributes:
        id: stable and short: the same metric, selector and rule have the same id, however they were written.
        metric: name of the metric.
        selector: tags a sample must carry, sorted by tag; empty selects all.
        percentile: 0 to 100 where `aggregation` is PERCENTILE, else None.
        bound: in the base unit of the metric: seconds, bytes, a share 0..1; a counter's rate per `per_s`.
        per_s: unit of time of a counter's rate, in seconds.
        abort: a breach stops the run, but not before `abort_after_s` seconds of load.
        text: as the user wrote it.
        implicit: not written by the user: asserts, failed iterations.
        always: counts samples of setup, teardown and warm-up too (asserts).
    """

    id: str
    metric: str
    type: MetricType
    unit: Unit
    selector: Selector
    aggregation: Aggregation
    op: Comparison
    bound: float
    text: str
    percentile: float | None = None
    per_s: float = 1.0
    abort: bool = False
    abort_after_s: float = 0.0
    implicit: bool = False
    always: bool = False

    @property
    def key(self) -> str:
        """The metric with its selector: ``http_req_failed{scenario:purchase}``."""
        tags = ",".join(f"{tag}:{value}" for tag, value in self.selector)
        return f"{self.metric}{{{tags}}}" if tags else self.metric

    @property
    def is_latency(self) -> bool:
        """Whether it judges times, which a slow generator overstates."""
        return self.type is MetricType.TREND and self.unit is Unit.TIME

    @property
    def depends_on_length(self) -> bool:
        """Whether it judges how much happened, which another load than the manifest's changes.

        That nothing may happen (``count==0``) can be judged of any load.
        """
        if self.type is not MetricType.COUNTER or self.aggregation is not Aggregation.COUNT:
            return False
        if self.op in (Comparison.EQUAL, Comparison.AT_MOST):
            return self.bound != 0
        return self.op is not Comparison.LESS or self.bound > 1

    @property
    def is_upper_bound(self) -> bool:
        """Whether small values are the good ones."""
        return self.op in (Comparison.LESS, Comparison.AT_MOST)


@dataclass(frozen=True, slots=True)
class Tally:
    """The three numbers a threshold is judged from; those of N runners add up.

    What they count depends on the threshold (`judging` has the table): `good` are samples that fulfil the
    comparison (for rates: that are true), `samples` all of them, `sum` their sum.
    """

    good: int = 0
    samples: int = 0
    sum: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of both together."""
        return Tally(self.good + other.good, self.samples + other.samples, self.sum + other.sum)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a threshold stands.

    Attributes:
        observed: the value to show, in the base unit, never on the wrong side of the bound; None: unknown.
        held: None where there was nothing to judge.
        samples: how many samples were judged.
    """

    observed: float | None
    held: bool | None
    samples: int
