"""What the dashboard asks for is what runners expose: names of series, and labels."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest
from exchanges import answered, failed
from prometheus_client.parser import text_string_to_metric_families

from kload_runner.metrics import Recorder
from kload_runner.metrics.exposition import Exposition, RunLabels
from kload_runner.wire import ErrorClass
from kload_spec.dashboard import ROWS
from kload_spec.metrics import BUILTIN
from kload_spec.thresholds import parse_threshold

QUERIES = [
    pytest.param(query.promql, id=f"{panel.title}-{number}")
    for row in ROWS
    for panel in row.panels
    for number, query in enumerate(panel.queries)
    if "kload_run_" not in query.promql  # the operator's; test_telemetry.py
]
SERIES = re.compile(r"max by \(([^)]*)\) \((?:rate\()?(kload_\w+)\{")


@pytest.fixture(scope="module")
def exposed() -> dict[str, set[str]]:
    """Return the labels of every series of a runner that has seen an answer and an error."""
    recorder = Recorder([], [parse_threshold("http_req_duration", "p(95)<500ms", BUILTIN)])
    recorder.scenario("buy", "constant-arrival-rate", open_loop=True)
    step = recorder.step("buy", "create")
    step.check("ok")
    step.exchange(answered(0.02), True)
    step.exchange(failed(ErrorClass.CONNECT), False)
    text = Exposition(recorder, RunLabels("uid-1", "tickets", "0")).render().decode()
    found: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] |= set(sample.labels)
    return found


@pytest.mark.parametrize("promql", QUERIES)
def test_runners_have_what_the_dashboard_asks_for(
    exposed: dict[str, set[str]], promql: str
) -> None:
    asked = SERIES.findall(promql)
    assert asked
    for labels, name in asked:
        assert name in exposed
        assert {label.strip() for label in labels.split(",")} <= exposed[name]
