"""A shop with three pages, in memory: something real to send the first load test to.

    GET  /             the front page, JSON
    POST /orders       {"customer": ..., "total": ...} -> 201 {"id": ..., "status": "created"}
    GET  /orders/{id}  the order, or 404

Answers take 5 to 20 ms, one order in 200 takes 120 ms, so that percentiles differ. Speaks just enough HTTP/1.1
for a demo (httptools parses it). Listens on loopback unless it is told otherwise, as in a pod. Not part of the
engine: nothing imports it but the command `kload demo`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import cast

import httptools
import orjson
from typing_extensions import override

FAST_S, SLOW_S = (0.005, 0.020), 0.120
SLOW_ONE_IN = 200
MAX_ORDERS = 100_000  # then the oldest are forgotten: a demo left running must not fill memory

Answer = tuple[int, object]
REASONS = {
    200: b"OK",
    201: b"Created",
    400: b"Bad Request",
    404: b"Not Found",
    405: b"Method Not Allowed",
}


class Shop:
    """Orders in memory, and what each request is answered with."""

    def __init__(self, seed: int = 1) -> None:
        self.orders: dict[str, object] = {}
        self.random = random.Random(seed)

    def answer(self, method: str, path: str, body: bytes) -> Answer:
        """Return status and JSON value for one request."""
        match method, path.split("?")[0].strip("/").split("/"):
            case "GET", [""]:
                return 200, {"shop": "kload demo", "orders": len(self.orders)}
            case "POST", ["orders"]:
                return self._create(body)
            case "GET", ["orders", order]:
                found = self.orders.get(order)
                return (200, found) if found is not None else (404, {"error": f"no order {order}"})
            case _, [""] | ["orders"] | ["orders", _]:
                return 405, {"error": f"{method} is not answered here"}
            case _:
                return 404, {"error": f"nothing at {path}"}

    def _create(self, body: bytes) -> Answer:
        try:
            wanted = orjson.loads(body)
        except orjson.JSONDecodeError:
            return 400, {"error": "the body is not JSON"}
        if not isinstance(wanted, dict) or not isinstance(wanted.get("customer"), str):
            return 400, {"error": "an order needs a customer"}
        if len(self.orders) >= MAX_ORDERS:
            self.orders.pop(next(iter(self.orders)))
        number = f"{self.random.getrandbits(64):016x}"
        self.orders[number] = {"id": number, "status": "created", **wanted}
        return 201, {"id": number, "status": "created"}

    def latency_s(self) -> float:
        """Draw how long the next answer takes."""
        if self.random.randrange(SLOW_ONE_IN) == 0:
            return SLOW_S
        return self.random.uniform(*FAST_S)


class Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered in the order they came."""

    transport: asyncio.Transport

    def __init__(self, shop: Shop, later: Callable[..., object]) -> None:
        self.shop = shop
        self.later = later
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.body = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url = self.body = b""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        method = self.parser.get_method().decode()
        status, value = self.shop.answer(method, self.url.decode(errors="replace"), self.body)
        body = b"" if method == "HEAD" else orjson.dumps(value)
        head = b"HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self.later(
            self.shop.latency_s(), self._write, head % (status, REASONS[status], len(body)) + body
        )

    def _write(self, data: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(data)


async def start(port: int = 0, host: str = "127.0.0.1") -> asyncio.Server:
    """Serve a new shop on an address and return the server; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    shop = Shop()
    return await loop.create_server(lambda: Connection(shop, loop.call_later), host, port)


def port_of(server: asyncio.Server) -> int:
    """Return the port a server listens on."""
    return int(server.sockets[0].getsockname()[1])
