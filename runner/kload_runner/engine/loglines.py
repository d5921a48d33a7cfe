"""The run's log: lines of `log` steps and scripts, bounded so that a chatty test does not measure its own printing."""

from __future__ import annotations

from collections.abc import Callable

LINES_PER_S = 1000  # printing a line costs about 10 us; this is a hundredth of a core


class LogLines:
    """Passes lines on, secrets masked, at most `LINES_PER_S` in any second; says how many it left out."""

    def __init__(
        self,
        write: Callable[[str], None],
        mask: Callable[[str], str],
        now: Callable[[], float],
    ) -> None:
        self._write = write
        self._mask = mask
        self._now = now
        self._second = 0
        self._written = 0
        self._left_out = 0

    def __call__(self, message: str) -> None:
        """Write a line, or count it as left out."""
        second = int(self._now())
        if second != self._second:
            self.flush()
            self._second, self._written = second, 0
        if self._written >= LINES_PER_S:
            self._left_out += 1
            return
        self._written += 1
        self._write(self._mask(message))

    def flush(self) -> None:
        """Say how many lines were left out since the last time."""
        if self._left_out:
            self._write(
                f"... {self._left_out} more lines (at most {LINES_PER_S} a second are shown)"
            )
            self._left_out = 0
