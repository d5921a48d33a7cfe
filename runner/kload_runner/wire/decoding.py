"""Bodies: from bytes as sent to bytes and text as meant. Runs only when somebody reads the body. Pure.

Source: RFC 9110 §8.4 (content codings), RFC 8878 (zstd), RFC 7932 (br).
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # ships no annotations
import zstandard

from kload_runner.wire.errors import UnreadableBody

_MAX_CODINGS = 4  # "gzip, gzip, gzip, ...": each layer multiplies the work
_SLICE = 65_536
_ZSTD_SLICE = 256
_ZSTD_WINDOW = 8 * 1024 * 1024  # what RFC 9659 allows in HTTP


def decompress(raw: bytes, content_encoding: str, limit: int) -> bytes:
    """Undo the codings of a Content-Encoding value, the last one first.

    Args:
        raw: the body as sent.
        content_encoding: e.g. ``gzip``, ``br``, ``deflate, zstd``; empty and ``identity`` change nothing.
        limit: bytes; a body that grows beyond is refused, not truncated.

    Raises:
        UnreadableBody: unknown coding, corrupt or truncated data, or more than `limit` bytes.
    """
    codings = [name for part in content_encoding.split(",") if (name := part.strip().lower())]
    codings = [name for name in codings if name != "identity"]
    if len(codings) > _MAX_CODINGS:
        raise UnreadableBody(
            f"the body has {len(codings)} content codings; at most {_MAX_CODINGS} are undone"
        )
    data = raw
    for name in reversed(codings):
        decoder = _DECODERS.get(name)
        if decoder is None:
            raise UnreadableBody(
                f"content coding {name!r} is unknown; gzip, deflate, br and zstd can be undone"
            )
        if not data:
            return b""  # answers to HEAD and empty bodies carry the field too
        try:
            data = decoder(data, limit)
        except (zlib.error, brotli.error, zstandard.ZstdError, EOFError) as exc:
            raise UnreadableBody(f"the {name} body is corrupt: {exc}") from None
    return data


def to_text(content: bytes, content_type: str) -> str:
    """Decode text in the charset of a Content-Type value; UTF-8 where none or an unknown one is named."""
    charset = "utf-8"
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            charset = value.strip().strip("\"'").lower()
    if charset in ("utf-8", "utf8", ""):
        return content.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    try:
        return content.decode(charset, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _too_long(limit: int) -> UnreadableBody:
    return UnreadableBody(f"the body is longer than {limit} bytes after decompression")


def _gunzip(data: bytes, limit: int) -> bytes:
    return _inflate(data, limit, zlib.MAX_WBITS | 16)


def _undeflate(data: bytes, limit: int) -> bytes:
    # "deflate" means zlib (RFC 9110 §8.4.1.2), but many servers send it raw; the first byte tells.
    zlib_wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
    return _inflate(data, limit, zlib.MAX_WBITS if zlib_wrapped else -zlib.MAX_WBITS)


def _inflate(data: bytes, limit: int, wbits: int) -> bytes:
    out = bytearray()
    while data:  # a gzip body may be several members in a row (RFC 1952 §2.2)
        inflater = zlib.decompressobj(wbits)
        out += inflater.decompress(data, limit - len(out) + 1)
        if len(out) > limit:
            raise _too_long(limit)
        if not inflater.eof:
            raise EOFError("it ends too early")
        data = inflater.unused_data.lstrip(b"\0")
        if wbits < 0 or wbits == zlib.MAX_WBITS:
            break
    return bytes(out)


def _unbrotli(data: bytes, limit: int) -> bytes:
    decoder = brotli.Decompressor()
    out = bytearray(decoder.process(data, output_buffer_limit=_SLICE))
    while not decoder.is_finished():
        if len(out) > limit:
            raise _too_long(limit)
        piece = decoder.process(b"", output_buffer_limit=_SLICE)
        if not piece and decoder.can_accept_more_data():
            raise EOFError("it ends too early")
        out += piece
    if len(out) > limit:
        raise _too_long(limit)
    return bytes(out)


def _unzstd(data: bytes, limit: int) -> bytes:
    out = bytearray()
    factory = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    while data:  # frames in a row (RFC 8878 §3.1)
        decoder = factory.decompressobj()
        at = 0
        while not decoder.eof:
            if at >= len(data):
                raise EOFError("it ends too early")
            # In slices, because the decoder takes no bound: one of 256 bytes grows to 8 MiB at most.
            out += decoder.decompress(data[at : at + _ZSTD_SLICE])
            at += _ZSTD_SLICE
            if len(out) > limit:
                raise _too_long(limit)
        data = decoder.unused_data + data[at:]
    return bytes(out)


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
