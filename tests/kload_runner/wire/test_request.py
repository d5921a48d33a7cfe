"""Heads: what is added, what is left out, what cannot be sent; and the proxies nobody uses."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.wire import (
    InvalidRequest,
    Request,
    build_request,
    find_proxies,
    parse_url,
    render_field,
)

LINE = b"GET /x HTTP/1.1"


def lines(request: Request) -> list[bytes]:
    return request.head.split(b"\r\n")


def test_host_and_user_agent_are_added_unless_given() -> None:
    assert lines(build_request("GET", "http://a.test:8/x")) == [
        LINE,
        b"Host: a.test:8",
        b"User-Agent: kload/0.1",
        b"",
    ]
    own = build_request("GET", "http://a.test/x", {"HOST": "b.test", "user-agent": "mine"})
    assert lines(own) == [LINE, b"HOST: b.test", b"user-agent: mine", b""]
    assert lines(build_request("GET", "http://a.test/x", user_agent="")) == [
        LINE,
        b"Host: a.test",
        b"",
    ]


def test_credentials_of_the_url_give_way_to_a_field_of_the_caller() -> None:
    url = "http://u:p@a.test/x"
    assert b"Authorization: Basic dTpw" in lines(build_request("GET", url))
    own = lines(build_request("GET", url, {"authorization": "Bearer t"}))
    assert own.count(b"authorization: Bearer t") == 1
    assert not any(line.startswith(b"Authorization") for line in own)


def test_repeated_fields_and_text_beyond_ascii_are_sent_as_they_are() -> None:
    request = build_request("GET", "http://a.test/x", [("A", "1"), ("A", "2"), ("B", " ä ")])
    assert lines(request)[-4:] == [b"A: 1", b"A: 2", "B: ä".encode(), b""]


@pytest.mark.parametrize(
    "name", ["Content-Length", "transfer-encoding", "Keep-Alive", "TE", "Upgrade"]
)
def test_fields_that_frame_the_message_are_the_clients_own(name: str) -> None:
    assert b": value" not in build_request("POST", "http://a.test/", {name: "value"}).head


@pytest.mark.parametrize(
    ("method", "headers", "message"),
    [
        pytest.param("GET", {"a b": "x"}, "header name 'a b' is not a token", id="blank in name"),
        pytest.param("GET", {"": "x"}, "is not a token", id="no name"),
        pytest.param("GET", {"a:": "x"}, "is not a token", id="colon"),
        pytest.param(
            "GET", {"a": "SECRET\r\nX: y"}, "value of header a holds a line break", id="line break"
        ),
        pytest.param("GET", {"a": "SECRET\0"}, "line break or NUL", id="NUL"),
        pytest.param("GET", {"a": "SECRET\ud800"}, "half a character", id="surrogate"),
        pytest.param("G T", {}, "method 'G T' cannot be sent", id="method"),
        pytest.param("", {}, "write e.g. GET or POST", id="no method"),
        pytest.param("CONNECT", {}, "cannot be sent", id="CONNECT"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_showing_secrets(
    method: str, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        build_request(method, "http://a.test/", headers)
    assert message in str(caught.value)
    assert "SECRET" not in str(caught.value)


@given(st.text(max_size=20), st.text(max_size=20))
@settings(max_examples=300)
def test_a_field_is_one_line_or_refused(name: str, value: str) -> None:
    try:
        line = render_field(name, value)
    except InvalidRequest:
        return
    assert line.endswith(b"\r\n")
    assert not set(line[:-2]) & set(b"\r\n\0")


@pytest.mark.parametrize(
    ("method", "headers", "expect", "replayable"),
    [
        ("GET", {}, False, True),
        ("POST", {}, False, False),
        ("POST", {"Idempotency-Key": "k"}, False, True),
        ("PATCH", {"x-idempotency-key": "k"}, False, True),
        ("PUT", {"Expect": "100-Continue"}, True, False),
    ],
)
def test_a_request_knows_what_it_may_do(
    method: str, headers: dict[str, str], expect: bool, replayable: bool
) -> None:
    request = build_request(method, "http://a.test/", headers)
    assert (request.expect_continue, request.replayable) == (expect, replayable)


@pytest.mark.parametrize(
    ("environ", "url", "named"),
    [
        pytest.param({}, "http://a.test/", None, id="none"),
        pytest.param(
            {"HTTP_PROXY": "http://p:1"}, "http://a.test/", "HTTP_PROXY=http://p:1", id="http"
        ),
        pytest.param(
            {"http_proxy": "http://p:1"}, "http://a.test/", "HTTP_PROXY=http://p:1", id="lower case"
        ),
        pytest.param({"HTTP_PROXY": "http://p:1"}, "https://a.test/", None, id="other scheme"),
        pytest.param({"https_proxy": "http://p:1"}, "https://a.test/", "HTTPS_PROXY", id="https"),
        pytest.param(
            {"ALL_PROXY": "socks5://p:1"}, "https://a.test/", "ALL_PROXY=socks5", id="all"
        ),
        pytest.param({"HTTP_PROXY": ""}, "http://a.test/", None, id="empty"),
        pytest.param(
            {"HTTP_PROXY": "http://p", "NO_PROXY": "b.test, .test"},
            "http://a.test/",
            None,
            id="suffix",
        ),
        pytest.param(
            {"HTTP_PROXY": "http://p", "no_proxy": "*"}, "http://a.test/", None, id="star"
        ),
        pytest.param(
            {"HTTP_PROXY": "http://p", "NO_PROXY": "est"},
            "http://a.test/",
            "HTTP_PROXY",
            id="no label",
        ),
        pytest.param(
            {"HTTP_PROXY": "http://u:SECRET@p:1"}, "http://a.test/", "http://***@p:1", id="masked"
        ),
    ],
)
def test_proxies_are_named_because_they_are_not_used(
    environ: dict[str, str], url: str, named: str | None
) -> None:
    sentence = find_proxies(environ, [parse_url(url)[0]])
    if named is None:
        assert sentence is None
    else:
        assert sentence is not None
        assert named in sentence
        assert "a.test" in sentence
        assert "SECRET" not in sentence
