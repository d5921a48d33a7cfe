"""A Python script as the behaviour of a scenario: the seam between the user's functions and the engine.

A second kind of script would bring another module like this one; the engine sees `users.Behaviour` alone.
Whatever a script raises in an iteration fails that iteration: its type and line are the cause that is counted, the
traceback is kept once per cause.
"""

from __future__ import annotations

import asyncio
import copy
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kload_runner.script.loading import place_of
from kload_runner.script.observing import Observing
from kload_runner.script.sending import Sender
from kload_runner.script.vu import VU
from kload_runner.steps.outcomes import (
    GeneratorExhausted,
    IterationFailed,
    RowsExhausted,
    RunAborted,
)
from kload_runner.steps.state import State
from kload_runner.users import Iterate
from kload_spec.expressions import EvaluationError, Value

DEEPEST_FRAMES = 8  # of a trace that are kept: the user's own come last

Function = Callable[..., Awaitable[Any]]


def _is_interrupted() -> bool:
    """Say whether this iteration's time is up; else a cancellation is of the user's own making, and a failure."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(frozen=True, slots=True)
class ScriptBehaviour:
    """Runs one function of a script for each virtual user of a scenario.

    Attributes:
        root: folder of the script, for the places of errors.
        phase: of `setup` or `teardown`, else empty. Setup leaves `vu.vars` and what it returns to all VUs;
            teardown is called with the totals of the fleet, as the manifest reads them: times in milliseconds.
    """

    function: Function
    sender: Sender
    observing: Observing
    pause: Callable[[float], Awaitable[None]]
    root: Path
    phase: str = ""

    def variables(self, state: State) -> dict[str, Value]:
        """Return nothing: a script's memory is `vu.vars`."""
        return {}

    def bind(self, state: State) -> tuple[Iterate | None, Iterate]:
        """Return the function for one VU."""
        vu = VU(state, self.sender, self.observing, self.pause)
        function = self.function

        async def remember() -> None:
            vu.vars.update(copy.deepcopy(dict(state.vars)))

        async def iterate() -> None:
            try:
                await (function(vu) if not self.phase else self._phase(vu, state))
            except (
                IterationFailed,
                RunAborted,
                RowsExhausted,
                GeneratorExhausted,
                EvaluationError,
            ):
                raise
            except (KeyboardInterrupt, GeneratorExit):
                raise
            except BaseException as exc:  # whatever the user's code does: never our own end
                if isinstance(exc, asyncio.CancelledError) and _is_interrupted():
                    raise
                raise self.failure(exc) from None

        return remember, iterate

    async def _phase(self, vu: VU, state: State) -> None:
        arguments = (state.totals,) if self.phase == "teardown" else ()
        returned = await self.function(vu, *arguments)
        state.vars.update(vu.vars)
        if isinstance(returned, Mapping):
            state.vars.update(returned)

    def failure(self, error: BaseException) -> IterationFailed:
        """Return an exception of the user's code as a failed iteration."""
        frames = error.__traceback__.tb_next if error.__traceback__ else None  # the first is ours
        lines = traceback.format_exception(type(error), error, frames, limit=-DEEPEST_FRAMES)
        trace = "".join(lines).rstrip()
        return IterationFailed(type(error).__name__, place_of(error, self.root), trace)
