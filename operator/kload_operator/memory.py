"""What the operator remembers of runs in progress to spare itself work. Never needed: all of it can be found again."""

from __future__ import annotations

from dataclasses import dataclass, field

from kload_operator.seen import DescriptionSeen
from kload_spec.result import Result


@dataclass(slots=True)
class RunMemory:
    """One run.

    Attributes:
        description: the ConfigMap's content, which never changes.
        results: frozen documents by runner.
        skew_s: between the instants the runners were armed for.
    """

    description: DescriptionSeen | None = None
    results: dict[int, Result] = field(default_factory=dict)
    skew_s: float | None = None


class Memory:
    """Runs by uid."""

    def __init__(self) -> None:
        self._runs: dict[str, RunMemory] = {}

    def of(self, run_uid: str) -> RunMemory:
        """Return what is remembered of a run."""
        return self._runs.setdefault(run_uid, RunMemory())

    def forget(self, run_uid: str) -> None:
        """Drop a run that has ended."""
        self._runs.pop(run_uid, None)
