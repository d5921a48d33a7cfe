"""Where the generated coroutine puts what it observes: functions bound once per step, called per iteration.

A seam: the engine's instruments feed the recorder, those of `kload run --once` print as well, those of tests
keep lists. Knows neither of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from kload_runner.steps.state import State
from kload_runner.wire import Response
from kload_spec.expressions import Value
from kload_spec.program import Check, CheckStep, RecordStep, RequestStep

# (response, expected, intended start or None)
RecordRequest = Callable[[Response, bool, float | None], None]
RecordCheck = Callable[[bool], None]
# (state, cause): the cause is empty where the check was simply false
CheckFailed = Callable[[State, str], None]
# raises EvaluationError where the value does not fit the metric
AddSample = Callable[[Value], None]
NoSample = Callable[[str], None]
Saved = Callable[[Mapping[str, Value]], None]

Judging = RequestStep | CheckStep | RecordStep


class Instruments(Protocol):
    """Binds the functions of one scenario's steps."""

    def request(self, step: RequestStep) -> RecordRequest:
        """Return what is told of every exchange."""
        ...

    def check(self, step: Judging, check: Check) -> tuple[RecordCheck, CheckFailed]:
        """Return what is told of every check, and of those that did not hold."""
        ...

    def sample(self, step: Judging, metric: str) -> tuple[AddSample, NoSample]:
        """Return what takes a sample of a custom metric, and what is told why there is none."""
        ...

    def saved(self, step: Judging) -> Saved | None:
        """Return what is told of saved variables; None where nobody wants to know."""
        ...

    def log(self, message: str) -> None:
        """Write a line to the run's log."""
        ...
