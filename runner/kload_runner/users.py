"""A virtual user: gives each iteration its row and variables, runs it, and says how it ended.

What an iteration does is a `Behaviour`: generated steps, a Python script, later JavaScript. When it is done is the
executor's business. Nothing is measured here but the iteration as a whole.

    executor --run_iteration--> VirtualUser --begin--> State --run--> behaviour
                                     └─ ended / failed --> IterationMeter
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kload_runner.data import RowSource
from kload_runner.executors import IterationInfo
from kload_runner.steps.outcomes import (
    GeneratorExhausted,
    IterationFailed,
    RowsExhausted,
    RunAborted,
)
from kload_runner.steps.state import State, Surroundings
from kload_spec.expressions import EvaluationError, Value

if TYPE_CHECKING:
    from kload_runner.wire import Client

Iterate = Callable[[], Awaitable[None]]


class Behaviour(Protocol):
    """What the VUs of one scenario do: the seam for every kind of program."""

    def variables(self, state: State) -> dict[str, Value]:
        """Return the variables that live as long as the VU, with their initial values.

        Raises:
            EvaluationError, IterationFailed: they cannot be worked out.
        """
        ...

    def bind(self, state: State) -> tuple[Iterate | None, Iterate]:
        """Return what the VU does once, before anything else, and what it does in each iteration.

        Both may raise `IterationFailed`, `EvaluationError` or `RunAborted`, and let `CancelledError` through.
        """
        ...


class IterationMeter(Protocol):
    """Hears how iterations end."""

    @property
    def ended(self) -> Callable[[float, bool], None]:
        """What is told the duration of an iteration that came to its end, and whether it failed."""
        ...

    def cut_off(self, waited_s: float) -> None:
        """Hear that an iteration was interrupted while it waited for an answer, and for how long it had."""
        ...

    def failure(self, state: State, cause: str, where: str, trace: str = "") -> None:
        """Why it failed, with the trace of the user's own code if that raised; called before `ended`."""
        ...


@dataclass(frozen=True, slots=True)
class Cast:
    """What all virtual users of a scenario share.

    Attributes:
        first_vu: number of the VU with index 0.
        given: what setup saved; every VU starts its iterations with it.
        rows: where data rows come from; None without.
        arrivals: iterations have an intended start.
        new_client: makes a VU's own client of the wire.
        abort: ends the run; called with the message of an `abort` step.
        exhausted: ends the scenario, no data row is left; called with a sentence that says so.
    """

    surroundings: Surroundings
    behaviour: Behaviour
    meter: IterationMeter
    now: Callable[[], float]
    new_client: Callable[[], Client]
    abort: Callable[[str], None]
    exhausted: Callable[[str], None]
    given: Mapping[str, Value]
    rows: RowSource | None = None
    first_vu: int = 1
    arrivals: bool = False


class User:
    """One virtual user of a scenario; fulfils `executors.VirtualUser`."""

    __slots__ = ("_begin", "_cast", "_client", "_iterate", "_kept", "_kept_row", "_state")

    def __init__(self, cast: Cast, index: int) -> None:
        self._cast = cast
        self._client = cast.new_client()
        self._state = State(cast.surroundings, cast.first_vu + index, self._client)
        self._begin, self._iterate = cast.behaviour.bind(self._state)
        self._kept: dict[str, Value] | None = None
        self._kept_row: Mapping[str, Value] | None = None

    def close(self) -> None:
        """Close the user's connections."""
        self._client.close()

    async def run_iteration(self, iteration: IterationInfo) -> None:
        """Run one iteration to its end; only cancellation raises."""
        cast, state = self._cast, self._state
        now, given = cast.now, cast.given
        began = now()
        state.begin(
            iteration.iter_in_vu,
            dict(given) if given else {},
            iteration.scheduled_at if cast.arrivals else None,
        )
        failed = True
        try:
            if cast.rows is not None:
                state.row = self._row(iteration, cast.rows)
            kept = self._kept
            if kept is None:
                await self._first()
            elif kept:
                state.vars.update(kept)
            await self._iterate()
            failed = False
        except IterationFailed as exc:
            cast.meter.failure(state, exc.cause, exc.where or state.at, exc.trace)
        except EvaluationError as exc:
            cast.meter.failure(state, exc.cause, state.at)
        except (RunAborted, RowsExhausted, GeneratorExhausted) as exc:
            self._leave(exc)
            return
        except asyncio.CancelledError:
            self._tell_cut_off(began)
            raise
        finally:
            state.response = None  # an idle VU must not hold a body
            if self._kept:
                self._keep()
        cast.meter.ended(now() - began, failed)

    def _leave(self, why: RunAborted | RowsExhausted | GeneratorExhausted) -> None:
        """End an iteration that counts as nothing at all."""
        if isinstance(why, RunAborted):
            self._cast.abort(why.message)
        elif isinstance(why, RowsExhausted):
            self._cast.exhausted(str(why))

    def _tell_cut_off(self, began: float) -> None:
        sent_at = self._client.cut_off_at
        if sent_at is not None and sent_at >= began:  # in this iteration
            self._cast.meter.cut_off(self._cast.now() - sent_at)

    async def _first(self) -> None:
        """Give the VU its variables and run what comes before its first iteration; tried again if that fails."""
        state = self._state
        kept = self._cast.behaviour.variables(state)
        state.vars.update(kept)
        if self._begin is not None:
            await self._begin()
        self._kept = {name: state.vars[name] for name in kept}

    def _keep(self) -> None:
        """Carry the VU's own variables over to its next iteration, however this one ended."""
        kept, variables = self._kept or {}, self._state.vars
        for name in kept:
            if name in variables:
                kept[name] = variables[name]

    def _row(self, iteration: IterationInfo, rows: RowSource) -> Mapping[str, Value]:
        if self._kept_row is not None:
            return self._kept_row
        index = iteration.vu - self._cast.first_vu
        row = rows.row(iteration.index, index, lambda: self._state.rng)
        if rows.per_vu:
            self._kept_row = row
        return row


@dataclass(frozen=True, slots=True)
class StepBehaviour:
    """The behaviour of a scenario written in steps.

    Attributes:
        initial: the VU's own variables: name and how the first value comes about.
    """

    iteration: Callable[[State], Awaitable[None]]
    start: Callable[[State], Awaitable[None]] | None
    initial: tuple[tuple[str, Callable[[State], Value]], ...]

    def variables(self, state: State) -> dict[str, Value]:
        """Return the scenario's `vars` with their initial values."""
        return {name: evaluate(state) for name, evaluate in self.initial}

    def bind(self, state: State) -> tuple[Iterate | None, Iterate]:
        """Return the generated coroutines for one VU."""
        start, iteration = self.start, self.iteration
        # `partial` is C: a lambda would cost a frame per iteration.
        return None if start is None else partial(start, state), partial(iteration, state)
