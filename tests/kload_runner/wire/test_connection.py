"""The protocol object by itself: whatever bytes come, however they are cut, one outcome and no exception."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hostile_server import plain
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kload_runner.wire import Peer, Response, WireSettings, build_request
from kload_runner.wire.connection import Connection
from kload_runner.wire.timeouts import Deadline, Sweep

LIMITS = WireSettings(max_header_bytes=4096, max_body_bytes=4096)


class Transport:
    """Takes everything, notes whether it was ended."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None: ...

    def get_extra_info(self, _: str) -> None: ...

    def set_write_buffer_limits(self, **_: int) -> None: ...

    def abort(self) -> None:
        self.aborted = True


class Sock:
    """Takes everything; or as many bytes as it is told, or fails."""

    def __init__(self, room: int | None = None, fault: OSError | None = None) -> None:
        self.room, self.fault = room, fault
        self.taken = b""

    def send(self, data: bytes) -> int:
        if self.fault is not None:
            raise self.fault
        taken = data[: self.room]
        self.taken += taken
        return len(taken)


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def converse(
    loop: asyncio.AbstractEventLoop, method: str, pieces: list[bytes], keep_body: bool
) -> tuple[Any, ...]:
    """Send one request, receive the pieces and EOF; return what came of it."""
    sweep = Sweep(loop, time.monotonic)
    connection = Connection(loop, LIMITS, sweep, Deadline())
    transport: Any = Transport()
    connection.attach(transport, Sock(), Peer("127.0.0.1", 80))  # type: ignore[arg-type]  # a fake
    request = build_request(method, "http://a.test/", keep_body=keep_body)
    response = Response(request, time.monotonic(), 1000)
    future = connection.send(response, b"...", time.monotonic(), time.monotonic() + 60)
    for piece in pieces:
        connection.data_received(piece)
    reusable = future.done() and connection.reusable
    connection.eof_received()
    connection.connection_lost(None)
    sweep.close()
    assert future.done(), "every exchange ends"
    assert future.result() is None
    assert transport.aborted
    assert not connection.busy
    assert (response.error is None) == (response.status >= 200)
    assert response.error is None or response.error_detail
    assert min(response.sending, response.waiting, response.receiving) >= 0
    assert response.duration == pytest.approx(
        response.sending + response.waiting + response.receiving
    )
    return response.status, response.error, response.raw, dict(response.headers), reusable


ANSWERS = [
    plain(b"hello"),
    plain(b"a") + plain(b"b"),
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + plain(b"hello"),
    b"HTTP/1.1 103 Early\r\nA: b\r\n\r\n" * 3 + plain(b"hello", b"C: d"),
    b"HTTP/1.1 200 OK\r\nA: b\r\n\r\nuntil the end",
    b"HTTP/1.0 404 Not Found\nA: b\n\nuntil the end",
    b"HTTP/1.1 204 No Content\r\nA: b\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
    plain(b"x" * 5000),
    b"\r\n\r\n" + plain(b"hello") + b"\r\n",
    b"\x00\x00\x06\x04\x00\x00\x00\x00\x00",
    b"",
]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@given(
    data=st.sampled_from(ANSWERS),
    places=st.lists(st.integers(0, 6000), max_size=6),
    keep_body=st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_how_a_response_is_cut_does_not_matter(
    method: str, data: bytes, places: list[int], keep_body: bool
) -> None:
    loop = asyncio.new_event_loop()
    try:
        whole = converse(loop, method, [data] if data else [], keep_body)
        assert converse(loop, method, cut(data, places), keep_body)[:-1] == whole[:-1]
    finally:
        loop.close()


TOKENS = st.sampled_from(
    [
        b"HTTP/1.1 ",
        b"HTTP/1.0 ",
        b"200 OK",
        b"100 Continue",
        b"204 ",
        b"\r\n",
        b"\n",
        b"\r\n\r\n",
        b"Content-Length: ",
        b"5",
        b"0",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"hello",
        b": ",
        b"\x00",
        b"gzip",
        b"Upgrade: h2c",
        b"-1",
        b" ",
    ]
)


@given(
    st.lists(st.one_of(TOKENS, st.binary(max_size=5)), max_size=14),
    st.sampled_from(["GET", "HEAD", "POST"]),
)
@example(
    [b"HTTP/1.1 ", b"101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", b"more"], "GET"
)
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n"], "GET")
@example([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"], "GET")
@settings(max_examples=400, deadline=None)
def test_any_bytes_end_in_a_response_or_a_fault(pieces: list[bytes], method: str) -> None:
    loop = asyncio.new_event_loop()
    try:
        converse(loop, method, [piece for piece in pieces if piece], True)
        converse(loop, method, [b"".join(pieces)] if any(pieces) else [], False)
    finally:
        loop.close()


def test_an_idle_connection_can_be_ended_by_either_side(loop: asyncio.AbstractEventLoop) -> None:
    for end in ("eof_received", "abandon", "stop", "expire"):
        connection = Connection(loop, LIMITS, Sweep(loop, time.monotonic), Deadline())
        transport: Any = Transport()
        connection.attach(transport, Sock(), Peer())  # type: ignore[arg-type]  # a fake
        getattr(connection, end)()
        connection.connection_lost(None)
        assert connection.closed
        assert transport.aborted or end == "expire"


def test_a_greeting_that_never_ends_closes_the_connection(loop: asyncio.AbstractEventLoop) -> None:
    connection = Connection(loop, LIMITS, Sweep(loop, time.monotonic), Deadline())
    for _ in range(5):
        connection.data_received(b"x" * 1000)
    transport: Any = Transport()
    connection.attach(transport, Sock(), Peer())  # type: ignore[arg-type]  # a fake
    assert connection.closed
    assert transport.aborted


class Writer(Transport):
    """Notes what is written."""

    def __init__(self, secure: bool = False) -> None:
        super().__init__()
        self.secure = secure
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data

    def get_extra_info(self, name: str) -> Any:
        return object() if self.secure and name == "ssl_object" else None


@pytest.mark.parametrize(
    ("sock", "secure", "past", "through"),
    [
        pytest.param(Sock(), False, b"first second", b"", id="a socket with room takes everything"),
        pytest.param(Sock(room=4), False, b"firs", b"t second", id="what is left goes in order"),
        pytest.param(Sock(room=0), False, b"", b"first second", id="a full socket"),
        pytest.param(
            Sock(fault=BlockingIOError()), False, b"", b"first second", id="one that would block"
        ),
        pytest.param(Sock(fault=BrokenPipeError()), False, b"", b"first second", id="a broken one"),
        pytest.param(Sock(), True, b"", b"first second", id="nothing goes past TLS"),
    ],
)
def test_bytes_leave_in_order_past_the_transport_or_through_it(
    loop: asyncio.AbstractEventLoop, sock: Any, secure: bool, past: bytes, through: bytes
) -> None:
    connection = Connection(loop, LIMITS, Sweep(loop, time.monotonic), Deadline())
    transport: Any = Writer(secure)
    connection.attach(transport, sock, Peer())
    request = build_request("GET", "http://a.test/")
    for text in (b"first ", b"second"):
        connection.send(Response(request, 0.0, 1000), text, 0.0, 60.0)
        connection.data_received(plain(b""))
    assert (sock.taken, transport.written) == (past, through)
    connection.abandon()
