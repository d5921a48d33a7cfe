"""Bodies: every coding there and back, bombs and broken ones refused with a sentence."""

from __future__ import annotations

import contextlib
import gzip
import random
import zlib
from collections.abc import Callable

import brotli  # type: ignore[import-untyped]  # ships no annotations
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.wire import UnreadableBody
from kload_runner.wire.decoding import decompress, to_text


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def zstd_stream(data: bytes) -> bytes:
    """Without the content size in the frame, as servers that stream send it."""
    encoder = zstandard.ZstdCompressor().compressobj()
    return encoder.compress(data) + encoder.flush()


CODINGS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("gzip", gzip.compress),
    ("x-gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("deflate", raw_deflate),
    ("br", lambda data: brotli.compress(data, quality=3)),
    ("zstd", zstd),
    ("zstd", zstd_stream),
]
each_coding = pytest.mark.parametrize(
    ("coding", "encode"), CODINGS, ids=lambda value: getattr(value, "__name__", value)
)


@each_coding
@pytest.mark.parametrize(
    "body", [b"", b"x", b"hello " * 50_000], ids=["empty", "one byte", "300 kB"]
)
def test_every_coding_is_undone(coding: str, encode: Callable[[bytes], bytes], body: bytes) -> None:
    assert decompress(encode(body), coding, 1_000_000) == body


@each_coding
def test_a_bomb_is_refused_before_it_explodes(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    bomb = encode(b"\0" * 30_000_000)
    assert len(bomb) < 40_000
    with pytest.raises(UnreadableBody, match="longer than 100000 bytes"):
        decompress(bomb, coding, 100_000)


@each_coding
def test_exactly_the_limit_is_accepted(coding: str, encode: Callable[[bytes], bytes]) -> None:
    assert len(decompress(encode(b"x" * 100_000), coding, 100_000)) == 100_000
    with pytest.raises(UnreadableBody, match="longer than"):
        decompress(encode(b"x" * 100_001), coding, 100_000)


@each_coding
def test_what_is_cut_off_is_refused(coding: str, encode: Callable[[bytes], bytes]) -> None:
    whole = encode(random.Random(1).randbytes(400_000))  # several blocks
    for cut in (1, len(whole) // 2, len(whole) * 3 // 4, len(whole) - 5):
        with pytest.raises(UnreadableBody, match="corrupt"):
            decompress(whole[:cut], coding, 1_000_000)


@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.binary(max_size=200))
@settings(max_examples=400)
def test_any_bytes_are_a_body_or_a_sentence(coding: str, data: bytes) -> None:
    with contextlib.suppress(UnreadableBody):
        assert len(decompress(data, coding, 10_000)) <= 10_000


def test_several_codings_are_undone_last_first() -> None:
    body = gzip.compress(brotli.compress(b"hello"))
    assert decompress(body, "br, identity, GZIP", 100) == b"hello"
    with pytest.raises(UnreadableBody, match="5 content codings"):
        decompress(body, "gzip, gzip, gzip, gzip, gzip", 100)


@pytest.mark.parametrize(
    ("coding", "encode"), [("gzip", gzip.compress), ("zstd", zstd)], ids=["gzip", "zstd"]
)
def test_several_members_or_frames_are_one_body(
    coding: str, encode: Callable[[bytes], bytes]
) -> None:
    assert decompress(encode(b"a" * 300) + encode(b"b"), coding, 1000) == b"a" * 300 + b"b"


def test_an_unknown_coding_is_named() -> None:
    with pytest.raises(UnreadableBody, match="'compress' is unknown; gzip, deflate, br and zstd"):
        decompress(b"x", "compress", 100)


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        ("ä€".encode(), "", "ä€"),
        ("ä€".encode(), "text/html; charset=UTF-8", "ä€"),
        ("ä".encode("latin-1"), 'text/plain; Charset="ISO-8859-1"', "ä"),
        ("ä".encode("utf-16"), "text/plain; charset=utf-16", "ä"),
        (b"\xef\xbb\xbfx", "application/json", "x"),
        (b"a\xff", "text/plain", "a\ufffd"),
        (b"a", "text/plain; charset=klingon", "a"),
        (b"a", "text/plain; charset=base64", "a"),
        (b"a", "text/plain; charset=a\x00b", "a"),
    ],
)
def test_text_is_decoded_in_its_charset(content: bytes, content_type: str, text: str) -> None:
    assert to_text(content, content_type) == text
