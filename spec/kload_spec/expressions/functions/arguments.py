"""Check the arguments of functions at run time, with one wording for all of them."""

from __future__ import annotations

from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.operators import is_number, word
from kload_spec.expressions.scope import Value


def as_text(value: Value, function: str) -> str:
    """Return a string argument."""
    if type(value) is not str:
        hint = "; string(x) converts" if is_number(value) else ""
        raise EvaluationError(f"{function} needs a string, not a {word(value)}{hint}")
    return value


def as_list(value: Value, function: str) -> list[Value]:
    """Return a list argument."""
    if type(value) is not list:
        raise EvaluationError(f"{function} needs a list, not a {word(value)}")
    return value


def as_number(value: Value, function: str) -> int | float:
    """Return a number argument."""
    if not is_number(value):
        raise EvaluationError(f"{function} needs a number, not a {word(value)}")
    return value


def as_whole(value: Value, function: str) -> int:
    """Return a whole number; an integral float is one."""
    number = as_number(value, function)
    if isinstance(number, float) and not number.is_integer():
        raise EvaluationError(f"{function} needs a whole number; int(x) cuts off the fraction")
    return int(number)


def as_bytes(value: Value, function: str) -> bytes:
    """Return a string argument in UTF-8."""
    try:
        return as_text(value, function).encode()
    except UnicodeEncodeError:
        raise EvaluationError(f"{function} needs text that UTF-8 can hold") from None
