"""Instruments that feed the recorder: what steps, scripts and virtual users observe becomes metrics.

The recorder's objects are bound once; on the hot path their own methods are called, nothing is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable

from kload_runner.metrics import MetricRecorder, Recorder, RefusedSample, StepRecorder
from kload_runner.steps.instruments import (
    AddSample,
    CheckFailed,
    NoSample,
    RecordCheck,
    RecordRequest,
    Saved,
    Tags,
)
from kload_runner.steps.state import State
from kload_spec.expressions import EvaluationError, Value
from kload_spec.program import StatusSet

_OK = 200


class ScenarioInstruments:
    """Instruments of one scenario, of setup or of teardown; its recorder exists already."""

    def __init__(self, recorder: Recorder, scenario: str, log: Callable[[str], None]) -> None:
        self._recorder = recorder
        self._scenario = scenario
        self.log = log
        # The recorder's own method: an iteration's end is on the hot path.
        self.ended: Callable[[float, bool], None] = recorder.scenario(scenario).iteration

    def step(self, name: str, tags: Tags = ()) -> StepInstruments:
        """Return the instruments of a step."""
        return StepInstruments(self._recorder, self._scenario, name, tags)

    def cut_off(self, waited_s: float) -> None:
        """Take note of an iteration that was interrupted in the middle of a request."""
        self._recorder.scenario(self._scenario).cut_off.record(waited_s)

    def failure(self, state: State, cause: str, where: str, trace: str = "") -> None:
        """Count why an iteration failed, with the place in the manifest or the script."""
        message = f"{where}: {cause}" if where else cause
        sample = trace or f"VU {state.vu}, iteration {state.iter}: {message}"
        kind = "script" if trace else "step"
        self._recorder.error(self._scenario, "", kind, message, sample)


class StepInstruments:
    """Instruments of one step."""

    def __init__(self, recorder: Recorder, scenario: str, name: str, tags: Tags) -> None:
        self._recorder = recorder
        self._scenario = scenario
        self._name = name
        self._tags = dict(tags)

    def request(self, method: str = "", expect: StatusSet | None = None) -> RecordRequest:
        """Return what is told of every exchange; the answers that are most likely have their series at 0."""
        step = self._step()
        for status in _likely(expect) if method and expect is not None else ():
            step.foresee(method, status)
        return step.exchange

    def check(self, name: str, is_assert: bool) -> tuple[RecordCheck, CheckFailed]:
        """Return what is told of every check, and of those that did not hold."""
        check = self._step().check(name, is_assert=is_assert)

        def failed(_state: State, cause: str) -> None:
            if cause:
                check.cause(cause)

        return check.record, failed

    def sample(self, metric: str) -> tuple[AddSample, NoSample]:
        """Return what takes a sample of a custom metric, and what is told why there is none."""
        recorder = self._recorder.metric(metric, self._scenario, self._name, tags=self._tags)

        def missing(cause: str) -> None:
            self._recorder.error(self._scenario, self._name, "record", f"{metric}: {cause}")

        return _adder(recorder), missing

    def saved(self) -> Saved | None:
        """Return None: saved variables are not measured."""
        return None

    def _step(self) -> StepRecorder:
        return self._recorder.step(self._scenario, self._name, tags=self._tags)


def _likely(expect: StatusSet) -> tuple[int, ...]:
    """Return the statuses to foresee: those that are named, or 200 where a whole range is expected."""
    named = tuple(low for low, high in expect.ranges if low == high)
    return named or ((_OK,) if _OK in expect else (expect.ranges[0][0],))


def _adder(recorder: MetricRecorder) -> AddSample:
    add = recorder.add

    def add_sample(value: Value) -> None:
        try:
            add(value)
        except RefusedSample:
            kind = recorder.definition.type.value
            raise EvaluationError(f"a {kind} does not take this {_word(value)}") from None

    return add_sample


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, int | float):
        return "number"
    return "null" if value is None else type(value).__name__
