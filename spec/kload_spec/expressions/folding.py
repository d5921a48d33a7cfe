"""Compute what is constant, with the functions that are used at run time: one meaning for both.

Pure; used by `resolver` bottom up, so the parts of a node are folded before the node is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from kload_spec.expressions import operators
from kload_spec.expressions.bounds import bounded
from kload_spec.expressions.names import constant
from kload_spec.expressions.scope import Kind, Value
from kload_spec.expressions.typed import (
    Apply,
    At,
    Constant,
    Entries,
    Folded,
    Infix,
    Items,
    Junction,
    Prefix,
    Present,
    Select,
    Typed,
    children,
)

INFIX: Final[Mapping[str, Callable[[Value, Value], Value]]] = {
    "==": operators.equals,
    "!=": lambda left, right: not operators.equals(left, right),
    "<": operators.less,
    "<=": operators.less_or_equal,
    ">": operators.greater,
    ">=": operators.greater_or_equal,
    "in": operators.contained,
    "+": operators.add,
    "-": operators.subtract,
    "*": operators.multiply,
    "/": operators.divide,
    "%": operators.modulo,
}


def folded(node: Typed) -> Typed:
    """Return a node as a constant where all its parts are, else the node.

    Raises:
        EvaluationError: it can be computed and has no value, such as ``1 / 0``.
    """
    if isinstance(node, Junction):
        return _folded_junction(node)
    parts = children(node)
    if not all(isinstance(part, Constant) for part in parts):
        return node
    values = [part.value for part in parts if isinstance(part, Constant)]
    if isinstance(node, Apply) and node.function.source is not None:
        return node
    return constant(bounded(_computed(node, values))) if type(node) in _COMPUTED else node


_COMPUTED: Final = frozenset({Select, At, Prefix, Infix, Folded, Items, Entries, Apply})


def _computed(node: Typed, values: list[Value]) -> Value:
    match node:
        case Select() | At():
            return _accessed(node, values)
        case Prefix():
            # What is not a bool was refused by its kind.
            return not values[0] if node.operator == "!" else operators.negate(values[0])
        case Infix():
            return INFIX[node.operator](values[0], values[1])
        case Entries():
            return dict(zip(map(operators.map_key, values[::2]), values[1::2], strict=True))
        case Apply():
            return _applied(node, values)
        case Folded():
            return operators.header_name(values[0])
        case _:
            return values


def _accessed(node: Select | At, values: list[Value]) -> Value:
    if isinstance(node, At):
        return operators.index(values[0], values[1])
    container = values[0]
    if type(container) is dict and node.key in container:
        return container[node.key]
    operators.absent(container, node.key)


def _applied(node: Apply, values: list[Value]) -> Value:
    if node.prepared is not None:
        return node.function.apply(*values, node.prepared)
    return node.function.apply(*values)


def folded_presence(node: Present) -> Typed:
    """Return ``has()`` of something whose parts are constant as a constant, else the node."""
    target = node.target
    if isinstance(target, Select) and isinstance(target.operand, Constant):
        return constant(operators.present(target.operand.value, target.key))
    if (
        isinstance(target, At)
        and isinstance(target.operand, Constant)
        and isinstance(target.key, Constant)
    ):
        return constant(operators.present(target.operand.value, target.key.value))
    return node


def _folded_junction(node: Junction) -> Typed:
    decisive = node.operator == "||"
    left: list[Typed] = []
    for term in node.terms:
        if isinstance(term, Constant) and type(term.value) is bool:
            if term.value is decisive:
                left.append(term)
                break
        else:
            left.append(term)
    if not left:
        return constant(not decisive)
    if len(left) == 1 and left[0].kind is Kind.BOOL:
        return left[0]
    # A single term that is left must still be a bool, so it keeps a neutral neighbour.
    return Junction(
        node.operator, tuple(left) if len(left) > 1 else (left[0], constant(not decisive))
    )
