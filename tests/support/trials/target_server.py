"""A target that counts what it is sent, to the request: the other side of "exactly as many requests".

Runs alone in a pod (`python3 target_server.py PORT`), from the project's image; imports nothing of the project. The
path says how it answers, so that a LoadTest is its own script:

    /                   200 {"id": N}, N counts requests
    /status/503         that status
    /slow/120           200 after 120 ms
    /flaky/4            every 4th request to it is answered with 500
    /_counts            what was counted; itself not
    POST /_forget       counts from 0 again
    POST /_answer       {"status": 500}: from now on everything is answered with this status; 0 ends that
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

import httptools
from typing_extensions import override


@dataclass
class Book:
    """What was counted.

    Attributes:
        paths: requests by path.
        seconds: requests by second of Unix time.
        first, last: Unix time of the first and the last request.
        forced: status that everything is answered with; 0: none.
    """

    paths: Counter[str] = field(default_factory=Counter)
    seconds: Counter[int] = field(default_factory=Counter)
    first: float = 0.0
    last: float = 0.0
    forced: int = 0

    def note(self, path: str) -> int:
        """Count a request and return how many there were."""
        now = time.time()
        self.first = self.first or now
        self.last = now
        self.seconds[int(now)] += 1
        self.paths[path] += 1
        return self.paths.total()

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, float, object]:
        """Return status, seconds to wait, and JSON value for one request."""
        if path == "/_counts":
            return 200, 0.0, self.shown()
        if path == "/_forget":
            self.paths.clear()
            self.seconds.clear()
            self.first = self.last = 0.0
            return 200, 0.0, {}
        if path == "/_answer":
            self.forced = int(json.loads(body)["status"])
            return 200, 0.0, {"forced": self.forced}
        number = self.note(path)
        match path.strip("/").split("/"):
            case ["status", status]:
                code, wait_s = int(status), 0.0
            case ["slow", wait_ms]:
                code, wait_s = 200, int(wait_ms) / 1000
            case ["flaky", every]:
                code, wait_s = 500 if self.paths[path] % int(every) == 0 else 200, 0.0
            case _:
                code, wait_s = 200, 0.0
        return self.forced or code, wait_s, {"id": number, "method": method}

    def shown(self) -> object:
        """Return the counts as JSON."""
        return {
            "total": self.paths.total(),
            "paths": self.paths,
            "seconds": self.seconds,
            "first": self.first,
            "last": self.last,
        }


class Connection(asyncio.Protocol):
    """One client's connection; requests on it are answered in the order they came."""

    transport: asyncio.Transport

    def __init__(self, book: Book) -> None:
        self.book = book
        self.parser = httptools.HttpRequestParser(self)
        self.url = self.body = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

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
        path = self.url.decode(errors="replace").split("?")[0]
        status, wait_s, value = self.book.answer(method, path, self.body)
        body = b"" if method == "HEAD" else json.dumps(value).encode()
        head = (
            f"HTTP/1.1 {status} Said So\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        answer = head.encode() + body
        if wait_s:
            asyncio.get_running_loop().call_later(wait_s, self._write, answer)
        else:
            self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(answer)


async def serve(port: int) -> None:
    """Serve on every address until ended."""
    book = Book()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(book), "0.0.0.0", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
