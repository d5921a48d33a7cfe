"""Every test with a loop runs on both loops: uvloop and asyncio differ in when they write and how they close."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import pytest_asyncio

from kload_runner.loop import choose_loop
from kload_runner.wire import Client, Wire, WireSettings


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {
        "asyncio": asyncio.new_event_loop,
        choose_loop().name.split()[0]: choose_loop().new_loop,
    }


@pytest_asyncio.fixture
async def new_client() -> AsyncIterator[Callable[..., Client]]:
    """Return a maker of clients; each call with settings makes a wire of its own. All are closed afterwards."""
    wires: list[Wire] = []
    clients: list[Client] = []

    def make(**settings: Any) -> Client:
        wire = Wire(WireSettings(**{"timeout_s": 5.0, **settings}))
        client = wire.client()
        wires.append(wire)
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()
    for wire in wires:
        await wire.close()
    await asyncio.sleep(0.001)  # transports end in the next round of the loop


@pytest_asyncio.fixture
async def client(new_client: Callable[..., Client]) -> Client:
    """A client with the defaults and 5 s."""
    return new_client()
