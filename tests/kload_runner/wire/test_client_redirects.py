"""Redirects and cookies on the wire: methods, what is dropped, who counts, where it stops."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hostile_server import Conversation, Visitor, plain, serve

from kload_runner.wire import Client, ErrorClass, build_request

MakeClient = Callable[..., Client]


def router(routes: dict[bytes, bytes]) -> Conversation:
    """Answer by path; 404 elsewhere."""

    async def conversation(visitor: Visitor) -> None:
        while True:
            request = await visitor.request()
            method, path, _ = request.split(b" ", 2)
            answer = routes.get(path, plain(b"", status=b"404 Not Found"))
            await visitor.send(
                answer.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if method == b"HEAD" else answer
            )

    return conversation


def moved(status: int, location: str, *fields: bytes) -> bytes:
    return plain(
        b"see there", b"Location: " + location.encode(), *fields, status=b"%d Moved" % status
    )


def lines(request: bytes) -> list[bytes]:
    return request.split(b"\r\n")


@pytest.mark.parametrize(
    ("status", "method", "follows", "with_body"),
    [
        (301, "GET", "GET", False),
        (301, "POST", "GET", False),
        (302, "POST", "GET", False),
        (302, "HEAD", "HEAD", False),
        (303, "PUT", "GET", False),
        (303, "HEAD", "HEAD", False),
        (307, "POST", "POST", True),
        (308, "PUT", "PUT", True),
        (307, "DELETE", "DELETE", False),
        (300, "GET", None, False),
        (304, "GET", None, False),
        (305, "GET", None, False),
    ],
)
async def test_the_status_decides_about_method_and_body(
    client: Client, status: int, method: str, follows: str | None, with_body: bool
) -> None:
    empty = b"HTTP/1.1 304 Not Modified\r\nLocation: /end\r\n\r\n"
    start = empty if status == 304 else moved(status, "/end")
    end = b"HTTP/1.1 204 No Content\r\n\r\n"
    async with serve(router({b"/": start, b"/end": end})) as server:
        body = b"data" if method in ("POST", "PUT") else None
        request = build_request(
            method, server.url, {"Content-Type": "text/plain", "X-Key": "v"}, body
        )
        response = await client.exchange(request)
        if follows is None:
            assert (response.status, response.redirects) == (status, ())
            return
        assert response.status == 204
        second = server.requests[1]
        assert second.startswith(follows.encode() + b" /end HTTP/1.1\r\n")
        assert second.endswith(b"\r\n\r\ndata") is with_body
        assert (b"Content-Type: text/plain" in lines(second)) is (follows == method)
        assert b"X-Key: v" in lines(second)
        assert server.connections == 1


async def test_each_hop_is_a_response_of_its_own(client: Client) -> None:
    routes = {b"/": moved(302, "/b"), b"/b": moved(301, "c"), b"/c": plain(b"end")}
    async with serve(router(routes)) as server:
        response = await client.exchange(build_request("GET", server.url))
        assert (response.status, response.raw, response.url) == (200, b"end", f"{server.url}c")
        assert [(hop.status, hop.url) for hop in response.redirects] == [
            (302, server.url),
            (301, f"{server.url}b"),
        ]
        assert all(hop.duration > 0 and hop.written for hop in response.redirects)
        assert [hop.connecting > 0 for hop in (*response.redirects, response)] == [
            True,
            False,
            False,
        ]
        assert (
            response.started_at
            > response.redirects[1].started_at
            > response.redirects[0].started_at
        )


@pytest.mark.parametrize("limit", [0, 1, 3])
async def test_the_limit_returns_the_redirect_itself(new_client: MakeClient, limit: int) -> None:
    async with serve(router({b"/": moved(302, "/")})) as server:
        request = build_request("GET", server.url, max_redirects=limit)
        response = await new_client().exchange(request)
        assert (response.status, len(response.redirects), len(server.requests)) == (
            302,
            limit,
            limit + 1,
        )
        assert response.raw == b"see there"
        response = await new_client(max_redirects=limit).exchange(build_request("GET", server.url))
        assert len(response.redirects) == limit


async def test_secrets_stay_with_their_origin(client: Client) -> None:
    async with serve(router({b"/x": plain()})) as other:
        routes = {b"/": moved(307, "/same"), b"/same": moved(307, f"{other.url}x")}
        async with serve(router(routes)) as server:
            headers = {"authorization": "Bearer s", "Cookie": "a=1", "X-Key": "v"}
            response = await client.exchange(build_request("POST", server.url, headers), b"data")
            assert response.status == 200
            for request in server.requests:
                assert b"authorization: Bearer s" in lines(request)
                assert b"Cookie: a=1" in lines(request)
            [last] = other.requests
            assert b"Bearer" not in last
            assert b"a=1" not in last
            assert b"X-Key: v" in lines(last)
            assert b"Host: 127.0.0.1:%d" % other.port in lines(last)
            assert last.endswith(b"\r\n\r\ndata")


async def test_credentials_of_the_url_go_as_basic_authorization(client: Client) -> None:
    async with serve(router({})) as server:
        location = f"http://u:p@127.0.0.1:{server.port}/end"
        async with serve(router({b"/": moved(302, location)})) as first:
            url = first.url.replace("//", "//user:pass@")
            response = await client.exchange(build_request("GET", url))
            assert response.status == 404
            assert "pass" not in response.redirects[0].url
            assert b"Authorization: Basic dXNlcjpwYXNz" in lines(first.requests[0])
            assert lines(server.requests[0]).count(b"Authorization: Basic dTpw") == 1


@pytest.mark.parametrize(
    "location", ["ftp://a.test/", "http://", "http://[::1/", "http://a.test:99999/"]
)
async def test_a_location_that_cannot_be_requested_is_the_targets_fault(
    client: Client, location: str
) -> None:
    async with serve(router({b"/": moved(302, location)})) as server:
        response = await client.exchange(build_request("GET", server.url))
        assert (response.status, response.error) == (0, ErrorClass.PROTOCOL)
        assert response.error_detail.startswith(
            "the target redirects (302) to what cannot be requested"
        )
        assert response.duration > 0


async def test_a_redirect_without_location_is_final(client: Client) -> None:
    async with serve(router({b"/": plain(status=b"302 Found")})) as server:
        response = await client.exchange(build_request("GET", server.url))
        assert (response.status, response.redirects) == (302, ())


async def test_a_redirect_to_a_forbidden_address_is_not_followed(client: Client) -> None:
    async with serve(router({b"/": moved(302, "http://169.254.169.254/latest")})) as server:
        response = await client.exchange(build_request("GET", server.url))
        assert response.error is ErrorClass.POLICY
        assert "metadata" in response.error_detail
        assert not response.written
        assert response.duration == 0
        assert [hop.status for hop in response.redirects] == [302]


async def test_the_timeout_covers_all_hops(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        await visitor.request()
        await visitor.send(moved(302, "/again"))
        await visitor.request()
        await visitor.silence()

    async with serve(conversation) as server:
        response = await client.exchange(build_request("GET", server.url, timeout_s=0.08))
        assert response.error is ErrorClass.TIMEOUT
        assert "within 0.08 s" in response.error_detail
        assert len(response.redirects) == 1


async def test_cookies_are_kept_per_user_and_sent_back(new_client: MakeClient) -> None:
    routes = {
        b"/": plain(b"", b"Set-Cookie: s=1; HttpOnly", b"set-cookie: t=2; Path=/t"),
        b"/t": plain(b"", b"SET-COOKIE: s=; Max-Age=0"),
    }
    async with serve(router(routes)) as server:
        one, two = new_client(), new_client()
        root, deeper = build_request("GET", server.url), build_request("GET", f"{server.url}t")
        for client in (one, one, two):
            await client.exchange(root)
        await one.exchange(deeper)
        await one.exchange(root)
        cookies = [
            [line for line in lines(request) if line.startswith(b"Cookie")]
            for request in server.requests
        ]
        assert cookies == [[], [b"Cookie: s=1"], [], [b"Cookie: t=2; s=1"], []]


async def test_cookies_set_by_a_redirect_are_sent_to_the_next_hop(client: Client) -> None:
    routes = {b"/": moved(302, "/in", b"Set-Cookie: s=1"), b"/in": plain()}
    async with serve(router(routes)) as server:
        await client.exchange(build_request("POST", server.url))
        assert b"Cookie: s=1" in lines(server.requests[1])


async def test_the_same_head_with_and_without_cookies_is_told_apart(client: Client) -> None:
    async def conversation(visitor: Visitor) -> None:
        for number in range(6):
            await visitor.request()
            await visitor.send(
                plain(b"x", b"A: b", *([b"Set-Cookie: n=%d" % number] if number % 2 else []))
            )

    async with serve(conversation) as server:
        request = build_request("GET", server.url)
        for _ in range(6):
            await client.exchange(request)
        sent = [
            line
            for request in server.requests
            for line in lines(request)
            if line.startswith(b"Cookie")
        ]
        assert sent == [b"Cookie: n=1", b"Cookie: n=1", b"Cookie: n=3", b"Cookie: n=3"]


async def test_cookies_can_be_turned_off(new_client: MakeClient) -> None:
    async with serve(router({b"/": plain(b"", b"Set-Cookie: s=1")})) as server:
        client = new_client(cookies=False)
        for _ in range(2):
            await client.exchange(build_request("GET", server.url))
        assert len(client.jar) == 0
        assert b"Cookie" not in server.requests[1]
