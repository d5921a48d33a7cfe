"""The tree of an expression as it was written: what `parser` makes and `resolver` reads.

Says nothing about what names mean. `at` is the offset of a node's most telling character in the text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, string, true, false or null."""

    at: int
    value: int | float | str | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A name that stands alone."""

    at: int
    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """``operand.name``"""

    at: int
    operand: Syntax
    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """``operand[key]``"""

    at: int
    operand: Syntax
    key: Syntax


@dataclass(frozen=True, slots=True)
class Call:
    """``name(...)``, or ``receiver.name(...)``"""

    at: int
    name: str
    receiver: Syntax | None
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """``!x`` or ``-x``"""

    at: int
    operator: str
    operand: Syntax


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison or ``in``."""

    at: int
    operator: str
    left: Syntax
    right: Syntax


@dataclass(frozen=True, slots=True)
class Logic:
    """``a && b && c`` or ``a || b || c``, with two or more terms."""

    at: int
    operator: str
    terms: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Conditional:
    """``condition ? then : otherwise``"""

    at: int
    condition: Syntax
    then: Syntax
    otherwise: Syntax


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b]``"""

    at: int
    items: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """``{"a": b}``"""

    at: int
    entries: tuple[tuple[Syntax, Syntax], ...]


Syntax: TypeAlias = (
    Literal | Name | Member | Index | Call | Unary | Binary | Logic | Conditional | ListOf | MapOf
)


def children(node: Syntax) -> tuple[Syntax, ...]:
    """Return the nodes directly below one, in the order they were written."""
    match node:
        case Literal() | Name():
            return ()
        case Member() | Unary():
            return (node.operand,)
        case Index():
            return (node.operand, node.key)
        case Call():
            return node.arguments if node.receiver is None else (node.receiver, *node.arguments)
        case Binary():
            return (node.left, node.right)
        case Logic():
            return node.terms
        case Conditional():
            return (node.condition, node.then, node.otherwise)
        case ListOf():
            return node.items
        case MapOf():  # pragma: no branch # exhaustive, mypy holds it
            return tuple(side for entry in node.entries for side in entry)


def depth(node: Syntax) -> int:
    """Return the number of levels of a tree, without recursion: the tree may be deeper than the stack."""
    deepest = 0
    pending = [(node, 1)]
    while pending:
        current, level = pending.pop()
        deepest = max(deepest, level)
        pending.extend((child, level + 1) for child in children(current))
    return deepest
