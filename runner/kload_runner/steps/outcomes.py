"""How an iteration can end early: the exceptions that steps and scripts raise to the virtual user.

    Exception
    ├── IterationFailed     a `fail` step, or a value that could not be worked out: counted, the VU goes on
    ├── RunAborted          an `abort` step: the run ends, Cancelled
    ├── RowsExhausted       no data row is left and the feed says `stop`: the scenario starts nothing more
    └── GeneratorExhausted  this machine has no port or file left: the iteration says nothing about the target

A cancelled task (interruption) passes through as `asyncio.CancelledError` and counts as nothing at all.
"""

from __future__ import annotations


class IterationFailed(Exception):
    """This iteration did not do what it should.

    Attributes:
        cause: short, bounded, without data of the target: fit to be counted.
        where: path of the step, empty where there is none.
        trace: of an exception in the user's own code; empty else.
    """

    def __init__(self, cause: str, where: str = "", trace: str = "") -> None:
        self.cause = cause
        self.where = where
        self.trace = trace
        super().__init__(f"{where}: {cause}" if where else cause)


class RunAborted(Exception):
    """The test itself ends the run."""

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class RowsExhausted(Exception):
    """The scenario's data feed has no row left for this VU, and is not to begin again."""


class GeneratorExhausted(Exception):
    """A request could not be sent for lack of ports or files on this machine.

    It has been counted as a local error, which makes the run Inconclusive; what would follow (checks, saves, the end of
    the iteration) would blame the target for it, and is left out.
    """


LOCAL = "local"  # `ErrorClass.LOCAL`, which the steps do not import
