"""The three numbers of every threshold, as they stand.

Trends are counted value by value, by `trends`, into a `Submetric`. Everything else is worked out when it is asked for,
from counters that exist anyway: a threshold over requests, checks or iterations costs the hot path nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from kload_runner.metrics.registry import Registry, Tags
from kload_spec.histogram import Histogram
from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricType
from kload_spec.thresholds import Selector, Tally, Threshold, tally_sorted

Source = Callable[[], tuple[int, int, float]]  # good, samples, sum
Occasions = Callable[[], int]


class Submetric:
    """The samples of a trend that one selector selects, and the thresholds over them."""

    __slots__ = ("histogram", "outside", "rules", "tallies")

    def __init__(self, rules: Iterable[Threshold]) -> None:
        self.rules = tuple(rules)
        self.tallies = [Tally() for _ in self.rules]
        self.histogram = Histogram()
        self.outside = any(
            dict(rule.selector).get("scenario") in OUTSIDE_THE_LOAD for rule in self.rules
        )

    def add_sorted(self, values: Sequence[float], buckets: Mapping[int, int] | None) -> None:
        """Count values, sorted upwards; `buckets` are their counts by histogram bucket, None: not known."""
        self.histogram.record_sorted(values, buckets)
        tallies = self.tallies
        for position, rule in enumerate(self.rules):
            tallies[position] += tally_sorted(rule, values)

    def restart(self) -> None:
        """Forget what the warm-up brought."""
        if not self.outside:
            self.tallies = [Tally() for _ in self.rules]
            self.histogram = Histogram()


class Tallies:
    """Good, samples and sum of all thresholds of a run."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._submetrics: dict[tuple[str, Selector], Submetric] = {}
        self._sources: dict[str, list[Source]] = {item.id: [] for item in registry.thresholds}
        self._occasions: list[tuple[Tags, Occasions]] = []
        trends: dict[tuple[str, Selector], list[Threshold]] = {}
        for item in registry.thresholds:
            if item.type is MetricType.TREND:
                trends.setdefault((item.metric, item.selector), []).append(item)
        for key, rules in trends.items():
            self._submetrics[key] = Submetric(rules)

    def submetrics(self, metric: str, tags: Tags) -> tuple[Submetric, ...]:
        """Return where the values of a trend with these tags have to be counted."""
        keys = {(item.metric, item.selector) for item in self._registry.concerned(metric, tags)}
        return tuple(self._submetrics[key] for key in sorted(keys))

    def named(self, tag: str) -> frozenset[str]:
        """Return the values of a tag that selectors name."""
        selectors = (dict(item.selector) for item in self._registry.thresholds)
        return frozenset(selector[tag] for selector in selectors if tag in selector)

    def attach(
        self, metric: str, tags: Tags, measured: Source, lifetime: Source | None = None
    ) -> None:
        """Let a counter or rate with these tags take part.

        Args:
            measured: what it counted, without warm-up.
            lifetime: the same with warm-up, for asserts; None: it has no warm-up.
        """
        for item in self._registry.concerned(metric, tags):
            source = lifetime if item.always and lifetime is not None else measured
            self._sources[item.id].append(source)

    def attach_occasions(self, tags: Tags, occasions: Occasions) -> None:
        """Let a scenario say how often it had the occasion to count something; see `thresholds.judging`."""
        self._occasions.append((tags, occasions))

    def restart(self) -> None:
        """Forget the values that the warm-up brought."""
        for submetric in self._submetrics.values():
            submetric.restart()

    def histogram(self, threshold: Threshold) -> Histogram | None:
        """Return the distribution of a trend's selected samples, for display."""
        found = self._submetrics.get((threshold.metric, threshold.selector))
        return None if found is None else found.histogram

    def read(self) -> dict[str, Tally]:
        """Return the numbers of every threshold by its id."""
        found = {item.id: self._derived(item) for item in self._registry.thresholds}
        for submetric in self._submetrics.values():
            for rule, tally in zip(submetric.rules, submetric.tallies, strict=True):
                found[rule.id] = tally
        return found

    def _derived(self, threshold: Threshold) -> Tally:
        good, samples, total = 0, 0, 0.0
        for source in self._sources[threshold.id]:
            more_good, more_samples, more_total = source()
            good, samples, total = good + more_good, samples + more_samples, total + more_total
        if threshold.type is MetricType.COUNTER:
            # Whichever is more; both only grow, as Prometheus wants it.
            occasions = sum(
                count() for tags, count in self._occasions if _concerns(threshold, tags)
            )
            samples = max(samples, occasions)
        return Tally(good, samples, total)


def _concerns(threshold: Threshold, tags: Tags) -> bool:
    """Whether a scenario is one whose samples the selector could select."""
    selected = dict(threshold.selector)
    scenario = tags["scenario"]
    if scenario in OUTSIDE_THE_LOAD and selected.get("scenario") != scenario:
        return False
    return all(tags[tag] == value for tag, value in selected.items() if tag in tags)
