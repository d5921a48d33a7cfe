"""How a message begins and ends, which connection carries it, and what is counted and timed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from hostile_server import Conversation, Visitor, always, plain, serve

from kload_runner.wire import Client, ErrorClass, build_request

MakeClient = Callable[..., Client]

OK = b"HTTP/1.1 200 OK\r\n"
MESSAGES = [
    pytest.param(always(plain(b"hello")), b"hello", True, id="counted"),
    pytest.param(always(plain(b"")), b"", True, id="empty"),
    pytest.param(
        always(OK + b"Content-Length: 5\r\n\r\n", b"he", b"llo"), b"hello", True, id="in pieces"
    ),
    pytest.param(always(*[bytes([b]) for b in plain(b"hi")]), b"hi", True, id="byte by byte"),
    pytest.param(
        always(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;ext=1\r\nllo\r\n0\r\n\r\n"),
        b"hello",
        True,
        id="chunked",
    ),
    pytest.param(
        always(
            OK
            + b"Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"
        ),
        b"hello",
        True,
        id="chunked with trailers",
    ),
    pytest.param(
        always(OK + b"Transfer-Encoding: chunked\r\n\r\n5  \r\nhello\r\n0\r\n\r\n"),
        b"hello",
        True,
        id="blanks behind sizes",
    ),
    pytest.param(
        always(b"HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello"),
        b"hello",
        True,
        id="no reason phrase",
    ),
    pytest.param(
        always(b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"), b"hello", True, id="bare LF"
    ),
    pytest.param(always(b"\r\n" + plain(b"hello")), b"hello", True, id="empty line before"),
    pytest.param(
        always(plain(b"hello", b"Connection: close"), then="close"),
        b"hello",
        False,
        id="Connection: close",
    ),
    pytest.param(
        always(plain(b"hello", b"Connection: close")),
        b"hello",
        False,
        id="announces close, stays open",
    ),
    pytest.param(always(OK + b"\r\nhello", then="close"), b"hello", False, id="until close"),
    pytest.param(
        always(OK + b"\r\n", b"hel", b"lo", then="close"),
        b"hello",
        False,
        id="until close, in pieces",
    ),
    pytest.param(
        always(b"HTTP/1.0 200 OK\r\n\r\nhello", then="close"), b"hello", False, id="HTTP/1.0"
    ),
    pytest.param(
        always(b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
        b"hello",
        False,
        id="HTTP/1.0 counted",
    ),
    pytest.param(
        always(b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"),
        b"hello",
        True,
        id="HTTP/1.0 keep-alive",
    ),
    pytest.param(
        always(
            b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain(b"hello", b"X-Final: yes")
        ),
        b"hello",
        True,
        id="early hints before",
    ),
    pytest.param(
        always(
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 102 Processing\r\n\r\n",
            plain(b"hello", b"X-Final: yes"),
        ),
        b"hello",
        True,
        id="two interim responses",
    ),
]


@pytest.mark.parametrize("keep_body", [True, False], ids=["kept", "counted"])
@pytest.mark.parametrize(("conversation", "body", "reused"), MESSAGES)
async def test_every_form_of_message_is_read_to_its_end(
    client: Client, conversation: Conversation, body: bytes, reused: bool, keep_body: bool
) -> None:
    async with serve(conversation) as server:
        request = build_request("GET", server.url, keep_body=keep_body)
        for number in range(3):
            response = await client.exchange(request)
            assert (response.status, response.error_detail) == (200, "")
            assert response.raw == (body if keep_body else b"")
            assert response.connection_reused is (reused and number > 0)
        assert server.connections == (1 if reused else 3)


BODILESS = [
    pytest.param("HEAD", plain(b"")[:-2] + b"X: 1\r\n\r\n", id="HEAD, length 0"),
    pytest.param("HEAD", OK + b"Content-Length: 512\r\n\r\n", id="HEAD, a length but no body"),
    pytest.param(
        "HEAD", OK + b"Transfer-Encoding: chunked\r\n\r\n", id="HEAD, chunked but no body"
    ),
    pytest.param("HEAD", OK + b"X: 1\r\n\r\n", id="HEAD, neither"),
    pytest.param("GET", b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
    pytest.param(
        "GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 512\r\n\r\n", id="304 with a length"
    ),
]


@pytest.mark.parametrize("split", [False, True], ids=["one segment", "two segments"])
@pytest.mark.parametrize(("method", "answer"), BODILESS)
async def test_answers_without_a_body_leave_the_connection_usable(
    client: Client, method: str, answer: bytes, split: bool
) -> None:
    pieces = (answer[:20], answer[20:]) if split else (answer,)
    async with serve(always(*pieces)) as server:
        for _ in range(3):
            response = await client.exchange(build_request(method, server.url))
            assert response.ok
            assert response.raw == b""
            assert len(response.headers) <= 2
        assert server.connections == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_head_answer_with_a_body_is_not_taken_for_the_next_answer(
    client: Client, method: str
) -> None:
    async with serve(always(plain(b"hello"))) as server:
        head = await client.exchange(build_request("HEAD", server.url))
        assert (head.status, head.raw) == (200, b"")
        after = await client.exchange(build_request(method, server.url))
        assert (after.status, after.raw) == (200, b"hello")


async def test_interim_heads_are_no_part_of_the_headers(client: Client) -> None:
    answer = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + plain(b"x", b"X-Final: yes")
    async with serve(always(answer)) as server:
        response = await client.exchange(build_request("GET", server.url))
        assert response.headers["x-final"] == "yes"
        assert "link" not in response.headers
        assert response.reason == "OK"


async def test_requests_are_framed_by_the_client(client: Client) -> None:
    async with serve(always(plain())) as server:
        headers = {"X-Key": "v", "Content-Length": "99", "Connection": "upgrade"}
        await client.exchange(build_request("GET", f"{server.url}a?b=c", headers))
        await client.exchange(build_request("POST", server.url), b"body")
        await client.exchange(build_request("POST", server.url))
        await client.exchange(build_request("DELETE", server.url, {"Host": "other.test"}, b"x"))
        get, post, empty, delete = server.requests
        agent = b"User-Agent: kload/0.1\r\n"
        host = b"Host: 127.0.0.1:%d\r\n" % server.port
        assert get == b"GET /a?b=c HTTP/1.1\r\n" + host + agent + b"X-Key: v\r\n\r\n"
        assert post == b"POST / HTTP/1.1\r\n" + host + agent + b"Content-Length: 4\r\n\r\nbody"
        assert empty == b"POST / HTTP/1.1\r\n" + host + agent + b"Content-Length: 0\r\n\r\n"
        assert b"Host: other.test\r\n" in delete
        assert delete.count(b"Host:") == 1


@pytest.mark.parametrize(
    ("method", "headers", "retried"),
    [
        ("GET", {}, True),
        ("HEAD", {}, True),
        ("OPTIONS", {}, True),
        ("DELETE", {}, False),
        ("PUT", {}, False),
        ("POST", {}, False),
        ("POST", {"Idempotency-Key": "1"}, True),
    ],
)
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_only_what_may_be_repeated_is_sent_again_after_a_stale_connection(
    client: Client, method: str, headers: dict[str, str], retried: bool, how: str
) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(plain(b"" if method == "HEAD" else b"x"))
        await visitor.request()
        if visitor.number == 1:
            if how == "reset":
                visitor.reset()
            return
        await visitor.send(plain())

    async with serve(conversation) as server:
        request = build_request(method, server.url, headers)
        assert (await client.exchange(request)).retries == 0
        response = await client.exchange(request)
        if retried:
            assert (response.status, response.retries, response.connection_reused) == (
                200,
                1,
                False,
            )
            assert len(server.requests) == 3
        else:
            assert (response.error, response.retries) == (ErrorClass.RESET, 0)
            assert len(server.requests) == 2


async def test_a_retry_happens_once(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        if visitor.number == 1:
            await visitor.send(plain())
            await visitor.request()

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        await client.exchange(request)
        response = await client.exchange(request)
        assert (response.error, response.retries) == (ErrorClass.RESET, 1)
        assert server.connections == 2


async def test_a_connection_closed_during_a_pause_costs_no_request(client: Client) -> None:
    async with serve(always(plain(), then="close")) as server:
        request = build_request("POST", server.url)
        await client.exchange(request, b"x")
        [connection] = client._connections
        connection.idle_since -= 10.0  # as if the user had slept; the loop has not seen the end yet
        while not connection.gone():
            pass
        response = await client.exchange(request, b"x")
        assert (response.status, response.retries, response.connection_reused) == (200, 0, False)


async def test_side_by_side_exchanges_take_connections_of_their_own(new_client: MakeClient) -> None:
    client = new_client(max_idle_per_origin=2)
    async with serve(always(plain())) as server:
        request = build_request("GET", server.url)
        responses = await asyncio.gather(*(client.exchange(request) for _ in range(4)))
        assert [response.status for response in responses] == [200] * 4
        assert server.connections == 4
        assert len(client._connections) == 2, "what is beyond the limit is closed"


async def test_a_user_who_meets_many_origins_keeps_few_connections(new_client: MakeClient) -> None:
    client = new_client(max_connections=3)
    async with contextlib.AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serve(always(plain()))) for _ in range(5)]
        for server in servers:
            assert (await client.exchange(build_request("GET", server.url))).ok
        assert len(client._connections) == 3
        reused = [
            (await client.exchange(build_request("GET", server.url))).connection_reused
            for server in servers[2:]
        ]
        assert reused == [True] * 3


async def test_connection_close_of_the_caller_is_sent(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        assert b"connection: Close" in (await visitor.request()).split(b"\r\n")
        await visitor.send(plain(b"x", b"Connection: close"))

    async with serve(conversation) as server:
        for _ in range(3):
            response = await client.exchange(
                build_request("GET", server.url, {"connection": "Close"})
            )
            assert (response.status, response.connection_reused) == (200, False)


async def test_a_large_upload_is_sent_whole_and_timed_as_sending(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        while True:
            head = await visitor.head()
            await asyncio.sleep(0.03)
            left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            while left:
                left -= len(await visitor.reader.read(65536))
            await visitor.send(plain(b"thanks"))

    async with serve(conversation) as server:
        body = b"x" * (8 * 1024 * 1024)
        response = await client.exchange(build_request("POST", server.url), body)
        assert response.raw == b"thanks"
        assert response.sending > 0.02
        assert response.bytes_sent > len(body)
        again = await client.exchange(build_request("POST", server.url), b"")
        assert (again.status, again.connection_reused) == (200, True)


async def test_an_answer_before_the_upload_ends_closes_the_connection(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.head()
        await visitor.send(plain(b"no", status=b"413 Content Too Large"))
        await visitor.silence()

    async with serve(conversation) as server:
        body = b"x" * (16 * 1024 * 1024)
        response = await client.exchange(build_request("POST", server.url), body)
        assert response.status == 413
        assert not client._connections


EXPECT = {"Expect": "100-continue"}


async def test_the_body_waits_for_100_continue(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.head()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(visitor.reader.read(1), 0.02)
        await visitor.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await visitor.reader.readexactly(4) == b"body"
        await visitor.send(plain(b"done"))
        await visitor.silence()

    async with serve(conversation) as server:
        response = await client.exchange(build_request("PUT", server.url, EXPECT), b"body")
        assert (response.status, response.raw) == (200, b"done")
        assert response.bytes_sent > 4
        assert client._connections[0].reusable


async def test_a_refusal_instead_of_100_keeps_the_body_here(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.head()
        await visitor.send(plain(b"no", status=b"417 Expectation Failed"))
        assert await visitor.reader.read() == b""

    async with serve(conversation) as server:
        response = await client.exchange(build_request("PUT", server.url, EXPECT), b"body")
        assert response.status == 417
        assert not client._connections


async def test_a_server_that_ignores_expect_gets_the_body_in_the_end(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kload_runner.wire.connection.CONTINUE_WAIT_S", 0.02)
    async with serve(always(plain(b"done"))) as server:
        response = await client.exchange(build_request("PUT", server.url, EXPECT), b"body")
        assert (response.status, response.raw) == (200, b"done")


async def test_phases_add_up_and_a_kept_connection_has_no_connecting(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        while True:
            await visitor.request()
            await asyncio.sleep(0.03)
            await visitor.send(OK + b"Content-Length: 2\r\n\r\na")
            await asyncio.sleep(0.02)
            await visitor.send(b"b")

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        first, second = [await client.exchange(request) for _ in range(2)]
        assert first.connecting > 0
        assert second.connecting == second.blocked == second.tls == 0
        for response in (first, second):
            assert response.waiting >= 0.029
            assert response.receiving >= 0.019
            assert response.duration == pytest.approx(
                response.sending + response.waiting + response.receiving
            )
            assert response.bytes_received == len(OK) + 23
            assert response.remote_address == "127.0.0.1"
            assert response.peer.port == server.port
