"""A small ASGI application in the manner of httpbin: it says what it saw, redirects, encodes, sets cookies."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import brotli  # type: ignore[import-untyped]  # ships no annotations
import zstandard

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Fields = list[tuple[bytes, bytes]]

SHOWN = ("content-type", "content-length", "authorization", "cookie", "x-one", "x-two", "host")
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """Answer by the first segment of the path."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    name, _, rest = scope["path"].strip("/").partition("/")
    query = {key: values[-1] for key, values in parse_qs(scope["query_string"].decode()).items()}
    if name == "stream":
        await stream(send, int(rest))
        return
    status, fields, content = answer(scope, name, rest, query, body)
    await respond(send, status, fields, b"" if scope["method"] == "HEAD" else content, len(content))


def answer(
    scope: dict[str, Any], name: str, rest: str, query: dict[str, str], body: bytes
) -> tuple[int, Fields, bytes]:
    """Return status, fields and content."""
    if name == "status":
        return int(rest), [], b"" if rest in ("204", "304") else f"status {rest}".encode()
    if name == "redirect":
        left = int(rest)
        return (
            302,
            [(b"location", f"/redirect/{left - 1}".encode() if left > 1 else b"/anything")],
            b"",
        )
    if name == "redirect-to":
        return int(query["status"]), [(b"location", query["url"].encode())], b"moved"
    if name == "set-cookies":
        fields = [
            (b"set-cookie", f"{key}={value}; Path=/".encode()) for key, value in query.items()
        ]
        return 302, [*fields, (b"location", b"/anything")], b""
    if name == "encoded":
        content = ENCODERS[rest](json.dumps({"encoded": rest}).encode())
        return (
            200,
            [(b"content-encoding", rest.encode()), (b"content-type", b"application/json")],
            content,
        )
    if name == "bytes":
        return (
            200,
            [(b"content-type", b"application/octet-stream")],
            bytes(range(256)) * (int(rest) // 256),
        )
    if name == "latin-1":
        return 200, [(b"content-type", b"text/plain; charset=latin-1")], "Grüße".encode("latin-1")
    if name == "repeated":
        return 200, [(b"x-many", b"1"), (b"x-many", b"2"), (b"vary", b"a, b")], b"{}"
    return 200, [(b"content-type", b"application/json")], echo(scope, body)


def echo(scope: dict[str, Any], body: bytes) -> bytes:
    """Return what was asked, as JSON."""
    headers = {key.decode(): value.decode("latin-1") for key, value in scope["headers"]}
    seen = {
        "method": scope["method"],
        "path": scope["path"],
        "query": scope["query_string"].decode(),
        "headers": {key: headers[key] for key in SHOWN if key in headers},
        "body": body.decode("latin-1"),
    }
    return json.dumps(seen, sort_keys=True).encode()


async def respond(send: Send, status: int, fields: Fields, content: bytes, length: int) -> None:
    """Send a whole response."""
    if status not in (204, 304):
        fields = [*fields, (b"content-length", str(length).encode())]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": content})


async def stream(send: Send, count: int) -> None:
    """Send a response in chunks, its length unknown."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-one", b"1")]})
    for number in range(count):
        await send({"type": "http.response.body", "body": b"%d\n" % number, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
