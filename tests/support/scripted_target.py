"""A small real HTTP server on loopback whose answers a test writes down, and which keeps what it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """The body parsed."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """One answer. `delay_s` passes before it is written; `hang` never answers, `drop` closes without an answer."""

    status: int = 200
    body: bytes | str | dict[str, object] | list[object] = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    hang: bool = False
    drop: bool = False

    def render(self) -> bytes:
        """Return the bytes."""
        body = self.body
        content_type = "text/plain"
        if isinstance(body, dict | list):
            body, content_type = json.dumps(body), "application/json"
        data = body.encode() if isinstance(body, str) else body
        fields = {"Content-Type": content_type, "Content-Length": str(len(data)), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        return f"HTTP/1.1 {self.status} Said So\r\n{lines}\r\n".encode() + data


Script = Callable[[Asked], Reply]


@dataclass
class Target:
    """A server that runs.

    Attributes:
        url: where it listens.
        asked: every request, in order.
    """

    url: str
    asked: list[Asked] = field(default_factory=list)

    def targets(self) -> list[str]:
        """Return the request targets, in order."""
        return [asked.target for asked in self.asked]


@asynccontextmanager
async def serving(script: Script | Reply = Reply()) -> AsyncIterator[Target]:
    """Serve until the block ends; an answer is the script's, or always the same."""
    talks: set[asyncio.Task[None]] = set()
    target = Target("")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        try:
            while (asked := await _read(reader)) is not None:
                target.asked.append(asked)
                reply = script(asked) if callable(script) else script
                if reply.drop:
                    return
                await asyncio.sleep(3600 if reply.hang else reply.delay_s)
                writer.write(reply.render())
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            talks.discard(task)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    target.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield target
    finally:
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    line, *fields = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = line.split(" ")
    headers = {
        name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
    }
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)
