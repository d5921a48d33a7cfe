"""Compile texts and collect what is wrong with them: every fault of a file, each with its path.

A text that cannot be compiled is replaced by a harmless one so that the walk goes on; whoever asked for a plan gets
`InvalidSpec` at the end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeVar

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import (
    CompiledValue,
    Expression,
    ExpressionError,
    Kind,
    Scope,
    Template,
    compile_expression,
    compile_template,
    compile_value,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a field takes.

    Attributes:
        kinds: those that fit; `Kind.ANY` is among them where the VU finds out.
        meant: completes "... where X belongs".
    """

    kinds: frozenset[Kind]
    meant: str = ""

    def named(self, meant: str) -> Wanted:
        """Return the same kinds in the words of one field."""
        return replace(self, meant=meant)


ANYTHING = Wanted(frozenset(Kind))
CONDITION = Wanted(frozenset({Kind.BOOL, Kind.ANY}), "true or false, e.g. status == 200,")
NUMBER = Wanted(frozenset({Kind.INT, Kind.FLOAT, Kind.NUMBER, Kind.ANY}), "a number")
LIST = Wanted(frozenset({Kind.LIST, Kind.ANY}), "a list")
MAP = Wanted(frozenset({Kind.MAP, Kind.ANY}), "a map")

_Compiled = TypeVar("_Compiled", Expression, Template, CompiledValue)


class Compiler:
    """Compiles the texts of one file; `problems` grows as it goes."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, path: str, message: str) -> None:
        """Note a fault."""
        self.problems.append(Problem(path, message))

    def done(self) -> None:
        """Raise InvalidSpec if anything was wrong; a fault found on two ways is told once."""
        if self.problems:
            raise InvalidSpec(dict.fromkeys(self.problems))

    def expression(
        self, text: str, scope: Scope, path: str, wanted: Wanted = ANYTHING
    ) -> Expression:
        """Compile a bare expression."""
        try:
            compiled = compile_expression(text, scope)
        except ExpressionError as error:
            self.problem(path, f"{text!r}: {error}")
            return compile_expression("true", Scope())
        return self._fitting(compiled, f"{text!r} ", path, wanted)

    def condition(self, text: str, scope: Scope, path: str) -> Expression:
        """Compile an expression that must be true or false."""
        return self.expression(text, scope, path, CONDITION)

    def template(self, text: str, scope: Scope, path: str, wanted: Wanted = ANYTHING) -> Template:
        """Compile a text with `$( )` in it."""
        try:
            compiled = compile_template(text, scope)
        except ExpressionError as error:
            self.problem(path, f"{text!r}: {error}")
            return compile_template("", Scope())
        return self._fitting(compiled, f"{text!r} ", path, wanted)

    def value(
        self, value: object, scope: Scope, path: str, wanted: Wanted = ANYTHING
    ) -> CompiledValue:
        """Compile a nested value whose texts may hold `$( )`."""
        try:
            compiled = compile_value(value, scope)
        except ExpressionError as error:
            text = f"{error.text!r}: " if error.text else ""
            said = ExpressionError(error.message, error.text, error.column)
            self.problem(path + error.entry, f"{text}{said}")
            return compile_value(None, Scope())
        return self._fitting(compiled, "", path, wanted)

    def _fitting(self, compiled: _Compiled, shown: str, path: str, wanted: Wanted) -> _Compiled:
        """Note a fault where something is known to be of a kind that does not fit."""
        if compiled.kind not in wanted.kinds:
            self.problem(path, f"{shown}is {_a(compiled.kind)} where {wanted.meant} belongs")
        return compiled

    def known(self, name: str, names: Collection[str], path: str, what: str) -> bool:
        """Tell whether a name is declared; note a fault with a suggestion if not."""
        if name in names:
            return True
        near = get_close_matches(name, names, n=1, cutoff=0.6)
        if near:
            hint = f"did you mean {near[0]!r}?"
        else:
            hint = f"there are {', '.join(sorted(names))}" if names else "none is declared"
        self.problem(path, f"there is no {what} {name!r}; {hint}")
        return False


def _a(kind: Kind) -> str:
    match kind:
        case Kind.INT | Kind.FLOAT | Kind.NUMBER:
            return "a number"
        case Kind.BOOL:
            return "true or false"
        case Kind.NULL:
            return "null"
        case _:
            return f"a {kind.value}"
