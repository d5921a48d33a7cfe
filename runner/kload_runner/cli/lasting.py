"""Output that may get lost without the command getting lost: `kload run ... | head`, a full disk, a closed terminal.

A run that ended with its reader would end without teardown and without a verdict, and its exit code would say nothing.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO


@contextmanager
def lasting_output() -> Iterator[None]:
    """Let writes to standard output and error inside the block never fail: what cannot be written is lost."""
    _open_what_is_closed()
    out, error = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Lasting(out), Lasting(error)  # all that print and rich use
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = out, error


def _open_what_is_closed() -> None:
    """Have files 0 to 2 (`kload run >&-`): the next sockets would get their numbers, and libuv aborts over that."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # as long as the process
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


class Lasting:
    """A text stream that goes nowhere from the first write on that fails."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose it."""
        try:
            return self._stream.write(text)
        except OSError:
            self._lose()
            return len(text)

    def flush(self) -> None:
        """Flush, or lose what was waiting."""
        try:
            self._stream.flush()
        except OSError:
            self._lose()

    def __getattr__(self, name: str) -> Any:
        """Be the stream in everything else."""
        return getattr(self._stream, name)

    def _lose(self) -> None:
        """Send the file itself nowhere: Python flushes it once more when it ends, and would end with an error."""
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)
