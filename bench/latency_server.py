"""A server whose latencies are known: it draws each one, waits, answers, and keeps what it really took.

Latencies are log-normal around 4 ms (seeded), so percentiles differ. The truth is the time from the request's
last byte being read to the answer being handed to the kernel. `GET /truth` gives p50, p95, p99 in milliseconds
and starts afresh. With `--stall` the whole server stands still for 2 s in every 10 s, as a garbage collector or
a failing disk would make it.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from typing import cast

import uvloop
from typing_extensions import override

BODY = b'{"id":"order-1","status":"created"}'
STALL_S, PERIOD_S = 2.0, 10.0


def answer(body: bytes, status: bytes = b"201 Created") -> bytes:
    """Build one HTTP/1.1 answer."""
    head = (
        b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    return head % len(body) + body


class Truth:
    """What the server really took, in seconds."""

    def __init__(self) -> None:
        self.taken_s: list[float] = []
        self.random = random.Random(7)

    def draw_s(self) -> float:
        """Return the next latency."""
        return min(0.1, self.random.lognormvariate(-5.5, 0.6))

    def report(self) -> bytes:
        """Return the percentiles (nearest rank) as JSON and forget the samples."""
        values = sorted(self.taken_s)
        self.taken_s = []
        rank = {
            f"p{q}": values[max(0, -(-q * len(values) // 100) - 1)] * 1000
            for q in (50, 95, 99)
            if values
        }
        return json.dumps({"samples": len(values), **rank}).encode()


class Connection(asyncio.Protocol):
    """One client connection; requests come one at a time, each in one segment (loopback, small bodies)."""

    def __init__(self, truth: Truth, loop: asyncio.AbstractEventLoop) -> None:
        self.truth = truth
        self.loop = loop

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    @override
    def data_received(self, data: bytes) -> None:
        started = time.perf_counter()
        if data.startswith(b"GET /truth"):
            self.transport.write(answer(self.truth.report(), b"200 OK"))
        elif data.startswith(b"GET"):
            self.transport.write(answer(b"{}", b"200 OK"))
        else:
            self.loop.call_later(self.truth.draw_s(), self.finish, started)

    def finish(self, started: float) -> None:
        """Answer, and keep how long it took."""
        if not self.transport.is_closing():
            self.transport.write(answer(BODY))
            self.truth.taken_s.append(time.perf_counter() - started)


async def serve(port: int, *, stall: bool) -> None:
    """Serve until ended, at most 5 minutes."""
    loop = asyncio.get_running_loop()
    truth = Truth()
    await loop.create_server(lambda: Connection(truth, loop), "127.0.0.1", port)
    for _ in range(30):
        await asyncio.sleep(PERIOD_S - STALL_S)
        if stall:
            time.sleep(STALL_S)  # on purpose: everything stands still  # noqa: ASYNC251
        else:
            await asyncio.sleep(STALL_S)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), stall="--stall" in sys.argv))
