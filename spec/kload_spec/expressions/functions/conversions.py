"""Functions that turn a value of one kind into another: string, int, double, and rounding."""

from __future__ import annotations

import math
import re
from typing import Final

from kload_spec.expressions.bounds import bounded_number
from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.arguments import as_number
from kload_spec.expressions.functions.signature import Function, anything, number
from kload_spec.expressions.functions.writing import as_string
from kload_spec.expressions.limits import MAX_INT, MIN_INT
from kload_spec.expressions.operators import word
from kload_spec.expressions.scope import Kind, Value

_INT: Final = re.compile(r"[+-]?[0-9]{1,19}")
_FLOAT: Final = re.compile(r"[+-]?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,4})?")


def _int(value: Value) -> int:
    if type(value) is str:
        if _INT.fullmatch(value) is None:
            raise EvaluationError("int: the text is no whole number")
        return _whole(int(value))
    return _whole(as_number(value, "int"))


def _whole(value: float) -> int:
    if not MIN_INT <= value <= MAX_INT:
        raise EvaluationError("integer overflow")
    return int(value)


def _double(value: Value) -> float:
    if type(value) is str:
        if _FLOAT.fullmatch(value) is None:
            raise EvaluationError("double: the text is no number")
        return bounded_number(float(value))
    return float(as_number(value, "double"))


def _abs(value: Value) -> Value:
    return bounded_number(abs(as_number(value, "abs")))


def _floor(value: Value) -> Value:
    return _whole(_finite_floor(as_number(value, "floor")))


def _ceil(value: Value) -> Value:
    return _whole(-_finite_floor(-as_number(value, "ceil")))


def _round(value: Value) -> Value:
    amount = as_number(value, "round")
    if isinstance(amount, int):
        return _whole(amount)
    # Half away from zero, as people expect; Python's round goes to the even neighbour.
    magnitude = abs(amount)
    low = _finite_floor(magnitude)
    nearest = low + 1 if magnitude - low >= 0.5 else low
    return _whole(nearest if amount >= 0 else -nearest)


def _finite_floor(value: float) -> int:
    if not MIN_INT <= value <= -MIN_INT:
        raise EvaluationError("integer overflow")
    return math.floor(value)


def _kind(value: Value) -> str:
    if type(value) is float:
        return "double"
    return "int" if type(value) is int else word(value)


_NO_NUMBER: Final = (Kind.NULL, Kind.BOOL, Kind.LIST, Kind.MAP)

CONVERSION_FUNCTIONS: Final = (
    Function("string", (anything(),), Kind.STRING, as_string),
    Function("int", (anything(but=_NO_NUMBER),), Kind.INT, _int),
    Function("double", (anything(but=_NO_NUMBER),), Kind.FLOAT, _double),
    Function("abs", (number(),), Kind.NUMBER, _abs, linear=False),
    Function("floor", (number(),), Kind.INT, _floor, linear=False),
    Function("ceil", (number(),), Kind.INT, _ceil, linear=False),
    Function("round", (number(),), Kind.INT, _round, linear=False),
    Function("kind", (anything(),), Kind.STRING, _kind, linear=False),
)
