"""What can be wrong with a LoadTest, as data: a path, a sentence that says what would be right, a line.

Knows nothing of YAML, pydantic or the terminal: loaders and planners raise these, front ends print them.

    Exception
    └── ValueError
        └── InvalidSpec      one or more Problems; every door of the package raises this and nothing else
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from typing_extensions import override


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a document.

    Attributes:
        path: where, in the words of the file: ``spec.scenarios.purchase.stages[1].target``; empty for the whole file.
        message: what is wrong, with the value, and what would be right.
        line: 1-based line of the file it came from; None where there was no text.
    """

    path: str
    message: str
    line: int | None = None

    def at_line(self, line: int | None) -> Problem:
        """Return the same problem with a line number."""
        return replace(self, line=line)

    @override
    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidSpec(ValueError):
    """A document that cannot be run; carries every problem found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
