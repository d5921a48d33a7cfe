"""Blocks: no recursion, and every fault a block has by itself told once, whether it is called or not."""

from __future__ import annotations

from collections.abc import Iterator

from kload_spec.errors import InvalidSpec
from kload_spec.expressions import ANY
from kload_spec.paths import child
from kload_spec.planning.compilation import Compiler
from kload_spec.planning.places import Place
from kload_spec.planning.steps import StepCompiler
from kload_spec.planning.surroundings import Steps, Surroundings, nested_steps

BLOCKS = "spec.blocks"


def check_blocks(shared: Surroundings, before: Place, compiler: Compiler) -> None:
    """Check every block as if anything could have been set before it.

    Raises:
        InvalidSpec: at once where blocks call each other in a circle, since nothing can be put in then.
    """
    circles = {name: _circle(name, (name,), shared) for name in sorted(shared.blocks)}
    for name, circle in circles.items():
        if circle:
            words = " calls ".join(circle)
            compiler.problem(
                child(BLOCKS, name), f"{words}: blocks cannot call themselves; use `repeat`"
            )
    if any(circles.values()):
        raise InvalidSpec(compiler.problems)
    anywhere = Place(before.params, ANY, ANY, ANY, ANY, True)
    for name, steps in sorted(shared.blocks.items()):
        known = len(compiler.problems)
        StepCompiler(compiler, shared, expand=False).steps(steps, anywhere, child(BLOCKS, name))
        if len(compiler.problems) > known:
            shared.broken.add(name)


def _circle(start: str, way: tuple[str, ...], shared: Surroundings) -> tuple[str, ...] | None:
    """Return the way from a block back to itself, if there is one."""
    for called in sorted(set(_calls(shared.blocks.get(way[-1], ())))):
        if called == start:
            return (*way, start)
        if called not in way and (found := _circle(start, (*way, called), shared)):
            return found
    return None


def _calls(steps: Steps) -> Iterator[str]:
    for step in steps:
        if step.call is not None:
            yield step.call
        for nested in nested_steps(step):
            yield from _calls(nested)
