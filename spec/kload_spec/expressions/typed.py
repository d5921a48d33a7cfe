"""The tree of an expression after its names were resolved: what `resolver` makes and `generator` reads.

Every name is known here, kinds are inferred, constant parts are folded. Nothing of this comes from a user but
constants and keys.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kload_spec.expressions.functions.signature import Function, Pattern
from kload_spec.expressions.scope import Kind, Value


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when compiling."""

    value: Value
    kind: Kind


@dataclass(frozen=True, slots=True)
class Read:
    """A root of the state, or a member of one.

    Attributes:
        root: an attribute of `State`, from our own table.
        member: the name below it; None for the root itself.
        is_record: the member is an attribute, from our own table; else a key of a dict.
    """

    root: str
    member: str | None
    is_record: bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Local:
    """The variable of a macro, numbered within its expression."""

    slot: int
    kind: Kind = Kind.ANY


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.key``, or ``operand["key"]``"""

    operand: Typed
    key: str
    kind: Kind = Kind.ANY


@dataclass(frozen=True, slots=True)
class At:
    """``operand[key]``"""

    operand: Typed
    key: Typed
    kind: Kind = Kind.ANY


@dataclass(frozen=True, slots=True)
class Present:
    """``has(target)``"""

    target: Select | At | Read
    kind: Kind = Kind.BOOL


@dataclass(frozen=True, slots=True)
class Prefix:
    """``!operand`` or ``-operand``"""

    operator: str
    operand: Typed
    kind: Kind


@dataclass(frozen=True, slots=True)
class Infix:
    """Arithmetic, comparison or ``in``."""

    operator: str
    left: Typed
    right: Typed
    kind: Kind


@dataclass(frozen=True, slots=True)
class Junction:
    """``a && b && c`` or ``a || b || c``, with two or more terms."""

    operator: str
    terms: tuple[Typed, ...]
    kind: Kind = Kind.BOOL


@dataclass(frozen=True, slots=True)
class Choice:
    """``condition ? then : otherwise``"""

    condition: Typed
    then: Typed
    otherwise: Typed
    kind: Kind


@dataclass(frozen=True, slots=True)
class Items:
    """A list that is put together."""

    items: tuple[Typed, ...]
    kind: Kind = Kind.LIST


@dataclass(frozen=True, slots=True)
class Entries:
    """A map that is put together; keys that are not constant are strings."""

    entries: tuple[tuple[Typed, Typed], ...]
    kind: Kind = Kind.MAP


@dataclass(frozen=True, slots=True)
class Text:
    """Pieces written one after the other, each as `string()` writes it."""

    parts: tuple[Typed, ...]
    kind: Kind = Kind.STRING


@dataclass(frozen=True, slots=True)
class Folded:
    """The name of a header, in lower case."""

    operand: Typed
    kind: Kind = Kind.STRING


@dataclass(frozen=True, slots=True)
class Apply:
    """A call.

    Attributes:
        prepared: what `Function.prepare` made of the last argument, which is then not in `arguments`.
    """

    function: Function
    arguments: tuple[Typed, ...]
    kind: Kind
    prepared: Pattern | None = None


@dataclass(frozen=True, slots=True)
class Loop:
    """A macro over a list or the keys of a map.

    Attributes:
        macro: ``all``, ``exists``, ``exists_one``, ``filter`` or ``map``.
        slot: of the variable that `condition` and `body` see.
        condition: None where the macro has none.
        body: what `map` computes; None for the others.
    """

    macro: str
    operand: Typed
    slot: int
    condition: Typed | None
    body: Typed | None
    kind: Kind


Typed: TypeAlias = (
    Constant
    | Read
    | Local
    | Select
    | At
    | Present
    | Prefix
    | Infix
    | Junction
    | Choice
    | Items
    | Entries
    | Text
    | Folded
    | Apply
    | Loop
)


def children(node: Typed) -> list[Typed]:
    """Return the nodes directly below one, in the order of its fields."""
    found: list[Typed] = []
    for name in node.__slots__:
        _collect(getattr(node, name), found)
    return found


def _collect(part: object, found: list[Typed]) -> None:
    if isinstance(part, tuple):
        for item in part:
            _collect(item, found)
    elif isinstance(part, Typed):
        found.append(part)


def walk(node: Typed) -> list[Typed]:
    """Return a node and everything below it."""
    found = [node]
    for child in children(node):
        found += walk(child)
    return found


def names_read(node: Typed) -> frozenset[str]:
    """Return what a tree reads, as `Expression.names` says it."""
    names: set[str] = set()
    for part in walk(node):
        if isinstance(part, Apply) and part.function.source is not None:
            names.add(part.function.source.value)
        elif isinstance(part, Select) and part.operand == HEADERS:
            names.add(f"headers.{part.key}")
        elif isinstance(part, Read):
            names.add(part.root if part.member is None else f"{part.root}.{part.member}")
    return frozenset(names)


HEADERS = Read("headers", None, False, Kind.MAP)
REQUEST_HEADERS = Read("req", "headers", True, Kind.MAP)
