"""Thresholds: the user's own, read and checked against what the run can measure; and the implicit ones.

A rule about a scenario (step, check) that is not part of this run, because it is disabled or `--scenario` leaves it
out, is left out too: it could only be inconclusive. A rule about one that does not exist at all is a mistake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from kload_spec.metrics import OUTSIDE_THE_LOAD, MetricDefinition
from kload_spec.paths import child
from kload_spec.planning.compilation import Compiler
from kload_spec.planning.surroundings import Findings
from kload_spec.thresholds import (
    Threshold,
    ThresholdError,
    assert_threshold,
    iterations_failed_threshold,
    parse_threshold,
)

THRESHOLDS = "spec.thresholds"
RESPONSE_TIME = "http_req_response_time"  # from an intended start, which only an arrival rate has


@dataclass(frozen=True, slots=True)
class Measured:
    """What can be measured.

    Attributes:
        metrics: by name.
        scenarios: names of scenarios.
        findings: what their programs measure.
        scripted: code measures too, so that steps, checks and tags are not all known.
        arrivals: the scenarios with an arrival rate -> their steps.
    """

    metrics: Mapping[str, MetricDefinition]
    scenarios: frozenset[str]
    findings: Findings
    scripted: bool
    arrivals: Mapping[str, Collection[str]]

    def tags(self) -> Mapping[str, Collection[str] | None] | None:
        """Return the known values of tags as `parse_threshold` takes them."""
        if self.scripted:
            return None
        found = self.findings
        return {
            **found.tags,
            "scenario": {*self.scenarios, *OUTSIDE_THE_LOAD},
            "step": found.steps,
            "check": {**found.checks, **found.asserts},
        }

    def can_sample(self, threshold: Threshold) -> bool:
        """Say whether a threshold's metric is measured where its selector looks."""
        if threshold.metric != RESPONSE_TIME:
            return True
        selector = dict(threshold.selector)
        scenario, step = selector.get("scenario"), selector.get("step")
        found = [steps for name, steps in self.arrivals.items() if scenario in (None, name)]
        return bool(found) and (
            step is None or self.scripted or any(step in steps for steps in found)
        )


def explicit(
    rules: Mapping[str, Collection[str]],
    everything: Measured,
    running: Measured,
    compiler: Compiler,
) -> tuple[tuple[Threshold, ...], tuple[str, ...]]:
    """Return the user's thresholds that can be judged, and a note for each that is left out."""
    kept: dict[str, Threshold] = {}
    notes = []
    for path, key, text in _each(rules):
        try:
            threshold = parse_threshold(key, text, everything.metrics, everything.tags())
        except ThresholdError as error:
            compiler.problem(path, str(error))
            continue
        if threshold.id in kept:
            compiler.problem(
                path, f"{text!r} is the same rule as {kept[threshold.id].text!r}; keep one"
            )
            continue
        if not everything.can_sample(threshold):
            compiler.problem(path, _NO_INTENDED_START.format(key=threshold.key))
            continue
        absent = _absent(threshold, everything, running)
        if absent:
            notes.append(
                f"{threshold.key} {threshold.text} is not judged: {absent} is not part of this run"
            )
        else:
            kept[threshold.id] = _with_asserts(threshold, running)
    return tuple(kept.values()), tuple(notes)


def implicit(running: Measured, explicit_ones: Collection[Threshold]) -> Iterator[Threshold]:
    """Yield the thresholds nobody writes, unless they are the user's own: for each assert, and `iterations_failed`."""
    written = {rule.id for rule in explicit_ones}
    for name in sorted(running.findings.asserts):
        rule = assert_threshold(name)
        if rule.id not in written:  # two rules of one id would be counted twice
            yield rule
    if not any(rule.metric == "iterations_failed" and not rule.selector for rule in explicit_ones):
        yield iterations_failed_threshold()


def _with_asserts(threshold: Threshold, running: Measured) -> Threshold:
    """Return a rule that says what an assert says as that assert is counted: in setup, teardown and warm-up too."""
    asserts = (assert_threshold(name).id for name in running.findings.asserts)
    return replace(threshold, always=True) if threshold.id in asserts else threshold


def _each(rules: Mapping[str, Collection[str]]) -> Iterator[tuple[str, str, str]]:
    for key, texts in sorted(rules.items()):
        for index, text in enumerate(texts):
            yield child(child(THRESHOLDS, key), index), key, text


_NO_INTENDED_START = (
    "{key} would never have a sample: it runs from the instant at which an iteration was to start, which only"
    " scenarios with an arrival rate have; use http_req_duration, or one of the executors constant-arrival-rate and"
    " ramping-arrival-rate"
)


def _absent(threshold: Threshold, everything: Measured, running: Measured) -> str | None:
    """Return what a threshold needs that exists but is not part of this run."""
    if not running.can_sample(threshold):
        return "an arrival rate"
    if everything.scripted:
        missing = dict(threshold.selector).get("scenario")
        return (
            f"scenario {missing}" if missing in everything.scenarios - running.scenarios else None
        )
    now = running.tags() or {}
    for tag, value in threshold.selector:
        known = now.get(tag)
        if tag in (everything.tags() or {}) and (known is None or value not in known):
            return f"{tag} {value}"
    recorded = everything.findings.recorded - running.findings.recorded
    return f"metric {threshold.metric}" if threshold.metric in recorded else None
