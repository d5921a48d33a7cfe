"""The bundled demo shop in a thread of its own: a real target on a free port of loopback."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from kload_runner.demo import shop


@contextmanager
def serving() -> Iterator[str]:
    """Serve a shop; yield its URL."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(shop.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{shop.port_of(server)}"
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
