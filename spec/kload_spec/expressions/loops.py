"""Write Python for macros: one `for` each, with its cost charged before the first round.

A part of `generator`. A round costs as many operations as the macro's body has nodes; what grows with data inside it is
charged where it is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kload_spec.expressions.kinds import CONTAINERS
from kload_spec.expressions.typed import Loop, walk

if TYPE_CHECKING:
    from kload_spec.expressions.generator import Generator

_INITIAL = {"all": "True", "exists": "False", "exists_one": "0", "filter": "[]", "map": "[]"}


def loop(generator: Generator, node: Loop) -> str:
    """Write a macro; return source text that is its value."""
    out = generator.out
    operand = generator.value(node.operand)
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
        generator.loops += 1
        _round(generator, node, result)
        generator.loops -= 1
    return f"({result} == 1)" if node.macro == "exists_one" else result


def _round(generator: Generator, node: Loop, result: str) -> None:
    if node.condition is None:
        _collect(generator, node, result)
        return
    condition = generator.condition(node.condition)
    gate = "if not" if node.macro == "all" else "if"
    with generator.out.block(f"{gate} {condition}:"):
        if node.macro == "exists_one":
            generator.out.line(f"{result} += 1")
        elif node.macro in ("filter", "map"):
            _collect(generator, node, result)
        else:
            generator.out.line(f"{result} = {node.macro == 'exists'}")
            generator.out.line("break")


def _collect(generator: Generator, node: Loop, result: str) -> None:
    item = f"v{node.slot}" if node.body is None else generator.raw(node.body)
    generator.out.line(f"{result}.append({item})")
