"""What the operators of the language do to values, and the causes they refuse them with.

Called by generated code wherever it cannot take a short cut, by constant folding, and by the functions. Values are of
exactly the types that `State` promises; a bool is never a number. Bounded: every loop here counts what it visits.

Source: the language definition of CEL (github.com/google/cel-spec, doc/langdef.md); differences are listed in
docs/expressions.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn, TypeGuard

from kload_spec.expressions.bounds import bounded_number, too_long
from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.limits import MAX_ITEMS, MAX_NODES, MAX_TEXT_CHARS, MAX_VALUE_DEPTH
from kload_spec.expressions.scope import Value

_WORDS: Final = {
    type(None): "null",
    bool: "bool",
    int: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "map",
}


def word(value: object) -> str:
    """Return the word for a value's type, as messages use it."""
    return _WORDS.get(type(value), "unknown value")


def is_number(value: Value) -> TypeGuard[int | float]:
    """Tell whether a value is a number; a bool is none."""
    kind = type(value)
    return kind is int or kind is float


# ── refusals ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def not_bool(value: Value, operator: str) -> NoReturn:
    """Refuse an operand that is not a bool; there is no truthiness."""
    raise EvaluationError(f"{operator} needs a bool, not a {word(value)}")


def not_iterable(value: Value, macro: str) -> NoReturn:
    """Refuse to iterate over a value."""
    raise EvaluationError(f"{macro} needs a list or a map, not a {word(value)}")


def absent(value: Value, key: str) -> NoReturn:
    """Say why `value` has no member `key`."""
    if type(value) is dict:
        raise EvaluationError(f"no such key: {key}")
    hint = "; an element is list[0]" if type(value) is list else ""
    raise EvaluationError(f"a {word(value)} has no member {key}{hint}")


def unset(name: str) -> NoReturn:
    """Say that a variable, parameter, column or environment variable has no value now."""
    raise EvaluationError(f"{name} is not set")


# ── comparison ────────────────────────────────────────────────────────────────────────────────────────────────────────


def equals(left: Value, right: Value) -> bool:
    """Compare two values: equal kinds by value, numbers across int and float, anything else is unequal."""
    kind = type(left)
    if kind is type(right):
        if kind is list or kind is dict:
            return _equal_trees(left, right)
        return left == right
    return is_number(left) and is_number(right) and left == right


def _equal_trees(left: Value, right: Value) -> bool:
    pending: list[tuple[Value, Value, int]] = [(left, right, 0)]
    visited = 0
    while pending:
        one, other, level = pending.pop()
        visited += 1
        if visited > MAX_NODES or level > MAX_VALUE_DEPTH:
            raise BudgetExceeded("a value that is too large")
        if type(one) is list and type(other) is list:
            if len(one) != len(other):
                return False
            pending.extend((a, b, level + 1) for a, b in zip(one, other, strict=True))
        elif type(one) is dict and type(other) is dict:
            if one.keys() != other.keys():
                return False
            pending.extend((item, other[key], level + 1) for key, item in one.items())
        elif not equals(one, other):
            return False
    return True


def _comparable(left: Value, right: Value, operator: str) -> None:
    if type(left) is str and type(right) is str:
        return
    if is_number(left) and is_number(right):
        return
    raise EvaluationError(f"cannot compare {word(left)} with {word(right)} by {operator}")


def less(left: Value, right: Value) -> bool:
    """Compute ``left < right`` for two numbers or two strings."""
    _comparable(left, right, "<")
    return left < right  # type: ignore[operator] # comparable


def less_or_equal(left: Value, right: Value) -> bool:
    """Compute ``left <= right``."""
    _comparable(left, right, "<=")
    return left <= right  # type: ignore[operator] # comparable


def greater(left: Value, right: Value) -> bool:
    """Compute ``left > right``."""
    _comparable(left, right, ">")
    return left > right  # type: ignore[operator] # comparable


def greater_or_equal(left: Value, right: Value) -> bool:
    """Compute ``left >= right``."""
    _comparable(left, right, ">=")
    return left >= right  # type: ignore[operator] # comparable


def contained(value: Value, container: Value) -> bool:
    """Compute ``value in container``: an element of a list, or a key of a map."""
    if type(container) is dict:
        return type(value) is str and value in container
    if type(container) is not list:
        hint = "; a piece of text is text.contains(piece)" if type(container) is str else ""
        raise EvaluationError(f"in needs a list or a map, not a {word(container)}{hint}")
    if type(value) is str or value is None:
        return value in container
    return any(equals(value, item) for item in container)


