"""Samples of declared metrics, per step.

`add` takes a value of the language: times in milliseconds, as in k6; they are kept in seconds. A value that is no
number (or a counter's going back) is refused, counted, and told to whoever added it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import isfinite

from typing_extensions import override

from kload_runner.metrics.series import MetricPoints
from kload_runner.metrics.tallies import Submetric, Tallies
from kload_runner.metrics.trends import BATCH, PublicHistogram, Trend
from kload_spec.metrics import MetricDefinition, MetricType, Unit


class RefusedSample(ValueError):
    """A value that a metric cannot take; the message says which would be right."""


class MetricRecorder(ABC):
    """One declared metric in one step; see the subclasses for what `add` does."""

    def __init__(
        self, definition: MetricDefinition, tags: Mapping[str, str], own_tags: Mapping[str, str]
    ) -> None:
        self.definition, self.tags, self.own_tags = definition, dict(tags), dict(own_tags)
        self.divisor = 1000.0 if definition.unit is Unit.TIME else 1.0
        self.samples, self.sum = 0, 0.0
        self.refused = 0
        self.points = MetricPoints()
        self._samples_before, self._sum_before = 0, 0.0

    @abstractmethod
    def add(self, value: object) -> None:
        """Record a value.

        Raises:
            RefusedSample: if it is not one this metric can take; it has been counted as refused.
        """

    def _number(self, value: object) -> float:
        """Return a value of the language in the metric's base unit."""
        if isinstance(value, (int, float)) and value is not True and value is not False:
            try:
                number = value / self.divisor
            except OverflowError:
                number = float("inf")
            if isfinite(number):
                return number
        self.refused += 1
        raise RefusedSample(f"{self.definition.name} takes numbers, not {value!r}")

    @property
    def trend(self) -> Trend | None:
        """The distribution, for trends."""
        return None

    def measured(self) -> tuple[int, int, float]:
        """Return good, samples and sum without warm-up."""
        samples, total = self.samples - self._samples_before, self.sum - self._sum_before
        return samples, samples, total

    def roll(self) -> None:  # noqa: B027  # most have nothing pending
        """Work off what is pending."""

    def restart(self) -> None:
        """Take what was recorded so far as warm-up."""
        self._samples_before, self._sum_before = self.samples, self.sum


class CounterRecorder(MetricRecorder):
    """A sum that only grows; true adds 1, false adds 0."""

    @override
    def add(self, value: object) -> None:
        """Add to the sum."""
        if value is True or value is False:
            self.samples += 1
            self.sum += value
            return
        number = self._number(value)
        if number < 0.0:
            self.refused += 1
            raise RefusedSample(
                f"{self.definition.name} is a counter and only grows; {value!r} is below 0"
            )
        self.samples += 1
        self.sum += number


class RateRecorder(MetricRecorder):
    """The share of true samples; numbers other than 0 are true."""

    @override
    def add(self, value: object) -> None:
        """Count one sample."""
        if value is True or value is False:
            self.samples += 1
            self.sum += value
            return
        number = self._number(value)
        self.samples += 1
        self.sum += number != 0.0

    @override
    def measured(self) -> tuple[int, int, float]:
        """Return true samples, all samples and true samples without warm-up."""
        samples, good = self.samples - self._samples_before, self.sum - self._sum_before
        return int(good), samples, good


class GaugeRecorder(MetricRecorder):
    """The latest value; `sum` holds it."""

    @override
    def add(self, value: object) -> None:
        """Take the value's place."""
        number = self._number(value)
        self.samples += 1
        self.sum = number

    @override
    def restart(self) -> None:
        """Keep the value: it is still the latest."""
        self._samples_before = self.samples


class TrendRecorder(MetricRecorder):
    """A distribution."""

    def __init__(
        self,
        definition: MetricDefinition,
        tags: Mapping[str, str],
        own_tags: Mapping[str, str],
        submetrics: tuple[Submetric, ...],
    ) -> None:
        super().__init__(definition, tags, own_tags)
        self._trend = Trend(PublicHistogram(definition.unit))
        self._submetrics = submetrics
        self._pending: list[float] = []

    @override
    def add(self, value: object) -> None:
        """Add a value."""
        pending = self._pending
        pending.append(self._number(value))
        if len(pending) >= BATCH:
            self._drain()

    @property
    @override
    def trend(self) -> Trend:
        """The distribution."""
        return self._trend

    def _drain(self) -> None:
        pending = self._pending
        if pending:
            self.samples += len(pending)
            self.sum += sum(pending)
            self._trend.add(pending, self._submetrics)
            self._pending = []

    @override
    def roll(self) -> None:
        """Work off what is pending and move the window into the total."""
        self._drain()
        self._trend.roll()

    @override
    def restart(self) -> None:
        """Take what was recorded so far as warm-up."""
        self.roll()
        self._trend.restart()
        super().restart()


def metric_recorder(
    definition: MetricDefinition,
    tags: Mapping[str, str],
    own_tags: Mapping[str, str],
    tallies: Tallies,
) -> MetricRecorder:
    """Return the recorder of a metric in a step, its thresholds attached."""
    match definition.type:
        case MetricType.TREND:
            return TrendRecorder(
                definition, tags, own_tags, tallies.submetrics(definition.name, tags)
            )
        case MetricType.COUNTER:
            recorder: MetricRecorder = CounterRecorder(definition, tags, own_tags)
        case MetricType.RATE:
            recorder = RateRecorder(definition, tags, own_tags)
        case MetricType.GAUGE:
            return GaugeRecorder(definition, tags, own_tags)
    tallies.attach(definition.name, tags, recorder.measured)
    return recorder
