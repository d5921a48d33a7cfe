"""A target that misbehaves is a measurement: one class, one sentence, no traceback, no hang, no reuse."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hostile_server import Conversation, Visitor, always, plain, serve

from kload_runner.wire import Client, ErrorClass, WireSettings, build_request
from kload_runner.wire.connection import Connection
from kload_runner.wire.timeouts import Deadline, Sweep

MakeClient = Callable[..., Client]


async def silent(visitor: Visitor) -> None:
    await visitor.request()
    await visitor.silence()


async def closes_at_once(visitor: Visitor) -> None:
    visitor.writer.close()


async def trickles(visitor: Visitor) -> None:
    await visitor.request()
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000:
        await visitor.send(bytes([byte]))
        await asyncio.sleep(0.005)


async def drowns(visitor: Visitor) -> None:
    await visitor.request()
    await visitor.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await visitor.send(b"x" * 65536)


async def greets_with_frames(visitor: Visitor) -> None:
    await visitor.send(H2_SETTINGS)
    await visitor.silence()


async def greets_and_leaves(visitor: Visitor) -> None:
    await visitor.send(b"421 too many connections\r\n")


H2_SETTINGS = bytes.fromhex("000006040000000000000300000064")
FAULTS = [
    pytest.param(silent, ErrorClass.TIMEOUT, "within 0.1 s (nothing came)", id="never answers"),
    pytest.param(trickles, ErrorClass.TIMEOUT, "bytes came", id="trickles"),
    pytest.param(closes_at_once, ErrorClass.RESET, "nothing came", id="closes at once"),
    pytest.param(always(then="close"), ErrorClass.RESET, "closed", id="closes unanswered"),
    pytest.param(always(then="reset"), ErrorClass.RESET, "reset", id="resets unanswered"),
    pytest.param(
        always(b"HTTP/1.1 200 O", then="close"),
        ErrorClass.RESET,
        "14 bytes",
        id="half a status line",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", then="close"),
        ErrorClass.RESET,
        "closed",
        id="half a head",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", then="close"),
        ErrorClass.RESET,
        "before the response was complete",
        id="body shorter than its length",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", then="reset"),
        ErrorClass.RESET,
        "reset",
        id="reset in the body",
    ),
    pytest.param(
        always(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", then="close"
        ),
        ErrorClass.RESET,
        "before the response was complete",
        id="chunks without an end",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\n\r\nuntil the en", then="reset"),
        ErrorClass.RESET,
        "reset",
        id="reset in a body that ends with the connection",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        ErrorClass.PROTOCOL,
        "malformed",
        id="chunk size that is no number",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        ErrorClass.PROTOCOL,
        "Content-Length",
        id="two lengths",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n"),
        ErrorClass.PROTOCOL,
        "Content-Length",
        id="no number",
    ),
    pytest.param(
        always(b"\x00\xff garbage\r\n\r\n"),
        ErrorClass.PROTOCOL,
        "begins with '\\x00\\xff garbage",
        id="garbage",
    ),
    pytest.param(
        always(b"<html>0.9</html>", then="close"), ErrorClass.PROTOCOL, "<html>", id="HTTP/0.9"
    ),
    pytest.param(always(b"SSH-2.0-OpenSSH_9\r\n"), ErrorClass.PROTOCOL, "an SSH server", id="ssh"),
    pytest.param(always(H2_SETTINGS), ErrorClass.PROTOCOL, "HTTP/2", id="HTTP/2 settings"),
    pytest.param(
        greets_with_frames, ErrorClass.PROTOCOL, "HTTP/2", id="HTTP/2 settings before any request"
    ),
    pytest.param(
        greets_and_leaves, ErrorClass.PROTOCOL, "421 too many", id="a greeting and an end"
    ),
    pytest.param(
        always(bytes.fromhex("0000080700000000000000000000000001")),
        ErrorClass.PROTOCOL,
        "HTTP/2",
        id="HTTP/2 goaway",
    ),
    pytest.param(
        always(bytes.fromhex("15030100020246")), ErrorClass.PROTOCOL, "https://", id="TLS alert"
    ),
    pytest.param(
        always(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        ErrorClass.PROTOCOL,
        "switch",
        id="switches protocols",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000 + b"\r\n\r\n"),
        ErrorClass.TOO_LARGE,
        "8192 bytes",
        id="huge head",
    ),
    pytest.param(
        always(*[b"HTTP/1.1 200 OK\r\n"] + [b"X: " + b"x" * 3000 + b"\r\n"] * 4),
        ErrorClass.TOO_LARGE,
        "head is longer",
        id="head in pieces without end",
    ),
    pytest.param(always(plain(b"x" * 70_000)), ErrorClass.TOO_LARGE, "65536 bytes", id="huge body"),
    pytest.param(
        always(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 40_000, b"x" * 40_000),
        ErrorClass.TOO_LARGE,
        "body is longer",
        id="body beyond the limit in pieces",
    ),
    pytest.param(drowns, ErrorClass.TOO_LARGE, "body is longer", id="endless body"),
]


@pytest.mark.parametrize(("conversation", "error", "detail"), FAULTS)
async def test_each_fault_has_its_class_and_a_sentence(
    new_client: MakeClient, conversation: Conversation, error: ErrorClass, detail: str
) -> None:
    client = new_client(max_header_bytes=8192, max_body_bytes=65536)
    limit_s = 0.1 if error is ErrorClass.TIMEOUT else 3.0
    async with serve(conversation) as server:
        response = await client.exchange(
            build_request("POST", server.url, timeout_s=limit_s), b"{}"
        )
        assert response.error is error
        assert detail in response.error_detail
        assert response.status == 0
        assert response.written is (response.duration > 0)
        assert response.written or response.bytes_sent == 0
        assert response.total == pytest.approx(
            response.blocked
            + response.connecting
            + response.sending
            + response.waiting
            + response.receiving
        )
        assert not client._connections, "a broken connection is not kept"
        assert len(server.requests) <= 1, "a POST is never sent twice"


@pytest.mark.parametrize("keep_body", [True, False], ids=["kept", "counted"])
@pytest.mark.parametrize(
    "extra",
    [
        pytest.param(plain(b"second"), id="a second response"),
        pytest.param(b"HTTP/1.1 20", id="half a second response"),
        pytest.param(b"garbage", id="garbage"),
        pytest.param(b"\r\nX", id="an empty line and more"),
    ],
)
async def test_what_follows_a_response_never_meets_the_next_request(
    client: Client, extra: bytes, keep_body: bool
) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(plain(b"first") + (extra if visitor.number == 1 else b""))
        await visitor.silence()

    async with serve(conversation) as server:
        request = build_request("GET", server.url, keep_body=keep_body)
        first = await client.exchange(request)
        second = await client.exchange(request)
        assert (first.status, second.status) == (200, 200)
        assert first.raw == second.raw == (b"first" if keep_body else b"")
        assert not second.connection_reused
        assert server.connections == 2


async def test_bytes_between_exchanges_close_the_connection(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(plain(b"asked for"), plain(b"not asked for"))
        await visitor.silence()

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        assert (await client.exchange(request)).raw == b"asked for"
        await asyncio.sleep(0.02)
        second = await client.exchange(request)
        assert second.raw == b"asked for"
        assert not second.connection_reused


async def test_a_timeout_is_never_early_and_counts_from_the_start(new_client: MakeClient) -> None:
    client = new_client()
    async with serve(silent) as server:
        response = await client.exchange(build_request("GET", server.url, timeout_s=0.07))
        assert 0.07 <= response.total < 1.0
        assert response.duration == pytest.approx(response.total, abs=0.05)


async def test_timeouts_of_many_lengths_run_side_by_side(new_client: MakeClient) -> None:
    clients = [new_client() for _ in range(8)]
    async with serve(silent) as server:
        limits = [0.02, 0.15, 0.04, 0.03, 0.15, 0.08, 0.05, 0.02]
        responses = await asyncio.gather(
            *(
                client.exchange(build_request("GET", server.url, timeout_s=limit))
                for client, limit in zip(clients, limits, strict=True)
            )
        )
        for response, limit in zip(responses, limits, strict=True):
            assert response.error is ErrorClass.TIMEOUT
            assert limit <= response.total < limit + 1.0  # the exact bound: test_timeouts.py


async def test_interrupting_a_user_closes_its_connection(client: Client) -> None:
    closed = asyncio.Event()

    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.silence()
        closed.set()

    async with serve(conversation) as server:
        task = asyncio.create_task(client.exchange(build_request("GET", server.url)))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 1)
        assert not client._connections


async def test_interrupting_a_user_closes_a_kept_connection_too(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(plain())
        visitor.arrived.clear()
        await silent(visitor)

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        await client.exchange(request)
        server.arrived.clear()
        task = asyncio.create_task(client.exchange(request))
        await server.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client._connections


@pytest.mark.parametrize(
    ("early", "error", "detail"),
    [
        pytest.param(b"", ErrorClass.RESET, "as soon as it was made", id="silent"),
        pytest.param(b"421 too many", ErrorClass.PROTOCOL, "421 too many", id="with a word"),
    ],
)
async def test_a_connection_that_ends_before_the_request_is_no_hang(
    client: Client, early: bytes, error: ErrorClass, detail: str
) -> None:
    class Stillborn:
        """A connector whose connections have ended by the time they are handed over."""

        async def connect(
            self, _endpoint: Any, deadline: Deadline, _until: float, _phases: Any
        ) -> Connection:
            connection = Connection(loop, WireSettings(), Sweep(loop, loop.time), deadline)
            if early:
                connection.data_received(early)
            connection.eof_received()
            return connection

    loop = asyncio.get_running_loop()
    client._connector = Stillborn()  # type: ignore[assignment]  # only `connect` is asked for
    response = await client.exchange(build_request("GET", "http://a.test/"))
    assert (response.status, response.error) == (0, error)
    assert detail in response.error_detail
    assert not response.written
    assert not client._connections


async def test_closing_the_client_ends_what_is_in_flight(client: Client) -> None:
    async with serve(silent) as server:
        task = asyncio.create_task(client.exchange(build_request("GET", server.url)))
        await server.arrived.wait()
        client.close()
        response = await task
        assert response.error is ErrorClass.RESET
        assert "closed" in response.error_detail
