"""Requests of a script: what a call's headers change about how they are sent."""

from __future__ import annotations

from typing import Any

import pytest

from kload_runner.script.sending import Defaults, Options, Sender
from kload_runner.steps.fields import FieldPlan

WAITS = (("Expect", "100-continue"),)


@pytest.mark.parametrize(
    ("shared", "own", "waits"),
    [
        pytest.param((), None, False, id="nowhere"),
        pytest.param(WAITS, None, True, id="of-the-target"),
        pytest.param((), {"expect": "100-Continue"}, True, id="of-the-call"),
        pytest.param(WAITS, {"Expect": ""}, False, id="taken-away-by-the-call"),
    ],
)
def test_a_body_waits_for_the_100_that_its_head_asks_for(
    shared: tuple[tuple[str, str], ...], own: dict[str, str] | None, waits: bool
) -> None:
    fields = FieldPlan(fixed=shared, varying=())
    sender = Sender(Defaults("http://127.0.0.1", fields, "kload", 1.0, 0))
    state: Any = None  # nothing varies
    request = sender.request(state, "POST", "/", "", Options(headers=own))
    assert request.expect_continue is waits
