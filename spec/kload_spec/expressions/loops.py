"""Write Python for macros: one `for` each, with its cost charged before the first round.

Called by `generator`, which writes the parts of a macro for it (`Writer`). A round costs as many operations as the
macro's body has nodes; what grows with data inside it is charged where it is done.
"""

from __future__ import annotations

from typing import Protocol

from kload_spec.expressions.emitter import Emitter
from kload_spec.expressions.kinds import CONTAINERS
from kload_spec.expressions.typed import Loop, Typed, walk

_INITIAL = {"all": "True", "exists": "False", "exists_one": "0", "filter": "[]", "map": "[]"}


class Writer(Protocol):
    """Writes the parts of a macro, as `writer.Generator` does."""

    @property
    def out(self) -> Emitter: ...
    def value(self, node: Typed) -> str: ...
    def raw(self, node: Typed) -> str: ...
    def condition(self, node: Typed) -> str: ...


def loop(writer: Writer, node: Loop) -> str:
    """Write a macro; return source text that is its value."""
    out = writer.out
    operand = writer.value(node.operand)
    if node.operand.kind not in CONTAINERS:
        out.line(
            f"if type({operand}) is not list and type({operand}) is not dict: "
            f"not_iterable({operand}, {node.macro!r})"
        )
    weight = sum(len(walk(part)) for part in (node.condition, node.body) if part is not None)
    out.line(f"n -= len({operand}) * {weight}")
    out.line("if n < 0: exhausted()")
    result = out.temporary(_INITIAL[node.macro])
    with out.block(f"for v{node.slot} in {operand}:", is_counted=True):
        out.rounds += 1
        _round(writer, node, result)
        out.rounds -= 1
    return f"({result} == 1)" if node.macro == "exists_one" else result


def _round(writer: Writer, node: Loop, result: str) -> None:
    if node.condition is None:
        _collect(writer, node, result)
        return
    condition = writer.condition(node.condition)
    gate = "if not" if node.macro == "all" else "if"
    with writer.out.block(f"{gate} {condition}:"):
        if node.macro == "exists_one":
            writer.out.line(f"{result} += 1")
        elif node.macro in ("filter", "map"):
            _collect(writer, node, result)
        else:
            writer.out.line(f"{result} = {node.macro == 'exists'}")
            writer.out.line("break")


def _collect(writer: Writer, node: Loop, result: str) -> None:
    item = f"v{node.slot}" if node.body is None else writer.raw(node.body)
    writer.out.line(f"{result}.append({item})")