# ── arithmetic ────────────────────────────────────────────────────────────────────────────────────────────────────────


def add(left: Value, right: Value) -> Value:
    """Compute ``left + right`` for two numbers, strings or lists; nothing is converted."""
    if is_number(left) and is_number(right):
        return bounded_number(left + right)
    if type(left) is str and type(right) is str:
        if len(left) + len(right) > MAX_TEXT_CHARS:
            too_long()
        return left + right
    if type(left) is list and type(right) is list:
        if len(left) + len(right) > MAX_ITEMS:
            raise BudgetExceeded(f"a list longer than {MAX_ITEMS} items")
        return left + right
    hint = "; string(x) converts" if str in (type(left), type(right)) else ""
    raise EvaluationError(f"cannot add {word(left)} and {word(right)}{hint}")


def _numbers(left: Value, right: Value, verb: str) -> tuple[int | float, int | float]:
    if is_number(left) and is_number(right):
        return left, right
    raise EvaluationError(f"cannot {verb} {word(left)} and {word(right)}")


def subtract(left: Value, right: Value) -> Value:
    """Compute ``left - right``."""
    a, b = _numbers(left, right, "subtract")
    return bounded_number(a - b)


def multiply(left: Value, right: Value) -> Value:
    """Compute ``left * right``, for numbers only."""
    a, b = _numbers(left, right, "multiply")
    return bounded_number(a * b)


def divide(left: Value, right: Value) -> Value:
    """Compute ``left / right``: of two ints truncated towards zero as in CEL, else a float."""
    a, b = _numbers(left, right, "divide")
    if b == 0:
        raise EvaluationError("division by zero")
    if type(a) is int and type(b) is int:
        quotient = abs(a) // abs(b)
        return bounded_number(quotient if (a < 0) == (b < 0) else -quotient)
    return bounded_number(a / b)


def modulo(left: Value, right: Value) -> Value:
    """Compute ``left % right`` of two ints; the sign is that of `left`, as in CEL."""
    a, b = _numbers(left, right, "take the remainder of")
    if type(a) is not int or type(b) is not int:
        raise EvaluationError("% needs whole numbers; int(x) cuts off the fraction")
    if b == 0:
        raise EvaluationError("division by zero")
    remainder = abs(a) % abs(b)
    return remainder if a >= 0 else -remainder


def negate(value: Value) -> Value:
    """Compute ``-value``."""
    if not is_number(value):
        raise EvaluationError(f"- needs a number, not a {word(value)}")
    return bounded_number(-value)


# ── access ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def index(container: Value, key: Value) -> Value:
    """Compute ``container[key]``: a member of a map, or an element of a list counted from 0."""
    if type(container) is dict:
        if type(key) is not str:
            raise EvaluationError(f"the key of a map is a string, not a {word(key)}")
        if key not in container:
            raise EvaluationError("no such key")
        return container[key]
    if type(container) is not list:
        raise EvaluationError(f"a {word(container)} cannot be indexed")
    position = _position(key)
    if not 0 <= position < len(container):
        raise EvaluationError("index out of range")
    return container[position]


def member(root: Mapping[str, Value], key: Value) -> Value:
    """Compute ``root[key]`` for a root of the state, whose keys are strings."""
    if type(key) is not str:
        raise EvaluationError(f"the key of a map is a string, not a {word(key)}")
    try:
        return root[key]
    except KeyError:
        raise EvaluationError("no such key") from None


def has_member(root: Mapping[str, Value], key: Value) -> bool:
    """Compute ``has(root[key])`` for a root of the state."""
    return type(key) is str and key in root


def _position(key: Value) -> int:
    if type(key) is int or (type(key) is float and key.is_integer()):
        return int(key)
    raise EvaluationError(f"the index of a list is a whole number, not a {word(key)}")


def present(container: Value, key: Value) -> bool:
    """Compute ``has(container[key])``: whether `index` would find something; never an error."""
    if type(container) is dict:
        return type(key) is str and key in container
    if type(container) is not list or not is_number(key):
        return False
    return 0 <= key < len(container) and key == int(key)


def header_name(key: Value) -> str:
    """Return the name of a header as `State` keeps it."""
    if type(key) is not str:
        raise EvaluationError(f"the name of a header is a string, not a {word(key)}")
    return key.lower()


def map_key(key: Value) -> str:
    """Return the key of a map that is put together."""
    if type(key) is not str:
        raise EvaluationError(f"the key of a map is a string, not a {word(key)}")
    return key
