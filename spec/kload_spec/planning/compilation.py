"""Compile texts and collect what is wrong with them: every fault of a file, each with its path.

A text that cannot be compiled is replaced by a harmless one so that the walk goes on; whoever asked for a plan gets
`InvalidSpec` at the end.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

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

CONDITION = frozenset({Kind.BOOL, Kind.ANY})
NUMBER = frozenset({Kind.INT, Kind.FLOAT, Kind.NUMBER, Kind.ANY})
LIST = frozenset({Kind.LIST, Kind.ANY})
MAP = frozenset({Kind.MAP, Kind.ANY})
ANYTHING = frozenset(Kind)


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
        self,
        text: str,
        scope: Scope,
        path: str,
        kinds: Collection[Kind] = ANYTHING,
        meant: str = "",
    ) -> Expression:
        """Compile a bare expression; `meant` completes "belongs here" where its kind is another."""
        try:
            compiled = compile_expression(text, scope)
        except ExpressionError as error:
            self.problem(path, f"{text!r}: {error}")
            return compile_expression("true", Scope())
        if compiled.kind not in kinds:
            self.problem(path, f"{text!r} is {_a(compiled.kind)} where {meant} belongs")
        return compiled

    def condition(self, text: str, scope: Scope, path: str) -> Expression:
        """Compile an expression that must be true or false."""
        return self.expression(text, scope, path, CONDITION, "true or false, e.g. status == 200,")

    def template(
        self,
        text: str,
        scope: Scope,
        path: str,
        kinds: Collection[Kind] = ANYTHING,
        meant: str = "",
    ) -> Template:
        """Compile a text with `$( )` in it."""
        try:
            compiled = compile_template(text, scope)
        except ExpressionError as error:
            self.problem(path, f"{text!r}: {error}")
            return compile_template("", Scope())
        if compiled.kind not in kinds:
            self.problem(path, f"{text!r} is {_a(compiled.kind)} where {meant} belongs")
        return compiled

    def value(
        self,
        value: object,
        scope: Scope,
        path: str,
        kinds: Collection[Kind] = ANYTHING,
        meant: str = "",
    ) -> CompiledValue:
        """Compile a nested value whose texts may hold `$( )`."""
        try:
            compiled = compile_value(value, scope)
        except ExpressionError as error:
            text = f"{error.text!r}: " if error.text else ""
            self.problem(
                path + error.entry,
                f"{text}{ExpressionError(error.message, error.text, error.column)}",
            )
            return compile_value(None, Scope())
        if compiled.kind not in kinds:
            self.problem(path, f"is {_a(compiled.kind)} where {meant} belongs")
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
            return f"a {kind.value}" if kind is not Kind.ANY else "anything"
