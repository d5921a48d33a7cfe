"""Thresholds on http_req_response_time: only an arrival rate has the intended starts they are about."""

from __future__ import annotations

from typing import Any

import pytest

from kload_spec.errors import InvalidSpec
from kload_spec.plan import Plan
from kload_spec.planning import Overrides, plan

CLOSED = {"executor": "constant-vus", "duration": "1s", "steps": [{"name": "look", "get": "/"}]}
OPEN = {
    "executor": "constant-arrival-rate",
    "rate": 10,
    "duration": "1s",
    "steps": [{"name": "buy", "get": "/"}],
}


def planned(key: str, overrides: Overrides | None = None, **scenarios: Any) -> Plan:
    document = {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "times"},
        "spec": {
            "target": {"baseURL": "http://127.0.0.1"},
            "scenarios": scenarios,
            "thresholds": {key: ["p(95)<500ms"]},
        },
    }
    return plan(document, overrides)


def keys(of: Plan) -> list[str]:
    return [threshold.key for threshold in of.thresholds if not threshold.implicit]


@pytest.mark.parametrize(
    ("key", "scenarios"),
    [
        pytest.param("http_req_response_time", {"closed": CLOSED}, id="no-arrival-rate"),
        pytest.param(
            "http_req_response_time{scenario:closed}",
            {"closed": CLOSED, "open": OPEN},
            id="scenario-without-one",
        ),
        pytest.param(
            "http_req_response_time{step:look}",
            {"closed": CLOSED, "open": OPEN},
            id="step-of-a-scenario-without-one",
        ),
        pytest.param("http_req_response_time{scenario:setup}", {"open": OPEN}, id="setup"),
    ],
)
def test_a_rule_that_could_never_have_a_sample_is_refused(
    key: str, scenarios: dict[str, Any]
) -> None:
    with pytest.raises(InvalidSpec, match=r"would never have a sample.*use http_req_duration"):
        planned(key, **scenarios)


@pytest.mark.parametrize(
    "key",
    [
        "http_req_response_time",
        "http_req_response_time{scenario:open}",
        "http_req_response_time{step:buy}",
    ],
)
def test_a_rule_that_selects_an_arrival_rate_is_kept(key: str) -> None:
    assert keys(planned(key, closed=CLOSED, open=OPEN)) == [key]


def test_a_quick_run_leaves_the_rule_out_and_says_so() -> None:
    quick = planned("http_req_response_time", Overrides(vus=1), open=OPEN)
    assert keys(quick) == []
    assert [note for note in quick.notes if "http_req_response_time" in note] == [
        "http_req_response_time p(95)<500ms is not judged: an arrival rate is not part of this run"
    ]
