"""A second, slow reading of the expression language: walk the tree, look everything up, check everything.

The compiled form is compared with it. It shares the parser and the functions with the package, not the operators, the
resolver or the generator, and it knows no bounds.
"""

from __future__ import annotations

import math
from typing import Any

from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.library import FUNCTIONS
from kload_spec.expressions.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Member,
    Name,
    Syntax,
    Unary,
)

FIELDS = {"run": ("id", "elapsed"), "checks": ("ok",)}


class Wrong(Exception):
    """The evaluation has no value."""


def same(a: Any, b: Any) -> bool:
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return set(a) == set(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong
    return value


def ordered(a: Any, b: Any) -> tuple[Any, Any]:
    if isinstance(a, str) and isinstance(b, str):
        return a, b
    return number(a), number(b)


def in_range(value: Any) -> Any:
    if isinstance(value, float):
        if math.isinf(value) or math.isnan(value):
            raise Wrong
    elif not -(2**63) <= value < 2**63:
        raise Wrong
    return value


def truncated(a: Any, b: Any) -> Any:
    if b == 0:
        raise Wrong
    if isinstance(a, int) and isinstance(b, int):
        q = abs(a) // abs(b)
        return q if (a < 0) == (b < 0) else -q
    return a / b


def remainder(a: Any, b: Any) -> Any:
    if isinstance(a, float) or isinstance(b, float) or b == 0:
        raise Wrong
    return int(math.copysign(1, a)) * (abs(a) % abs(b))


def plus(a: Any, b: Any) -> Any:
    for kind in (str, list):
        if isinstance(a, kind) and isinstance(b, kind):
            return a + b
    return in_range(number(a) + number(b))


BINARY = {
    "==": same,
    "!=": lambda a, b: not same(a, b),
    "<": lambda a, b: ordered(a, b)[0] < b,
    "<=": lambda a, b: ordered(a, b)[0] <= b,
    ">": lambda a, b: ordered(a, b)[0] > b,
    ">=": lambda a, b: ordered(a, b)[0] >= b,
    "+": plus,
    "-": lambda a, b: in_range(number(a) - number(b)),
    "*": lambda a, b: in_range(number(a) * number(b)),
    "/": lambda a, b: in_range(truncated(number(a), number(b))),
    "%": lambda a, b: remainder(number(a), number(b)),
    "in": lambda a, b: within(a, b),
}


def within(a: Any, b: Any) -> bool:
    if isinstance(b, dict):
        return isinstance(a, str) and a in b
    if isinstance(b, list):
        return any(same(a, item) for item in b)
    raise Wrong


def true_or_false(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Wrong
    return value


def element(container: Any, key: Any) -> Any:
    if isinstance(container, dict) and isinstance(key, str) and key in container:
        return container[key]
    if isinstance(container, list) and not isinstance(key, bool | str):
        at = number(key)
        if at == int(at) and 0 <= at < len(container):
            return container[int(at)]
    raise Wrong


class Interpreter:
    """Evaluates one tree against one state."""

    def __init__(self, state: Any) -> None:
        self.state = state
        self.variables: dict[str, Any] = {}

    def run(self, tree: Syntax) -> Any:
        try:
            return self.value(tree)
        except (EvaluationError, ZeroDivisionError, OverflowError):
            raise Wrong from None

    def value(self, tree: Syntax) -> Any:  # noqa: C901 # one case for each form, to be read at a glance
        match tree:
            case Literal():
                return tree.value
            case Name():
                if tree.name in self.variables:
                    return self.variables[tree.name]
                return getattr(self.state, tree.name)
            case Member(operand=Name(name=root)) if root in FIELDS:
                return getattr(getattr(self.state, root), tree.name)
            case Member():
                return element(self.value(tree.operand), self.header(tree.operand, tree.name))
            case Index():
                key = self.header(tree.operand, self.value(tree.key))
                return element(self.value(tree.operand), key)
            case Unary(operator="!"):
                return not true_or_false(self.value(tree.operand))
            case Unary():
                return in_range(-number(self.value(tree.operand)))
            case Binary():
                left, right = self.value(tree.left), self.value(tree.right)
                if tree.operator == "in":
                    left = self.header(tree.right, left)
                return BINARY[tree.operator](left, right)
            case Logic():
                decisive = tree.operator == "||"
                for term in tree.terms:
                    if true_or_false(self.value(term)) is decisive:
                        return decisive
                return not decisive
            case Conditional():
                chosen = true_or_false(self.value(tree.condition))
                return self.value(tree.then if chosen else tree.otherwise)
            case ListOf():
                return [self.value(item) for item in tree.items]
            case MapOf():
                pairs = [(self.value(key), self.value(item)) for key, item in tree.entries]
                if any(not isinstance(key, str) for key, _ in pairs):
                    raise Wrong
                return dict(pairs)
            case Call(name="has"):
                return self.has(tree.arguments[0])
            case Call(name="all" | "exists" | "exists_one" | "filter" | "map"):
                return self.macro(tree)
            case Call():
                receiver = [] if tree.receiver is None else [tree.receiver]
                arguments = [self.value(item) for item in (*receiver, *tree.arguments)]
                function = FUNCTIONS[tree.name]
                if function.prepare is not None:
                    arguments[-1] = function.prepare(arguments[-1])
                return function.apply(*arguments)

    def header(self, container: Syntax, key: Any) -> Any:
        return (
            key.lower()
            if container == Name(container.at, "headers") and isinstance(key, str)
            else key
        )

    def has(self, tree: Syntax) -> bool:
        try:
            self.value(tree)
        except (Wrong, EvaluationError):
            return False
        return True

    def macro(self, tree: Call) -> Any:
        assert tree.receiver is not None
        operand = self.value(tree.receiver)
        if not isinstance(operand, list | dict):
            raise Wrong
        name = tree.arguments[0]
        assert isinstance(name, Name)
        hits, found = 0, []
        condition = tree.arguments[1] if len(tree.arguments) == 3 or tree.name != "map" else None
        for item in operand:
            self.variables[name.name] = item
            holds = condition is None or true_or_false(self.value(condition))
            if tree.name == "all" and not holds:
                return False
            if tree.name == "exists" and holds:
                return True
            hits += holds
            if holds:
                found.append(self.value(tree.arguments[-1]) if tree.name == "map" else item)
        self.variables.pop(name.name, None)
        return {"all": True, "exists": False, "exists_one": hits == 1}.get(tree.name, found)
