"""Write the source of one generated function, and turn it into a function.

Knows lines, blocks, temporaries, constants and the budget, not the language. Nothing a user wrote reaches the source
but through `literal`: the repr of a scalar, or a name of ours that is bound to the constant. All other names are ours.
The function sees no builtins, only the helpers of `runtime` that it uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

from kload_spec.expressions.errors import ExpressionError
from kload_spec.expressions.limits import MAX_BLOCKS, MAX_INDENT
from kload_spec.expressions.runtime import RUNTIME
from kload_spec.expressions.scope import Evaluate, Value

_LONG_TEXT = 200  # characters; longer constants are bound, so that sources stay readable


class Emitter:
    """The function under construction.

    Attributes:
        known: source texts that were computed on every way to the current line, with the temporaries that hold them.
        rounds: how many macros the current line is in.
    """

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.rounds = 0
        self._lines: list[str] = []
        self._indent = 1
        self._blocks = 0
        self._temporaries = 0
        self._bound: dict[str, object] = {}

    def line(self, text: str) -> None:
        """Add a line to the current block."""
        self._lines.append(" " * self._indent + text)

    @contextmanager
    def block(self, header: str, *, is_counted: bool = False) -> Iterator[None]:
        """Add an indented block; `is_counted` for loops and handlers, of which CPython nests only 20."""
        self.line(header)
        before = self.known
        self.known = dict(before)
        self._indent += 1
        self._blocks += is_counted
        if self._indent > MAX_INDENT or self._blocks > MAX_BLOCKS:
            raise ExpressionError(
                "the expression nests too deep; split it into several checks or `set` steps"
            )
        yield
        self._blocks -= is_counted
        self._indent -= 1
        self.known = before

    def temporary(self, text: str | None = None) -> str:
        """Return a new temporary; with `text`, assigned on a line of its own."""
        self._temporaries += 1
        name = f"t{self._temporaries}"
        if text is not None:
            self.line(f"{name} = {text}")
        return name

    def literal(self, value: Value) -> str:
        """Return source text for a constant."""
        if type(value) is str and len(value) > _LONG_TEXT:
            return self.bind(value)
        if value is None or type(value) in (bool, int, float, str):
            return repr(value)
        return self.bind(value)

    def bind(self, value: object) -> str:
        """Return a name of ours for an object."""
        name = f"k{len(self._bound)}"
        self._bound[name] = value
        return name

    def charge(self, *operands: str) -> None:
        """Charge work that is linear in operands to the budget, inside macros."""
        if self.rounds:
            self.line(f"n = spend(n, {', '.join(operands)})")

    def charge_unless_scalar(self, left: str, right: str) -> None:
        """Charge work on two operands of one kind, unless they are scalars: a test is cheaper than a count."""
        if self.rounds:
            self.line(f"if type({left}) not in SCALARS: n = spend(n, {left}, {right})")

    def function(self, result: str) -> Evaluate:
        """Return the function that evaluates the lines so far and gives `result`."""
        source = "\n".join(["def evaluate(s):", *self._lines, f" return {result}"])
        module = compile(source, "<expression>", "exec", dont_inherit=True)
        body = next(part for part in module.co_consts if isinstance(part, CodeType))
        names: dict[str, object] = {"__builtins__": {}}
        names |= {name: RUNTIME[name] for name in body.co_names if name in RUNTIME}
        names |= self._bound
        exec(module, names)
        return names["evaluate"]  # type: ignore[return-value] # the function of the source above
