"""Which event loop a runner gets."""

from __future__ import annotations

import asyncio
import contextlib
import sys

import pytest

from kload_runner import loop
from kload_runner.loop import LoopChoice, choose_loop, run


async def kind_of_loop() -> str:
    return type(asyncio.get_running_loop()).__module__


def test_the_best_loop_is_used_and_named() -> None:
    pytest.importorskip("uvloop")
    choice = choose_loop()
    assert choice.name.startswith("uvloop ")
    assert run(kind_of_loop()) == run(kind_of_loop(), choice) == "uvloop"


def test_without_uvloop_it_is_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert choose_loop() == LoopChoice("asyncio", asyncio.new_event_loop)
    assert run(kind_of_loop()).startswith("asyncio")


def test_a_task_that_never_ends_does_not_keep_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = False

    async def stubborn() -> None:
        while not ended:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)

    async def main() -> tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]:
        return asyncio.get_running_loop(), asyncio.create_task(stubborn())

    monkeypatch.setattr(loop, "END_WITHIN_S", 0.05)
    left, task = run(main())
    ended = True
    left.run_until_complete(task)
    left.close()


def test_the_value_and_the_errors_of_main_come_through() -> None:
    async def broken() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        run(broken())
