"""What the compiler has to know about a function of the language.

Facts only: the functions themselves are in the modules beside this one, the table of all is in `library`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from kload_spec.expressions.scope import Kind, Value


class Source(StrEnum):
    """What an impure function reads from the state, under the name that `Expression.names` shows."""

    CLOCK = "clock"
    RANDOM = "random"


class Pattern(Protocol):
    """A prepared argument.

    Attributes:
        size: steps that one character of the text may cost.
    """

    @property
    def size(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its name for messages, and the kind of value it takes.

    Attributes:
        refused: kinds it does not take, where `kind` is any.
    """

    name: str
    kind: Kind
    refused: frozenset[Kind] = frozenset()


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    Attributes:
        apply: computes it; raises `EvaluationError`. Impure functions get the state as first argument.
        optional: how many parameters, from the last one, may be left out.
        variadic: the last parameter may be repeated.
        shortcut: Python text that computes it where every string parameter is known to hold a str.
        linear: costs more the larger its arguments are; False: the same for all.
        method: may be called as ``x.name(...)``.
        prepare: compiles a pattern, the last argument, which must be constant; `apply` gets the result in its place.
            Raises `EvaluationError`.
    """

    name: str
    parameters: tuple[Parameter, ...]
    result: Kind
    apply: Callable[..., Value]
    optional: int = 0
    variadic: bool = False
    source: Source | None = None
    shortcut: str | None = None
    linear: bool = True
    method: bool = True
    prepare: Callable[[str], Pattern] | None = None


def usage(function: Function) -> str:
    """Write how a function is called: ``truncate(text, length)``."""
    names = [parameter.name for parameter in function.parameters]
    required = len(names) - function.optional
    shown = [name if at < required else f"[{name}]" for at, name in enumerate(names)]
    rest = ["..."] if function.variadic else []
    return f"{function.name}({', '.join(shown + rest)})"


def text(name: str = "text") -> Parameter:
    """Return a parameter that takes a string."""
    return Parameter(name, Kind.STRING)


def number(name: str = "number") -> Parameter:
    """Return a parameter that takes an int or a float."""
    return Parameter(name, Kind.NUMBER)


def whole(name: str) -> Parameter:
    """Return a parameter that takes a whole number."""
    return Parameter(name, Kind.INT)


def items(name: str = "list") -> Parameter:
    """Return a parameter that takes a list."""
    return Parameter(name, Kind.LIST)


def anything(name: str = "value", *, but: Iterable[Kind] = ()) -> Parameter:
    """Return a parameter that takes any value, but some kinds."""
    return Parameter(name, Kind.ANY, frozenset(but))
