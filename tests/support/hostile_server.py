"""A TCP server that does what the test says, byte by byte: resets, trickles, lies, stays silent.

Each connection runs the given conversation with a `Visitor`; conversations end when the server is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Visitor:
    """One connection as the server sees it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    requests: list[bytes]
    arrived: asyncio.Event

    async def request(self) -> bytes:
        """Read one request, head and counted body, and note it."""
        head = await self.head()
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        body = await self.reader.readexactly(length)
        self.requests[-1] = head + body
        return head + body

    async def head(self) -> bytes:
        """Read the head of one request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        self.requests.append(head)
        self.arrived.set()
        return head

    async def send(self, *pieces: bytes) -> None:
        """Send each piece in a segment of its own."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            if len(pieces) > 1:
                await asyncio.sleep(0.001)

    async def silence(self) -> None:
        """Say nothing until the other side has gone."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass

    def reset(self) -> None:
        """End with RST instead of FIN."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Conversation = Callable[[Visitor], Awaitable[None]]


@dataclass(slots=True)
class HostileServer:
    """Where it listens and what it saw.

    Attributes:
        connections: how many were accepted.
        requests: bytes of every request, in order of arrival.
        arrived: set when the first request has come.
    """

    port: int = 0
    scheme: str = "http"
    host: str = "127.0.0.1"
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    closing: bool = False
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Origin with a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}/"


@contextlib.asynccontextmanager
async def serve(
    conversation: Conversation,
    *,
    context: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncIterator[HostileServer]:
    """Listen on a free loopback port; the connection is closed when the conversation ends."""
    server = HostileServer(scheme="http" if context is None else "https", host=host)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        visitor = Visitor(reader, writer, server.connections, server.requests, server.arrived)
        try:
            with contextlib.suppress(ConnectionError, EOFError, ssl.SSLError):
                await conversation(visitor)
            writer.close()
        finally:
            if server.closing:
                writer.transport.abort()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(talk(reader, writer))
        server.tasks.add(task)
        task.add_done_callback(server.tasks.discard)

    listener = await asyncio.start_server(accept, host, port, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        server.closing = True
        listener.close()
        tasks = list(server.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def always(*pieces: bytes, then: str = "keep") -> Conversation:
    """Answer every request with the same pieces; then `keep` the connection, `close` or `reset` it."""

    async def conversation(visitor: Visitor) -> None:
        while True:
            await visitor.request()
            await visitor.send(*pieces)
            if then == "reset":
                visitor.reset()
            if then != "keep":
                return

    return conversation


def plain(body: bytes = b"ok", *fields: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a whole response with Content-Length."""
    head = b"".join(b"%b\r\n" % line for line in fields)
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, head, len(body), body)
