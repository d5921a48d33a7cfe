"""What can be said of a plan before it runs."""

from __future__ import annotations

from typing import Any

import pytest
from manifests import manifest, scenario, with_steps

from kload_spec.planning import describe, plan

ARRIVALS = {
    "executor": "constant-arrival-rate",
    "rate": 10,
    "duration": "10s",
    "steps": [{"get": "/", "timeout": "5s"}],
}


def test_a_closed_loop_sends_as_much_as_the_target_allows() -> None:
    said = describe(plan(manifest()))
    assert (said.load_s, said.longest_s, said.max_vus, said.requests) == (10.0, 40.0, 2, None)
    assert said.scenarios[0].load == "2 VUs for 10s"


def test_counted_load_says_how_many_requests_there_are_at_most() -> None:
    steps: list[dict[str, Any]] = [
        {"get": "/a"},
        {"if": "vu > 1", "then": [{"get": "/b"}, {"get": "/c"}], "else": [{"get": "/d"}]},
        {"repeat": {"times": 3, "steps": [{"get": "/e"}]}},
        {"foreach": {"in": [1], "as": "x", "max": 4, "steps": [{"get": "/f"}]}},
        {
            "pick": [
                {"weight": 1, "steps": [{"get": "/g"}, {"get": "/h"}]},
                {"weight": 0, "steps": [{"get": "/i"}] * 9},
            ]
        },
        {"call": "b"},
        {"sleep": "1s"},
    ]
    written = {
        "executor": "shared-iterations",
        "vus": 2,
        "iterations": 10,
        "steps": steps,
        "start": [{"get": "/login"}],
    }
    said = describe(plan(manifest(scenarios={"buy": written}, blocks={"b": [{"get": "/j"}]})))
    assert said.scenarios[0].requests_per_iteration == 1 + 2 + 3 + 4 + 2 + 1
    assert said.requests == 10 * 13 + 2


@pytest.mark.parametrize(
    ("written", "phrase"),
    [
        (
            {"executor": "per-vu-iterations", "vus": 3, "iterations": 2},
            "3 VUs × 2 iterations, at most 10m",
        ),
        ({"executor": "shared-iterations"}, "1 iterations by 1 VUs, at most 10m"),
        (
            {"executor": "ramping-vus", "stages": [{"duration": "5s", "target": 3}]},
            "ramping VUs 1 → 3 (5s)",
        ),
        (
            {
                "executor": "constant-arrival-rate",
                "rate": 6,
                "timeUnit": "1m",
                "duration": "2m",
                "maxVUs": 4,
            },
            "6 iterations per 1m for 2m, at most 4 VUs",
        ),
        (
            {
                "executor": "ramping-arrival-rate",
                "stages": [{"duration": "5s", "target": 3}],
                "maxVUs": 4,
            },
            "ramping 0 → 3 (5s) iterations per 1s, at most 4 VUs",
        ),
    ],
    ids=str,
)
def test_load_is_put_in_words(written: dict[str, Any], phrase: str) -> None:
    said = describe(plan(manifest(scenarios={"buy": {**written, "steps": [{"get": "/"}]}})))
    assert said.scenarios[0].load == phrase


def warnings_of(**spec: Any) -> str:
    return "\n".join(describe(plan(manifest(**spec))).warnings)


def test_a_pool_below_rate_times_timeout_is_a_warning() -> None:
    assert "maxVUs 20 is below rate × timeout (50)" in warnings_of(
        scenarios={"buy": {**ARRIVALS, "maxVUs": 20}}
    )
    assert "maxVUs" not in warnings_of(scenarios={"buy": ARRIVALS})


def test_response_time_is_recommended_for_arrival_rates() -> None:
    duration = {"http_req_duration": ["p(95)<1s"]}
    assert "http_req_response_time" in warnings_of(scenarios={"buy": ARRIVALS}, thresholds=duration)
    assert "http_req_response_time" not in warnings_of(thresholds=duration)
    both = {**duration, "http_req_response_time": ["p(95)<1s"]}
    assert "http_req_response_time" not in warnings_of(scenarios={"buy": ARRIVALS}, thresholds=both)


def test_missing_thresholds_are_a_warning() -> None:
    assert "no thresholds: only the implicit rules are judged" in warnings_of()
    assert "no thresholds" not in warnings_of(thresholds={"checks": ["rate>99%"]})


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"runners": {"replicas": 5}}, "5 runners are more than any scenario has VUs"),
        (
            {"activeDeadlineSeconds": 5},
            "activeDeadlineSeconds stops the run after 5s, before the load ends",
        ),
        (
            {"target": {"baseURL": "https://x.test", "tls": {"insecureSkipVerify": True}}},
            "certificates are not verified",
        ),
        ({"metrics": {"m": {"type": "trend"}}}, "metric m is never recorded"),
        ({"data": {"users": {"rows": [{"a": 1}]}}}, "data feed users is not used by any scenario"),
    ],
    ids=str,
)
def test_what_looks_like_a_mistake_is_a_warning(spec: dict[str, Any], said: str) -> None:
    assert said in warnings_of(**spec)


def test_a_right_file_has_no_warnings() -> None:
    thresholds = {"http_req_failed": ["rate<1%"]}
    assert (
        warnings_of(
            thresholds=thresholds, scenarios={"a": scenario(vus=2)}, runners={"replicas": 2}
        )
        == ""
    )
    assert describe(plan(with_steps({"get": "/"}, thresholds=thresholds))).thresholds == (
        "http_req_failed rate<1%",
        "iterations_failed rate<1% (implicit)",
    )


def test_a_script_may_send_anything() -> None:
    written = {
        "executor": "constant-arrival-rate",
        "rate": 5,
        "duration": "5s",
        "maxVUs": 1,
        "exec": "buy",
    }
    said = describe(plan(manifest(scenarios={"buy": written}, script={"entry": "x.py"})))
    assert (said.scenarios[0].requests_per_iteration, said.requests) == (None, None)
    assert "maxVUs" not in "\n".join(said.warnings)


def test_a_pool_is_measured_by_the_peak_of_a_ramp_and_by_requests_wherever_they_are() -> None:
    slow = {"get": "/", "timeout": "10s"}
    steps: list[dict[str, Any]] = [
        {
            "if": "vu > 1",
            "then": [
                {"pick": [{"weight": 1, "steps": [{"repeat": {"times": 2, "steps": [slow]}}]}]}
            ],
        },
        {"sleep": "1s"},
    ]
    written = {
        "executor": "ramping-arrival-rate",
        "startRate": 2,
        "stages": [{"duration": "5s", "target": 1}],
        "maxVUs": 5,
        "steps": steps,
    }
    assert "maxVUs 5 is below rate × timeout (20)" in warnings_of(scenarios={"buy": written})
