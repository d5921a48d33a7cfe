"""What commands say on standard error when they refuse: one line per problem, with file and line, then the count."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console

from kload_spec.errors import InvalidSpec, Problem

EXIT_INVALID = (
    104  # the spec or the command line is wrong; nothing was sent (k6's number, docs/exit-codes.md)
)
EXIT_INTERRUPTED = 105  # Ctrl-C
EXIT_SCRIPT = 107  # a script raised while it was loaded


PIPED_WIDTH = 120  # columns of a log or file, which has none of its own


def new_console() -> Console:
    """Return where results are printed: as wide as the terminal, or as a log is read."""
    console = Console()
    return console if console.is_terminal else Console(width=PIPED_WIDTH)


class Refused(Exception):
    """A command that ends before any load, with what the user has to change.

    Attributes:
        source: file the problems are in; empty for the command line itself.
        exit_code: see docs/exit-codes.md.
        hint: what may help with all of it, as a sentence; empty where nothing is known.
    """

    def __init__(
        self, problems: Iterable[Problem], source: str = "", exit_code: int = EXIT_INVALID
    ) -> None:
        self.problems = tuple(problems)
        self.source = source
        self.exit_code = exit_code
        self.hint = ""
        super().__init__("; ".join(str(problem) for problem in self.problems))

    @classmethod
    def because(cls, message: str, *, exit_code: int = EXIT_INVALID) -> Refused:
        """Refuse for one reason that has no place in a file."""
        return cls((Problem("", message),), exit_code=exit_code)

    @classmethod
    def invalid(cls, error: InvalidSpec, source: str) -> Refused:
        """Refuse a document for everything that is wrong with it."""
        return cls(error.problems, source)


def complain(refused: Refused) -> None:
    """Print a refusal to standard error."""
    for problem in refused.problems:
        place = ":".join(part for part in (refused.source, str(problem.line or "")) if part)
        print(f"{place}: {problem}" if place else f"kload: {problem}", file=sys.stderr)
    if refused.source:
        count = len(refused.problems)
        print(f"{count} problem{'s' if count > 1 else ''}; nothing was sent.", file=sys.stderr)
    if refused.hint:
        print(refused.hint, file=sys.stderr)
