"""Messages between a runner and its leader survive the wire."""

from __future__ import annotations

import math

from kload_spec.control import (
    RunnerPhase,
    StatusReply,
    TeardownRequest,
    ThresholdTotals,
    token_hash,
    token_matches,
)


def test_a_token_is_known_by_its_hash() -> None:
    # SHA-256 of "abc": FIPS 180-2, appendix B.1.
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert token_hash("abc") == known
    assert token_matches("abc", known)
    assert not token_matches("abd", known)


def test_an_endless_response_time_survives_the_wire() -> None:
    status = StatusReply(
        phase=RunnerPhase.RUNNING,
        runner=0,
        thresholds={"t": ThresholdTotals(samples=1, sum=math.inf)},
    )
    assert StatusReply.model_validate_json(status.to_json()) == status
    teardown = TeardownRequest(totals={"http_req_response_time": {"max": math.inf}})
    assert TeardownRequest.model_validate_json(teardown.to_json()) == teardown
