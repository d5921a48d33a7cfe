"""HTTP/1.1 on a stream, as far as a proxy needs it: heads are read, bodies are framed, and nothing is interpreted.

Source: RFC 9112, sections 2 to 7. Heads of at most 64 KiB; a peer that breaks the rules raises :class:`BadMessage`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

_CHUNK = 64 * 1024
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "expect"}
)


class BadMessage(Exception):
    """A peer sent what is no HTTP/1.1 message."""


@dataclass(slots=True)
class Head:
    """The start line and the fields of a message; names of fields in lower case."""

    start: str
    fields: list[tuple[str, str]] = field(default_factory=list)

    def get(self, name: str) -> str | None:
        """Return the first field of that name."""
        return next((value for key, value in self.fields if key == name), None)

    @property
    def status(self) -> int:
        """The status of an answer's head."""
        return int(self.start.split(" ", 2)[1])

    @property
    def is_chunked(self) -> bool:
        return "chunked" in (self.get("transfer-encoding") or "").lower()

    @property
    def is_upgrade(self) -> bool:
        return "upgrade" in (self.get("connection") or "").lower()

    @property
    def length(self) -> int | None:
        """The announced length of the body, in bytes."""
        text = self.get("content-length")
        return None if text is None else int(text)

    def encode(self, framing: list[tuple[str, str]]) -> bytes:
        """Return the head as bytes, with the fields of one hop replaced by `framing`."""
        dropped = {name for name, _ in framing} | _HOP_BY_HOP
        kept = [(name, value) for name, value in self.fields if name not in dropped]
        lines = [self.start, *(f"{name}: {value}" for name, value in [*kept, *framing])]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read a head; None when the peer has closed instead.

    Raises:
        BadMessage: what came is no head.
    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadMessage(
                f"the connection ended within a head: {error.partial[:80]!r}"
            ) from error
        return None
    except asyncio.LimitOverrunError as error:
        raise BadMessage("a head of more than 64 KiB") from error
    start, *lines = raw.decode("latin-1").strip("\r\n").split("\r\n")
    head = Head(start)
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise BadMessage(f"a field without a colon: {line[:80]!r}")
        head.fields.append((name.strip().lower(), value.strip()))
    return head


async def body_of(
    reader: asyncio.StreamReader, head: Head, *, to_end: bool
) -> AsyncIterator[bytes]:
    """Yield a body piece by piece as it comes, whatever its framing.

    Args:
        to_end: without a length the body lasts until the connection ends (an answer); else there is none.
    """
    if head.is_chunked:
        async for piece in _chunks(reader):
            yield piece
        return
    left = head.length
    if left is None:
        while to_end and (piece := await reader.read(_CHUNK)):
            yield piece
        return
    while left:
        piece = await reader.read(min(left, _CHUNK))
        if not piece:
            raise BadMessage(f"the body ended {left} bytes early")
        left -= len(piece)
        yield piece


def as_chunk(piece: bytes) -> bytes:
    """Frame a piece as a chunk; an empty one is the last."""
    return b"%x\r\n%b\r\n" % (len(piece), piece)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        line = await reader.readline()
        try:
            size = int(line.split(b";")[0], 16)
        except ValueError as error:
            raise BadMessage(f"not the size of a chunk: {line[:40]!r}") from error
        if size == 0:
            while (await reader.readline()).strip():
                continue
            return
        yield await reader.readexactly(size)
        await reader.readexactly(2)
