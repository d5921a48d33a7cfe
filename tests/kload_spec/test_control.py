"""Messages between a runner and its leader survive the wire."""

from __future__ import annotations

import math

from kload_spec.control import RunnerPhase, StatusReply, TeardownRequest, ThresholdTotals


def test_an_endless_response_time_survives_the_wire() -> None:
    status = StatusReply(
        phase=RunnerPhase.RUNNING,
        runner=0,
        thresholds={"t": ThresholdTotals(samples=1, sum=math.inf)},
    )
    assert StatusReply.model_validate_json(status.to_json()) == status
    teardown = TeardownRequest(totals={"http_req_response_time": {"max": math.inf}})
    assert TeardownRequest.model_validate_json(teardown.to_json()) == teardown
