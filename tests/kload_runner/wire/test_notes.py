"""What is remembered of a head changes what a response costs, never what it says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile_server import Visitor, plain, serve

from kload_runner.wire import Client, ErrorClass, HeadNote, Response, build_request

MakeClient = Callable[..., Client]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def answered(head: bytes, body: bytes = b"", status: int = 200, rest: int = 0) -> Response:
    response = Response(build_request("GET", "http://a.test/"), 0.0, 100)
    response.head, response.status = head + body, status
    response.bytes_received = len(response.head) + rest
    return response


@pytest.mark.parametrize(
    ("response", "reusable", "settled", "total"),
    [
        pytest.param(
            answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"),
            True,
            True,
            40,
            id="counted",
        ),
        pytest.param(
            answered(b"HTTP/1.1 204 No Content\r\n\r\n", status=204), True, True, 27, id="204"
        ),
        pytest.param(
            answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"),
            False,
            True,
            -1,
            id="not reusable",
        ),
        pytest.param(
            answered(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"ok", rest=7),
            True,
            True,
            -1,
            id="pieces",
        ),
        pytest.param(answered(CHUNKED), True, True, -1, id="chunked"),
        pytest.param(
            answered(b"HTTP/1.1 200 OK\r\nset-COOKIE: a=b\r\n\r\n"), True, False, -1, id="cookie"
        ),
        pytest.param(answered(b"HTTP/1.1 204 OK\n\n", status=204), True, True, -1, id="bare LF"),
        pytest.param(
            answered(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", status=302),
            True,
            False,
            -1,
            id="302",
        ),
    ],
)
def test_only_what_the_head_alone_frames_is_noted(
    response: Response, reusable: bool, settled: bool, total: int
) -> None:
    note = HeadNote()
    assert note.take(response, reusable) is settled
    assert note.total == total


def test_a_cookie_in_the_body_is_none() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n"
    assert HeadNote().take(answered(head, b"Set-Cookie: a=b"), True)


async def test_equal_heads_with_other_bodies_and_lengths_are_told_apart(client: Client) -> None:
    answers = [
        plain(b"aaaa"),
        plain(b"bbbb"),
        plain(b"cc"),
        plain(b"dddd"),
        plain(b"eeee", status=b"404 Not Found"),
        plain(b"ffff"),
        plain(b"gggg"),
        CHUNKED,
        CHUNKED.replace(b"hello", b"HELLO"),
        plain(b"hhhh"),
        plain(b"iiii", b"Set-Cookie: a=b"),
        plain(b"jjjj"),
    ]

    async def conversation(visitor: Visitor) -> None:
        for answer in answers:
            await visitor.request()
            await visitor.send(answer)

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        seen = [await client.exchange(request) for _ in answers]
        assert [response.raw for response in seen] == [
            b"aaaa", b"bbbb", b"cc", b"dddd", b"eeee", b"ffff", b"gggg", b"hello", b"HELLO", b"hhhh", b"iiii", b"jjjj",
        ]  # fmt: skip
        assert [response.status for response in seen] == [200] * 4 + [404] + [200] * 7
        assert [response.headers["content-length"] for response in seen[:3]] == ["4", "4", "2"]
        assert all(
            response.bytes_received == len(answer)
            for response, answer in zip(seen, answers, strict=True)
        )
        assert b"Cookie: a=b" in server.requests[-1]
        assert server.connections == 1


@pytest.mark.parametrize("first", [0, 10, 38, 40, 41])
async def test_a_noted_head_in_pieces_is_still_read_to_its_end(client: Client, first: int) -> None:
    async def conversation(visitor: Visitor) -> None:
        for cut in (0, 0, first, 0):
            await visitor.request()
            answer = plain(b"abcd")
            await visitor.send(*[piece for piece in (answer[:cut], answer[cut:]) if piece])

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        assert [(await client.exchange(request)).raw for _ in range(4)] == [b"abcd"] * 4


async def test_a_noted_response_with_more_behind_it_closes_the_connection(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        for extra in (b"", b"", b"x"):
            await visitor.request()
            await visitor.send(plain(b"abcd") + extra)
        await visitor.silence()

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        seen = [await client.exchange(request) for _ in range(4)]
        assert [response.raw for response in seen] == [b"abcd"] * 4
        assert [response.connection_reused for response in seen] == [False, True, True, False]


async def test_an_end_after_a_response_in_pieces_is_no_second_response(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok")
        await visitor.request()

    async with serve(conversation) as server:
        request = build_request("POST", server.url)
        assert (await client.exchange(request)).status == 200
        response = await client.exchange(request)
        assert (response.status, response.error) == (0, ErrorClass.RESET)
