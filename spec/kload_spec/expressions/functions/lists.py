"""Functions on lists: size, range, distinct, missing, isSorted, sum, min, max.

Two values are the same here exactly if `==` says so; `_identity` turns that into something that can be hashed.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable
from typing import Final

from kload_spec.expressions.bounds import weigh
from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.functions.arguments import as_list, as_number, as_text, as_whole
from kload_spec.expressions.functions.signature import Function, anything, items, text, whole
from kload_spec.expressions.limits import MAX_RANGE
from kload_spec.expressions.operators import add, less, word
from kload_spec.expressions.scope import Kind, Value


def size(value: Value) -> int:
    """Return the number of characters, items or entries."""
    if type(value) is str or type(value) is list or type(value) is dict:
        return len(value)
    raise EvaluationError(f"size needs a string, a list or a map, not a {word(value)}")


def _range(count: Value) -> Value:
    length = as_whole(count, "range")
    if length > MAX_RANGE:
        raise BudgetExceeded(f"range makes up to {MAX_RANGE} items")
    numbers: list[Value] = []
    numbers += range(length)
    return numbers


def _identity(value: Value) -> Hashable:
    """Return a key that two values share exactly if they are equal: true is not 1, 1.0 is."""
    kind = type(value)
    if kind is bool:
        return (value,)
    if type(value) is list:
        return ("list", tuple(_identity(item) for item in value))
    if type(value) is dict:
        return ("map", frozenset((key, _identity(item)) for key, item in value.items()))
    return value  # type: ignore[return-value] # what is left is hashable


def _identities(values: list[Value], function: str) -> list[Hashable]:
    weigh(values)
    try:
        return [_identity(value) for value in values]
    except RecursionError:
        raise EvaluationError(f"{function}: the values are nested too deep") from None


def _distinct(value: Value) -> Value:
    source = as_list(value, "distinct")
    first: dict[Hashable, Value] = {}
    for key, item in zip(_identities(source, "distinct"), source, strict=True):
        first.setdefault(key, item)
    return list(first.values())


def _missing(expected: Value, actual: Value) -> Value:
    wanted, found = as_list(expected, "missing"), as_list(actual, "missing")
    known = set(_identities(found, "missing"))
    keys = _identities(wanted, "missing")
    return [item for item, key in zip(wanted, keys, strict=True) if key not in known]


def _is_sorted(value: Value, order: Value = "asc") -> bool:
    direction = as_text(order, "isSorted")
    if direction not in ("asc", "desc"):
        raise EvaluationError("isSorted knows the orders 'asc' and 'desc'")
    source = as_list(value, "isSorted")
    if direction == "desc":
        source = source[::-1]
    return not any(less(b, a) for a, b in itertools.pairwise(source))


def _sum(value: Value) -> Value:
    total: Value = 0
    for item in as_list(value, "sum"):
        total = add(total, as_number(item, "sum"))
    return total


def _extreme(name: str, better: Callable[[Value, Value], bool]) -> Callable[..., Value]:
    def extreme(*values: Value) -> Value:
        candidates = as_list(values[0], name) if len(values) == 1 else values
        if not candidates:
            raise EvaluationError(f"{name} of an empty list")
        best = candidates[0]
        less(best, best)  # refuses what has no order, a single one too
        for candidate in candidates[1:]:
            if better(candidate, best):
                best = candidate
        return best

    return extreme


_SIZELESS: Final = (Kind.NULL, Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.NUMBER)
_UNORDERED: Final = (Kind.NULL, Kind.BOOL, Kind.MAP)

LIST_FUNCTIONS: Final = (
    Function("size", (anything(but=_SIZELESS),), Kind.INT, size, linear=False),
    Function("range", (whole("count"),), Kind.LIST, _range),
    Function("distinct", (items(),), Kind.LIST, _distinct),
    Function("missing", (items("expected"), items("actual")), Kind.LIST, _missing),
    Function("isSorted", (items(), text("order")), Kind.BOOL, _is_sorted, optional=1),
    Function("sum", (items(),), Kind.NUMBER, _sum),
    Function(
        "min",
        (anything("first", but=_UNORDERED), anything("other", but=_UNORDERED)),
        Kind.ANY,
        _extreme("min", less),
        optional=1,
        variadic=True,
    ),
    Function(
        "max",
        (anything("first", but=_UNORDERED), anything("other", but=_UNORDERED)),
        Kind.ANY,
        _extreme("max", lambda a, b: less(b, a)),
        optional=1,
        variadic=True,
    ),
)
