"""Guards that every test runs under: no leftover tasks, no leftover environment, no real network."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import settings

# A deadline of one example measures the machine; pytest-timeout bounds the whole test.
settings.register_profile("kload", deadline=None)
settings.load_profile("kload")


@pytest.fixture(autouse=True)
def restored_environment() -> Iterator[None]:
    """Put the environment back: a test that exports a variable must not reach the next one."""
    before = dict(os.environ)
    yield
    after = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    before.pop("PYTEST_CURRENT_TEST", None)
    if after != before:
        for name in after.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave this machine, at the lowest Python seam."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any, /) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if not (host.startswith("127.") or host in ("::1", "localhost")):
                raise AssertionError(f"a test tried to reach {host}; tests stay on loopback")
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest_asyncio.fixture(autouse=True)
async def no_leftover_tasks() -> AsyncIterator[None]:
    """Fail a test that leaves a task behind: an orphan would run into the next one."""
    yield
    current = asyncio.current_task()
    left = [t for t in asyncio.all_tasks() if t is not current and not t.done()]
    assert not left, f"tasks left over: {left}"
