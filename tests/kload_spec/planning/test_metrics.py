"""Declared metrics: names that would be two things at once are refused."""

from __future__ import annotations

from typing import Any

import pytest

from kload_spec.errors import InvalidSpec
from kload_spec.planning import Overrides, plan


def declared(name: str, **metric: Any) -> tuple[str, ...]:
    return all_declared({name: metric})


def all_declared(metrics: dict[str, Any]) -> tuple[str, ...]:
    document = {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "metrics"},
        "spec": {
            "target": {"baseURL": "http://127.0.0.1"},
            "metrics": metrics,
            "scenarios": {
                "s": {"executor": "constant-vus", "duration": "1s", "steps": [{"get": "/"}]}
            },
        },
    }
    return tuple(metric.name for metric in plan(document, Overrides()).metrics)


def test_a_metric_of_ones_own_is_planned() -> None:
    assert "checkout_duration" in declared("checkout_duration", type="trend", unit="time")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param("http_reqs", "'http_reqs' is built in", id="built-in"),
        pytest.param("http_req_errors", "are kload's own", id="family-of-a-runner"),
        pytest.param("runner_info", "are kload's own", id="about-the-runner"),
        pytest.param("threshold_good", "are kload's own", id="about-thresholds"),
        pytest.param("run_verdict", "are kload's own", id="about-the-run"),
    ],
)
def test_a_name_kload_uses_is_refused(name: str, says: str) -> None:
    with pytest.raises(InvalidSpec, match=says):
        declared(name, type="counter")


@pytest.mark.parametrize(
    ("name", "metric", "says"),
    [
        pytest.param(
            "data_sent_bytes",
            {"type": "counter"},
            "kload_data_sent_bytes on /metrics, as the built-in data_sent is",
            id="counter-with-the-unit-in-its-name",
        ),
        pytest.param(
            "iteration_duration_seconds_sum",
            {"type": "gauge"},
            "as the built-in iteration_duration is",
            id="a-series-of-a-histogram",
        ),
        pytest.param("checks_total", {"type": "counter"}, "the built-in checks", id="total"),
    ],
)
def test_a_name_that_would_be_a_built_in_series_is_refused(
    name: str, metric: dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidSpec, match=says):
        declared(name, **metric)


def test_two_metrics_that_share_a_series_are_refused() -> None:
    with pytest.raises(
        InvalidSpec, match=r"kload_paid_bytes on /metrics, as spec\.metrics\.paid is"
    ):
        all_declared(
            {"paid": {"type": "counter", "unit": "bytes"}, "paid_bytes": {"type": "counter"}}
        )
