"""Setup and teardown: how they fail, what they leave, and the totals that teardown reads."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from kload_runner.engine import PhaseFailed, phases
from kload_runner.engine.assembly import Part
from kload_runner.engine.phases import run_phase, totals_in_ms
from kload_runner.measuring import ScenarioInstruments
from kload_runner.metrics import Recorder
from kload_runner.steps.outcomes import GeneratorExhausted, IterationFailed, RunAborted
from kload_runner.steps.state import RunFacts, State, Surroundings
from kload_runner.users import Iterate
from kload_runner.wire import Wire
from kload_spec.expressions import EvaluationError, Value
from kload_spec.metrics import MetricDefinition, MetricType, Unit


def test_times_are_milliseconds_and_counts_whole() -> None:
    declared = (MetricDefinition("wait", MetricType.TREND, Unit.TIME),)
    totals = {
        "wait": {"count": 2.0, "p95": 0.25},
        "http_reqs": {"count": 7.0, "rate": 3.5},
        "http_req_duration": {"count": 7.0, "max": 1.5},
    }
    found = totals_in_ms(totals, declared)
    assert found == {
        "wait": {"count": 2, "p95": 250.0},
        "http_reqs": {"count": 7, "rate": 3.5},
        "http_req_duration": {"count": 7, "max": 1500.0},
    }
    assert repr(found["http_reqs"]) == "{'count': 7, 'rate': 3.5}", (
        "a text that holds a count has no .0"
    )


def test_a_metric_that_was_never_recorded_counts_zero() -> None:
    declared = (
        MetricDefinition("orders", MetricType.COUNTER),
        MetricDefinition("errors", MetricType.RATE),
        MetricDefinition("wait", MetricType.TREND, Unit.TIME),
    )
    assert totals_in_ms({}, declared) == {
        "orders": {"count": 0, "rate": 0.0},
        "errors": {"count": 0, "passes": 0, "fails": 0},
        "wait": {"count": 0},
    }


class NoWire:
    """A wire that nothing is sent over; counts its clients."""

    open = 0

    def client(self) -> NoWire:
        self.open += 1
        return self

    def close(self) -> None:
        self.open -= 1


class Acting:
    """A behaviour that leaves a variable, or raises."""

    def __init__(
        self, left: object = None, error: Exception | None = None, wait_s: float = 0.0
    ) -> None:
        self.left, self.error, self.wait_s = left, error, wait_s

    def variables(self, state: State) -> dict[str, Value]:
        return {}

    def bind(self, state: State) -> tuple[Iterate | None, Iterate]:
        async def begin() -> None:
            state.at = "spec.setup[3]"

        async def iterate() -> None:
            await asyncio.sleep(self.wait_s)
            if self.error is not None:
                raise self.error
            state.vars["left"] = cast(Any, self.left)

        return begin, iterate


async def play(behaviour: Acting) -> dict[str, Value]:
    surroundings = Surroundings("setup", {}, {}, RunFacts("r", lambda: 0.0), 1, lambda: 0)
    part = Part("setup", surroundings, behaviour, ScenarioInstruments(Recorder(), "setup", print))
    wire = NoWire()
    try:
        return await run_phase(part, cast(Wire, wire), {"given": 1}, {})
    finally:
        assert wire.open == 0


async def test_a_phase_leaves_its_variables_as_other_processes_read_them() -> None:
    assert await play(Acting(left=(1, "a"))) == {"given": 1, "left": [1, "a"]}


async def test_what_is_no_json_value_cannot_be_left() -> None:
    with pytest.raises(
        PhaseFailed, match=r"^setup left something that is no JSON value: .*; save text"
    ):
        await play(Acting(left=object()))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(IterationFailed("no stock"), "spec.setup[3]: no stock", id="failed"),
        pytest.param(
            IterationFailed("no stock", "buy.py:3"), "buy.py:3: no stock", id="in-a-script"
        ),
        pytest.param(EvaluationError("no key"), "spec.setup[3]: no key", id="evaluation"),
        pytest.param(
            RunAborted("wrong target"), "spec.setup[3]: aborted: wrong target", id="abort"
        ),
        pytest.param(
            GeneratorExhausted(), "spec.setup[3]: this machine has no free port", id="ports"
        ),
    ],
)
async def test_a_phase_fails_with_its_place_and_cause(error: Exception, said: str) -> None:
    with pytest.raises(PhaseFailed) as failed:
        await play(Acting(error=error))
    assert str(failed.value).startswith(f"setup failed at {said}")


async def test_a_phase_has_a_longest_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phases, "PHASE_TIMEOUT_S", 0.01)
    with pytest.raises(PhaseFailed, match=r"^setup took longer than .* at spec\.setup\[3\]$"):
        await play(Acting(wait_s=60.0))
