"""Checks and asserts of one step: two counters each, read when somebody asks."""

from __future__ import annotations

from collections import Counter

MAX_CAUSES = 20  # causes told apart per check


class CheckRecorder:
    """One check or assert of one step."""

    __slots__ = (
        "_fails_before",
        "_passes_before",
        "causes",
        "fails",
        "is_assert",
        "name",
        "passes",
    )

    def __init__(self, name: str, *, is_assert: bool) -> None:
        self.name, self.is_assert = name, is_assert
        self.passes = self.fails = 0
        self._passes_before = self._fails_before = 0
        self.causes: Counter[str] = Counter()

    def record(self, ok: bool) -> None:
        """Count one evaluation."""
        if ok:
            self.passes += 1
        else:
            self.fails += 1

    def cause(self, cause: str) -> None:
        """Say why an evaluation, recorded as false, was impossible."""
        if cause not in self.causes and len(self.causes) >= MAX_CAUSES:
            cause = "other"
        self.causes[cause] += 1

    def measured(self) -> tuple[int, int, float]:
        """Return (true, all, true) without warm-up: the tally of a rate."""
        passes, fails = self.passes - self._passes_before, self.fails - self._fails_before
        return passes, passes + fails, float(passes)

    def lifetime(self) -> tuple[int, int, float]:
        """Return the same with warm-up: for asserts."""
        return self.passes, self.passes + self.fails, float(self.passes)

    def restart(self) -> None:
        """Take what was counted so far as warm-up."""
        self._passes_before, self._fails_before = self.passes, self.fails
