"""A virtual user between executor and behaviour: rows, variables, and who hears how an iteration ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from kload_runner.data import RowSource
from kload_runner.executors import IterationInfo
from kload_runner.steps.outcomes import GeneratorExhausted, IterationFailed, RunAborted
from kload_runner.steps.state import RunFacts, State, Surroundings
from kload_runner.users import Cast, Iterate, User
from kload_runner.wire import Client
from kload_spec.expressions import EvaluationError, Value
from kload_spec.program import DataFeed, OnExhausted, RowOrder, RowsPer

ROWS = tuple({"n": n} for n in range(3))
Iteration = Callable[[State], Any]


class NoClient:
    """A client that sends nothing."""

    def __init__(self, cut_off_at: float | None = None) -> None:
        self.cut_off_at = cut_off_at

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Heard:
    """An iteration meter, and the rest of what a user tells."""

    ends: list[bool] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    aborts: list[str] = field(default_factory=list)
    cuts: list[float] = field(default_factory=list)
    exhausted: list[str] = field(default_factory=list)

    def ended(self, duration_s: float, failed: bool) -> None:
        self.ends.append(failed)

    def cut_off(self, waited_s: float) -> None:
        self.cuts.append(waited_s)

    def failure(self, state: State, cause: str, where: str, trace: str = "") -> None:
        self.failures.append((cause, where))


@dataclass
class Acting:
    """A behaviour out of two functions of the state."""

    iteration: Iteration
    start: Iteration | None = None
    initial: dict[str, Value] = field(default_factory=dict)

    def variables(self, state: State) -> dict[str, Value]:
        return dict(self.initial)

    def bind(self, state: State) -> tuple[Iterate | None, Iterate]:
        async def begin() -> None:
            if self.start is not None:
                self.start(state)

        async def iterate() -> None:
            state.at = "spec.here"
            self.iteration(state)

        return begin, iterate


async def perform(
    behaviour: Acting,
    *,
    iterations: int = 1,
    vu: int = 0,
    feed: DataFeed | None = None,
    client: NoClient | None = None,
    heard: Heard | None = None,
) -> Heard:
    heard = heard or Heard()
    clock = iter([10.0, 10.5])
    user = User(
        Cast(
            surroundings=Surroundings("s", {}, {}, RunFacts("r", lambda: 0.0), 1, lambda: 0),
            behaviour=behaviour,
            meter=heard,
            now=lambda: next(clock, 11.0),
            new_client=lambda: cast(Client, client or NoClient()),
            abort=heard.aborts.append,
            exhausted=heard.exhausted.append,
            given={"token": "t"},
            rows=None if feed is None else RowSource(feed, ROWS),
            first_vu=7,
        ),
        vu,
    )
    for index in range(iterations):
        await user.run_iteration(IterationInfo(7 + vu, index, index))
    return heard


@pytest.mark.parametrize(
    ("per", "rows"),
    [
        pytest.param(RowsPer.VU, [1, 1, 1], id="vu"),
        pytest.param(RowsPer.ITERATION, [0, 1, 2], id="iteration"),
    ],
)
async def test_a_row_stays_with_the_vu_or_the_iteration(per: RowsPer, rows: list[int]) -> None:
    seen: list[object] = []
    await perform(
        Acting(lambda state: seen.append(state.row["n"])),
        iterations=3,
        vu=1,
        feed=DataFeed("d", per=per),
    )
    assert seen == rows


async def test_rows_that_are_used_up_end_the_scenario_and_are_no_iteration() -> None:
    feed = DataFeed("d", order=RowOrder.UNIQUE, on_exhausted=OnExhausted.STOP)
    heard = await perform(Acting(lambda _: None), iterations=4, feed=feed)
    assert (heard.ends, heard.failures) == ([False] * 3, [])
    assert heard.exhausted == ["all 3 rows of spec.data.d are used up"]


def raising(error: BaseException) -> Iteration:
    def iteration(_: State) -> None:
        raise error

    return iteration


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        pytest.param(
            IterationFailed("no stock", "buy.py:3"), ("no stock", "buy.py:3"), id="with-place"
        ),
        pytest.param(IterationFailed("no stock"), ("no stock", "spec.here"), id="failed"),
        pytest.param(EvaluationError("no key"), ("no key", "spec.here"), id="evaluation"),
    ],
)
async def test_a_failed_iteration_has_a_cause_and_a_place(
    error: Exception, cause: tuple[str, str]
) -> None:
    heard = await perform(Acting(raising(error)))
    assert (heard.failures, heard.ends) == ([cause], [True])


async def test_an_abort_ends_the_run_and_is_no_iteration() -> None:
    heard = await perform(Acting(raising(RunAborted("wrong target"))))
    assert (heard.aborts, heard.ends, heard.failures) == (["wrong target"], [], [])


async def test_an_iteration_that_this_machine_could_not_send_is_nothing_at_all() -> None:
    heard = await perform(Acting(raising(GeneratorExhausted())))
    assert heard == Heard()


@pytest.mark.parametrize(
    ("cut_off_at", "waited"),
    [
        pytest.param(10.25, [0.25], id="while-it-waited"),
        pytest.param(None, [], id="between-requests"),
        pytest.param(9.0, [], id="a-request-of-an-earlier-iteration"),
    ],
)
async def test_an_interrupted_iteration_tells_how_long_its_request_had_waited(
    cut_off_at: float | None, waited: list[float]
) -> None:
    heard = Heard()
    with pytest.raises(asyncio.CancelledError):
        await perform(
            Acting(raising(asyncio.CancelledError())), client=NoClient(cut_off_at), heard=heard
        )
    assert (heard.cuts, heard.ends) == (waited, [])


async def test_own_variables_are_carried_over_others_end_and_what_setup_saved_comes_back() -> None:
    seen: list[dict[str, Value]] = []

    def iteration(state: State) -> None:
        seen.append(dict(state.vars))
        state.vars.update(token="changed", count=cast(int, state.vars["count"]) + 1, mine=1)

    await perform(Acting(iteration, initial={"count": 0}), iterations=3)
    assert seen == [{"token": "t", "count": count} for count in range(3)]


async def test_what_comes_before_the_first_iteration_is_tried_until_it_works() -> None:
    tries: list[int] = []

    def start(_: State) -> None:
        tries.append(len(tries))
        if len(tries) < 3:
            raise IterationFailed("no login")

    heard = await perform(Acting(lambda _: None, start=start), iterations=5)
    assert (tries, heard.ends) == ([0, 1, 2], [True, True, False, False, False])
