"""Which metrics there are, and which thresholds a set of tags concerns.

Selectors are resolved when something is bound (a step, a check, an answer of a new kind), never per sample. Samples
of setup and teardown concern only thresholds that select them, and asserts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kload_spec.metrics import BUILTIN, OUTSIDE_THE_LOAD, MetricDefinition
from kload_spec.thresholds import Threshold

Tags = Mapping[str, str]


class Registry:
    """The metrics of a run by name, and its thresholds by metric."""

    def __init__(
        self, metrics: Iterable[MetricDefinition] = (), thresholds: Iterable[Threshold] = ()
    ) -> None:
        self.custom: dict[str, MetricDefinition] = {metric.name: metric for metric in metrics}
        self.thresholds: tuple[Threshold, ...] = tuple(thresholds)
        self._by_metric: dict[str, list[Threshold]] = {}
        for threshold in self.thresholds:
            self._by_metric.setdefault(threshold.metric, []).append(threshold)

    def definition(self, name: str) -> MetricDefinition:
        """Return a declared or built-in metric.

        Raises:
            KeyError: if there is none of that name; the plan has checked all names that a manifest uses.
        """
        found = self.custom.get(name) or BUILTIN.get(name)
        if found is None:
            raise KeyError(f"{name!r} is no metric of this plan; declare it under spec.metrics")
        return found

    def concerned(self, metric: str, tags: Tags) -> list[Threshold]:
        """Return the thresholds over a metric that a sample with these tags counts for."""
        return [item for item in self._by_metric.get(metric, ()) if selects(item, tags)]


def selects(threshold: Threshold, tags: Tags) -> bool:
    """Tell whether a sample with these tags counts for a threshold."""
    if any(tags.get(tag) != value for tag, value in threshold.selector):
        return False
    scenario = tags.get("scenario")
    if scenario in OUTSIDE_THE_LOAD and not threshold.always:
        return ("scenario", scenario) in threshold.selector
    return True
