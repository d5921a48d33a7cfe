"""Python source under construction: lines with indentation, and the objects the lines refer to by name.

Knows nothing of steps. The text never holds anything a user wrote, other than through `repr`: all values are
bound as globals of the generated module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from typing_extensions import override


class Source:
    """A module being written.

    Attributes:
        names: the globals that the lines use.
        depth: how many blocks are open; CPython allows 20 nested loops and tries.
    """

    def __init__(self, names: dict[str, Any]) -> None:
        self.names = names
        self.depth = 0
        self._lines: list[str] = []
        self._count = 0

    @override
    def __str__(self) -> str:
        return "\n".join(self._lines) + "\n"

    def line(self, text: str) -> None:
        """Add a line at the present indentation."""
        self._lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Add a line that opens a block; what is added inside belongs to it."""
        self.line(head)
        self.depth += 1
        before = len(self._lines)
        yield
        if len(self._lines) == before:
            self.line("pass")
        self.depth -= 1

    def bind(self, value: object, hint: str) -> str:
        """Make a value known to the module and return its name."""
        name = self.fresh(hint)
        self.names[name] = value
        return name

    def fresh(self, hint: str) -> str:
        """Return a name that nothing else has."""
        self._count += 1
        return f"{hint}{self._count}"

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Write at the outermost level for a while, before everything that is there: functions of their own."""
        lines, depth = self._lines, self.depth
        self._lines, self.depth = [], 0
        yield
        self._lines, self.depth = self._lines + lines, depth

    def functions(self, *names: str) -> list[Callable[..., Any]]:
        """Compile the module and return these functions of it."""
        exec(compile(str(self), "<kload steps>", "exec"), self.names)
        return [self.names[name] for name in names]
