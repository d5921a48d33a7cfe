"""How an answer comes back: passed on whole, or broken off where a fault says so.

The half of the proxy that writes to the client; decides nothing about which fault it is.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from chaos.faults import Answer, Cut, EndWatch, Fault
from chaos.messages import Head, as_chunk, body_of

_HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Streams:
    """The ends of the two connections that an answer runs between."""

    upstream: asyncio.StreamReader
    to_client: asyncio.StreamWriter
    from_client: asyncio.StreamReader


async def relay(
    answer: Head,
    request: Head,
    fault: Fault | None,
    streams: Streams,
) -> bool:
    """Pass an answer on, broken off where the fault says so; False when the connection ends with it."""
    upstream, writer, reader = streams.upstream, streams.to_client, streams.from_client
    bare = request.start.startswith("HEAD ") or answer.status in (204, 304)
    if bare:
        length = answer.get("content-length")
        writer.write(answer.encode([("content-length", length)] if length else []))
        await writer.drain()
        return True
    chunked = answer.length is None or isinstance(fault, EndWatch)
    framing = ("transfer-encoding", "chunked")
    if not chunked:
        framing = ("content-length", str(answer.length))
    writer.write(answer.encode([framing]))
    passed = 0
    pieces = body_of(upstream, answer, to_end=True)
    if isinstance(fault, EndWatch):
        pieces = _first_events(pieces, fault)
    async for piece in pieces:
        if isinstance(fault, Cut) and passed + len(piece) >= (fault.after_bytes or 0):
            part = piece[: (fault.after_bytes or 0) - passed]
            writer.write(as_chunk(part) if chunked and part else part)
            await writer.drain()
            reset(writer)
            return False
        passed += len(piece)
        writer.write(as_chunk(piece) if chunked else piece)
        await writer.drain()
    if isinstance(fault, EndWatch) and fault.silently:
        await reader.read()
        return False
    if chunked:
        writer.write(as_chunk(b""))
        await writer.drain()
    return True


async def _first_events(pieces: AsyncIterator[bytes], fault: EndWatch) -> AsyncIterator[bytes]:
    """Yield the first events of a watch, a line each, and what the fault puts after them."""
    left, pending = fault.after_events, b""
    if left:
        async for piece in pieces:
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines[:left]:
                yield line + b"\n"
            left -= len(lines)
            if left <= 0:
                break
    if fault.last:
        yield fault.last.encode() + b"\n"


async def tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream: asyncio.StreamReader,
    to_upstream: asyncio.StreamWriter,
) -> None:
    """Pass bytes both ways until both sides have ended: what follows an upgrade is no HTTP."""

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while piece := await source.read(_HEAD_LIMIT):
            sink.write(piece)
            await sink.drain()
        sink.close()

    await asyncio.gather(pump(reader, to_upstream), pump(upstream, writer), return_exceptions=True)


def encode_answer(answer: Answer) -> bytes:
    """Return a whole answer as bytes."""
    body = answer.body.encode()
    head = Head(f"HTTP/1.1 {answer.status} Chaos", list(answer.headers.items()))
    return head.encode([("content-length", str(len(body)))]) + body


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset instead of an orderly end, as a crashed peer's kernel would."""
    plain = writer.get_extra_info("socket")
    with suppress(OSError, AttributeError):  # a lost TLS connection has no socket any more
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
