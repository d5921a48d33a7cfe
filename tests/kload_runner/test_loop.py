"""Which event loop a runner gets."""

from __future__ import annotations

import asyncio
import sys

import pytest

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


def test_the_value_and_the_errors_of_main_come_through() -> None:
    async def broken() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        run(broken())
