"""docs/thresholds.md says what is so: its examples parse, its tables name every aggregation and unit."""

from __future__ import annotations

from pathlib import Path

import yaml

from kload_spec.metrics import BUILTIN, MetricDefinition, MetricType
from kload_spec.thresholds import Aggregation, parse_threshold
from kload_spec.thresholds.grammar import BYTE_UNITS, TIME_UNITS_S

PAGE = (Path(__file__).parents[2] / "docs" / "thresholds.md").read_text(encoding="utf-8")


def test_the_example_is_accepted() -> None:
    metrics = {**BUILTIN, "events": MetricDefinition("events", MetricType.COUNTER, per_s=60.0)}
    example = yaml.safe_load(PAGE.split("```yaml\n")[1].split("```")[0])["thresholds"]
    for key, rules in example.items():
        for rule in rules:
            assert parse_threshold(key, rule, metrics).text == rule


def test_every_aggregation_and_unit_is_named() -> None:
    for aggregation in Aggregation:
        assert (
            f"{aggregation.value}(" in PAGE or aggregation.value in PAGE.replace("`", " ").split()
        )
    words = PAGE.replace("`", " ").replace(";", " ").split()
    aliases = {"µs", "KB"}
    assert {*TIME_UNITS_S, *BYTE_UNITS} - aliases <= set(words)
