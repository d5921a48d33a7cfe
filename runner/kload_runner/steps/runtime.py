"""What generated steps call and raise: the names that every generated module has.

Plain functions of values; nothing here knows how steps are written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from kload_runner.steps.bodies import text_of
from kload_runner.steps.outcomes import LOCAL, GeneratorExhausted, IterationFailed, RunAborted
from kload_runner.steps.state import BROKEN, HELD
from kload_spec.expressions import EvaluationError, Value
from kload_spec.quantities import parse_duration

MAX_SLEEP_MS = 86_400_000.0  # a day; a longer computed pause is a mistake

_ABSENT: Any = object()


def milliseconds(value: Value) -> float:
    """Return a computed pause in milliseconds: a number, or a text such as ``1.5s``.

    Raises:
        EvaluationError: neither, or not within 0 and a day.
    """
    if isinstance(value, str):
        try:
            value = parse_duration(value) * 1000.0
        except ValueError:
            raise EvaluationError("a pause must be a time, such as 500ms") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise EvaluationError("a pause must be a time, such as 500ms")
    if not 0 <= value <= MAX_SLEEP_MS:
        raise EvaluationError("a pause must be between 0s and 24h")
    return value


def whole(value: Value) -> int:
    """Return how often to repeat.

    Raises:
        EvaluationError: it is no whole number; below 0 is none at all.
    """
    if isinstance(value, str) and value.strip().isdecimal():
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise EvaluationError("times must be a whole number")
    return value


def items_of(value: Value, most: int) -> list[Value]:
    """Return the items to go through, at most so many.

    Raises:
        EvaluationError: it is no list.
    """
    if not isinstance(value, list | tuple):
        raise EvaluationError("foreach needs a list")
    return list(value[:most])


def remember(variables: Mapping[str, Value], names: Iterable[str]) -> dict[str, Any]:
    """Return what these variables hold now, so that `restore` can put it back."""
    return {name: variables.get(name, _ABSENT) for name in names}


def restore(variables: dict[str, Value], before: Mapping[str, Any]) -> None:
    """Put variables back: those that did not exist end."""
    for name, value in before.items():
        if value is _ABSENT:
            variables.pop(name, None)
        else:
            variables[name] = value


def truth(value: object) -> bool:
    """Return a condition's value.

    Raises:
        EvaluationError: it is no bool.
    """
    if value is True or value is False:
        return value
    kind = "null" if value is None else type(value).__name__
    raise EvaluationError(f"the condition is neither true nor false but a {kind}")


GLOBALS: Mapping[str, Any] = {
    "BROKEN": BROKEN,
    "EvaluationError": EvaluationError,
    "GeneratorExhausted": GeneratorExhausted,
    "HELD": HELD,
    "IterationFailed": IterationFailed,
    "LOCAL": LOCAL,
    "RunAborted": RunAborted,
    "items_of": items_of,
    "milliseconds": milliseconds,
    "remember": remember,
    "restore": restore,
    "text_of": text_of,
    "truth": truth,
    "turn": asyncio.sleep,
    "whole": whole,
}
