"""Where iterations put what they observe: functions bound once per step, called per request, check and sample.

A seam: the engine's instruments feed the recorder, those of `kload run --once` print as well, those of tests
keep lists. Knows neither of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from kload_runner.steps.state import State
from kload_runner.wire import Response
from kload_spec.expressions import Value
from kload_spec.program import StatusSet

# (response, expected, intended start or None)
RecordRequest = Callable[[Response, bool, float | None], None]
RecordCheck = Callable[[bool], None]
# (state, cause): the cause is empty where the check was simply false
CheckFailed = Callable[[State, str], None]
# raises EvaluationError where the value does not fit the metric
AddSample = Callable[[Value], None]
NoSample = Callable[[str], None]
Saved = Callable[[Mapping[str, Value]], None]

Tags = tuple[tuple[str, str], ...]


class StepInstruments(Protocol):
    """What one step is measured with."""

    def request(self, method: str = "", expect: StatusSet | None = None) -> RecordRequest:
        """Return what is told of every exchange.

        Args:
            method, expect: what is foreseen, so that its series exist before the first answer; unknown in scripts.
        """
        ...

    def check(self, name: str, is_assert: bool) -> tuple[RecordCheck, CheckFailed]:
        """Return what is told of every check, and of those that did not hold."""
        ...

    def sample(self, metric: str) -> tuple[AddSample, NoSample]:
        """Return what takes a sample of a custom metric, and what is told why there is none."""
        ...

    def saved(self) -> Saved | None:
        """Return what is told of saved variables; None where nobody wants to know."""
        ...


class Instruments(Protocol):
    """What one scenario is measured with."""

    def step(self, name: str, tags: Tags = ()) -> StepInstruments:
        """Return the instruments of a step."""
        ...

    def log(self, message: str) -> None:
        """Write a line to the run's log."""
        ...
