"""Instruments: what steps, scripts and virtual users observe arrives in the recorder, in its words."""

from __future__ import annotations

import pytest
from exchanges import answered

from kload_runner.measuring import ScenarioInstruments
from kload_runner.metrics import Recorder
from kload_runner.steps.state import RunFacts, State, Surroundings
from kload_spec.expressions import EvaluationError, Value
from kload_spec.metrics import MetricDefinition, MetricType
from kload_spec.program import StatusSet


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder([MetricDefinition(kind.value, kind) for kind in MetricType])
    recorder.scenario("buy", "constant-vus")
    return recorder


@pytest.fixture
def instruments(recorder: Recorder) -> ScenarioInstruments:
    return ScenarioInstruments(recorder, "buy", lambda _: None)


def state() -> State:
    return State(Surroundings("buy", {}, {}, RunFacts("r", lambda: 0.0), 1, lambda: 0), 7)


def errors(recorder: Recorder) -> list[tuple[str, ...]]:
    return [(*key, error.sample) for key, error in recorder.errors.items()]


def test_a_failed_iteration_is_counted_with_its_place(
    recorder: Recorder, instruments: ScenarioInstruments
) -> None:
    instruments.failure(state(), "no stock", "steps[2]")
    instruments.failure(state(), "KeyError", "buy.py:3", "Traceback ...")
    instruments.failure(state(), "no row", "")
    assert errors(recorder) == [
        ("buy", "", "step", "steps[2]: no stock", "VU 7, iteration 0: steps[2]: no stock"),
        ("buy", "", "script", "buy.py:3: KeyError", "Traceback ..."),
        ("buy", "", "step", "no row", "VU 7, iteration 0: no row"),
    ]


@pytest.mark.parametrize(
    ("ranges", "foreseen"),
    [
        pytest.param(((200, 399),), {200}, id="a-range-with-200"),
        pytest.param(((400, 499),), {400}, id="a-range-without"),
        pytest.param(((201, 201), (409, 409), (300, 399)), {201, 409}, id="what-is-named"),
    ],
)
def test_the_likely_answers_have_their_series_before_the_first(
    recorder: Recorder,
    instruments: ScenarioInstruments,
    ranges: tuple[tuple[int, int], ...],
    foreseen: set[int],
) -> None:
    record = instruments.step("pay").request("GET", StatusSet(ranges))
    step = recorder.step("buy", "pay")
    assert {kind.status for kind in step.kinds()} == foreseen
    record(answered(), True, None)
    assert 200 in {kind.status for kind in step.kinds()}


def test_a_check_that_could_not_be_evaluated_leaves_its_cause(
    recorder: Recorder, instruments: ScenarioInstruments
) -> None:
    record, failed = instruments.step("pay").check("is there", True)
    record(True)
    record(False)
    failed(state(), "")
    failed(state(), "no such key: id")
    check = recorder.step("buy", "pay").checks["is there"]
    assert (check.measured()[:2], dict(check.causes)) == ((1, 2), {"no such key: id": 1})


@pytest.mark.parametrize(
    ("metric", "value", "cause"),
    [
        pytest.param("counter", -1, "a counter does not take this number", id="below-0"),
        pytest.param("trend", "fast", "a trend does not take this str", id="text"),
        pytest.param("trend", True, "a trend does not take this truth value", id="truth"),
        pytest.param("gauge", None, "a gauge does not take this null", id="null"),
        pytest.param("rate", [1], "a rate does not take this list", id="list"),
    ],
)
def test_a_sample_that_does_not_fit_is_refused_in_words(
    instruments: ScenarioInstruments, metric: str, value: Value, cause: str
) -> None:
    add, _ = instruments.step("pay").sample(metric)
    with pytest.raises(EvaluationError) as refused:
        add(value)
    assert refused.value.cause == cause


def test_a_sample_is_added_and_a_missing_one_counted(
    recorder: Recorder, instruments: ScenarioInstruments
) -> None:
    add, missing = instruments.step("pay", (("kind", "read"),)).sample("counter")
    add(3)
    missing("no such key: n")
    counter = recorder.metric("counter", "buy", "pay", tags={"kind": "read"})
    assert (counter.samples, counter.sum) == (1, 3.0)
    assert errors(recorder)[0][:4] == ("buy", "pay", "record", "counter: no such key: n")
