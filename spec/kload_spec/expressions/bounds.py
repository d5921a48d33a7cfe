"""Hold the bounds of `limits` at run time: texts, numbers, sizes of values, the budget of one evaluation.

Used by the operators, the functions and generated code; knows no meaning of values, only how large they are.
"""

from __future__ import annotations

from typing import Final, NoReturn

from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.limits import MAX_INT, MAX_NODES, MAX_TEXT_CHARS, MIN_INT
from kload_spec.expressions.scope import Value

_INFINITY: Final = float("inf")


def too_long() -> NoReturn:
    """Refuse to make a text."""
    raise BudgetExceeded(f"a text longer than {MAX_TEXT_CHARS} characters")


def bounded_text(text: str) -> str:
    """Return a text that an expression has made, unless it is too long."""
    if len(text) > MAX_TEXT_CHARS:
        too_long()
    return text


def bounded_number(number: float) -> int | float:
    """Return the result of arithmetic, unless it has left the range of its kind."""
    if type(number) is int:
        if not MIN_INT <= number <= MAX_INT:
            raise EvaluationError("integer overflow")
    elif not -_INFINITY < number < _INFINITY:
        raise EvaluationError("number overflow")
    return number


def weigh(value: object, limit: int = MAX_NODES) -> int:
    """Count the values within a value and the length of its texts, in operations.

    Raises:
        BudgetExceeded: there are more than `limit`. A value that shares its parts can be exponentially large.
    """
    kind = type(value)
    if kind is str:
        return 1 + (len(value) >> 6)  # type: ignore[arg-type] # it is a str
    if kind is not list and kind is not dict:
        return 1
    total = 0
    pending = [value]
    while pending:
        current = pending.pop()
        items = current.values() if isinstance(current, dict) else current
        total += len(items)  # type: ignore[arg-type] # a list or the values of a dict
        for item in items:  # type: ignore[attr-defined] # as above
            kind = type(item)
            if kind is str:
                total += len(item) >> 6
            elif kind is list or kind is dict:
                pending.append(item)
        if total > limit:
            raise BudgetExceeded("a value that is too large")
    return total


def bounded(value: Value) -> Value:
    """Return a value that an expression has put together, unless it is too large."""
    weigh(value)
    return value


def spend(budget: int, *values: object) -> int:
    """Return what is left of a budget after work that is linear in the size of `values`."""
    for value in values:
        budget -= weigh(value)
    if budget < 0:
        exhausted()
    return budget


def spend_matching(budget: int, text: object, size: int) -> int:
    """Return what is left of a budget after a pattern of a given size was looked for in a text."""
    if type(text) is str:
        budget -= 20 + (len(text) * size >> 8)
    if budget < 0:
        exhausted()
    return budget


def exhausted() -> NoReturn:
    """Refuse to go on: the budget of an evaluation is spent."""
    raise BudgetExceeded("too many operations in one evaluation")
