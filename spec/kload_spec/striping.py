"""Which runner owns which index: the whole distribution of load, as arithmetic.

Pure; no runner talks to another. The o-th scenario (by name) runs on ``n = min(N, its VU limit)`` of the N runners, and
index k belongs to runner ``(o + k mod n) mod N``, whether k counts VUs, arrivals, iterations or data rows. A runner's
part is therefore a Python range, and the parts of all runners are exactly the whole, whatever the shape does:

    N = 4, o = 1, 3 VUs:   index   0 1 2 3 4 5 ...        runner 1: 0 3 6 ...   runner 2: 1 4 7 ...
                           runner  1 2 3 1 2 3 ...        runner 3: 2 5 8 ...   runner 0: nothing

Scenarios begin at different runners (the o), so that many small ones do not all land on the first.
"""

from __future__ import annotations

from dataclasses import dataclass

from kload_spec.shapes import ScenarioLoad


@dataclass(frozen=True, slots=True)
class RunnerIndex:
    """A runner's place in the fleet.

    Attributes:
        index: 0 .. count - 1.
        count: runners in the fleet, >= 1.
    """

    index: int = 0
    count: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise ValueError(
                f"runner {self.index} of {self.count}: the index must be in 0..{self.count - 1}"
            )


@dataclass(frozen=True, slots=True)
class Share:
    """The indexes one runner owns of a scenario: ``first, first + step, first + 2*step ...``; step 0 owns none."""

    first: int
    step: int

    @property
    def empty(self) -> bool:
        """Whether this runner has no part in the scenario."""
        return self.step == 0

    def indexes(self, total: int) -> range:
        """Return the owned ones among ``0 .. total - 1``: VUs, arrivals, shared iterations, data rows."""
        return range(self.first, total, self.step) if self.step else range(0)

    def count(self, total: int) -> int:
        """Return how many of ``0 .. total - 1`` are owned."""
        return len(self.indexes(total))


def share_of(load: ScenarioLoad, runner: RunnerIndex) -> Share:
    """Return the part of a scenario that one runner of the fleet owns."""
    used = min(runner.count, load.shape.vu_limit)
    position = (runner.index - load.ordinal) % runner.count
    return Share(position, used) if position < used else Share(0, 0)
