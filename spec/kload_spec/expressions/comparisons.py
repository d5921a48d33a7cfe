"""Write Python for comparisons: a plain operator where kinds allow it, a guarded one, or the helper.

Called by `generator` with operands that are written already. What has to be kept apart is bool and number: in Python
True == 1, in the language it is not.
"""

from __future__ import annotations

from typing import Final

from kload_spec.expressions.emitter import Emitter
from kload_spec.expressions.kinds import EQUALITY, NUMERIC
from kload_spec.expressions.scope import Kind, Value
from kload_spec.expressions.typed import Constant, Infix, Typed

_HELPERS: Final = {
    "<": "less",
    "<=": "less_or_equal",
    ">": "greater",
    ">=": "greater_or_equal",
}


def comparison(out: Emitter, node: Infix, left: str, right: str) -> str:
    """Write ``left operator right``; return source text that is a bool."""
    if node.operator == "in":
        return _membership(out, node, left, right)
    if node.operator in EQUALITY:
        equal = _equality(out, node, left, right)
        if equal is not None:
            return equal if node.operator == "==" else f"(not {equal})"
        return f"({left} {node.operator} {right})"
    return _order(out, node, left, right)


def _equality(out: Emitter, node: Infix, left: str, right: str) -> str | None:
    """Return text for equality, or None where Python's own operator is right for both == and !=."""
    for one, text, other, other_text in (
        (node.left, left, node.right, right),
        (node.right, right, node.left, left),
    ):
        if one.kind is Kind.NULL or one.kind is Kind.BOOL:
            # There is one null, one true and one false, so identity is equality.
            return f"({other_text} is {text})" if _fits_is(other) else f"equals({left}, {right})"
        if one.kind is Kind.STRING:
            _charge_texts(out, node, left)
            return None
        if _is_plain_number(one):
            return None
        if one.kind in NUMERIC:
            if other.kind in NUMERIC:
                return None
            return f"({left} == {right} and type({other_text}) is not bool)"
    out.charge_unless_scalar(left, right)
    return f"equals({left}, {right})"


def _fits_is(node: Typed) -> bool:
    # Python's compiler warns of `5 is None`.
    return not isinstance(node, Constant) or node.kind in (Kind.NULL, Kind.BOOL)


def _is_plain_number(node: Typed) -> bool:
    """Tell whether a node is a constant number that no bool equals in Python."""
    return isinstance(node, Constant) and node.kind in NUMERIC and node.value not in (0, 1)


def _charge_texts(out: Emitter, node: Infix, left: str) -> None:
    # Python's == is right for a string and anything else; comparing with a constant costs next to nothing.
    if not isinstance(node.left, Constant) and not isinstance(node.right, Constant):
        out.charge(left)


def _order(out: Emitter, node: Infix, left: str, right: str) -> str:
    operator = node.operator
    kinds = {node.left.kind, node.right.kind}
    if kinds <= NUMERIC:
        return f"({left} {operator} {right})"
    helper = f"{_HELPERS[operator]}({left}, {right})"
    if kinds & NUMERIC:
        other = left if node.right.kind in NUMERIC else right
        kind = out.temporary(f"type({other})")
        return f"({left} {operator} {right} if {kind} is int or {kind} is float else {helper})"
    out.charge_unless_scalar(left, right)
    return f"({left} {operator} {right})" if kinds == {Kind.STRING} else helper


def _membership(out: Emitter, node: Infix, left: str, right: str) -> str:
    if isinstance(node.right, Constant) and _is_plain_list(node.right):
        items = node.right.value
        written = "".join(f"{out.literal(item)}, " for item in items)  # type: ignore[union-attr] # a list
        return f"({left} in ({written}))"
    if node.right.kind is Kind.MAP and node.left.kind is Kind.STRING:
        return f"({left} in {right})"
    out.charge(right)
    return f"contained({left}, {right})"


def _is_plain_list(node: Constant) -> bool:
    """Tell whether Python's own `in` is right for a list: short, and nothing in it that a bool could equal."""
    items = node.value
    return type(items) is list and len(items) <= 20 and all(map(_is_plain, items))


def _is_plain(item: Value) -> bool:
    return type(item) is str or (type(item) in (int, float) and item not in (0, 1))
