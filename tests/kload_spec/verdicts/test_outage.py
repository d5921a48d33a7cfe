"""A target that answered nothing: said first, with what to check."""

from __future__ import annotations

import pytest
from evidence import (
    LOST,
    MANY_FAILED,
    UNSEEN,
    given_that,
)

from kload_spec.verdicts import (
    JudgedThreshold,
    Outage,
    decide,
)

DOWN = Outage(7210, "connect", 7210, "GET http://shop:9/x: shop:9 refused the connection")
NO_ANSWER = (
    "no answer to any of the 7,210 requests: GET http://shop:9/x: shop:9 refused the connection;"
    " is the target running, and its address right (target.baseURL, --target)?"
)


@pytest.mark.parametrize(
    ("thresholds", "reason", "message"),
    [
        pytest.param((), "NothingSucceeded", NO_ANSWER, id="no-thresholds"),
        pytest.param(
            (MANY_FAILED,),
            "ThresholdBroken",
            f"{NO_ANSWER} http_req_failed rate<1% is 5 %",
            id="broken",
        ),
        pytest.param(
            (UNSEEN,),
            "NoSamples",
            f"{NO_ANSWER} http_req_duration{{scenario:x}} p(95)<500ms has no samples",
            id="no-samples",
        ),
    ],
)
def test_a_target_that_answered_nothing_is_said_first(
    thresholds: tuple[JudgedThreshold, ...], reason: str, message: str
) -> None:
    judgement = decide(given_that(thresholds=thresholds, requests=7210, expected=0, outage=DOWN))
    assert (judgement.reason, judgement.message) == (reason, message)


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("dns", "name of the target"),
        ("timeout", "reached"),
        ("tls", "target.tls"),
        ("reset", "running"),
    ],
)
def test_an_outage_says_what_to_check(error: str, advice: str) -> None:
    described = Outage(10, error, 7).describe()
    assert described.startswith(f"no answer to any of the 10 requests: {error} (7 times); ")
    assert advice in described


def test_a_target_that_is_down_does_not_hide_what_kept_a_run_from_starting() -> None:
    judgement = decide(given_that(faults=(LOST,), requests=10, expected=0, outage=DOWN))
    assert judgement.message == LOST.message
