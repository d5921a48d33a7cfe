"""What a response tells when asked: headers, text, JSON; and that nothing is parsed before."""

from __future__ import annotations

import gzip

import pytest

from kload_runner.wire import ErrorClass, Response, UnreadableBody, build_request
from kload_runner.wire.headers import Headers, parse_head


def response(head: bytes = b"HTTP/1.1 200 OK\r\n\r\n", raw: bytes = b"") -> Response:
    made = Response(build_request("GET", "http://user:secret@a.test/x"), 0.0, 10_000)
    made.status, made.head, made.raw = 200, head, raw
    return made


def test_headers_are_found_without_regard_to_case() -> None:
    headers = response(b"HTTP/1.1 200 OK\r\nX-One: 1\r\nx-two:\t 2 \r\n\r\nX-Body: 3").headers
    assert headers["x-ONE"] == "1"
    assert headers.get("X-Two") == "2"
    assert "X-BODY" not in headers
    assert 1 not in headers
    assert list(headers) == ["X-One", "x-two"]
    assert dict(headers) == {"X-One": "1", "x-two": "2"}
    with pytest.raises(KeyError):
        headers["nothing"]


def test_repeated_headers_are_joined_and_can_be_had_apart() -> None:
    headers = response(
        b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nSet-Cookie: x=1, y\r\nSet-Cookie: z=2\r\n\r\n"
    ).headers
    assert headers["A"] == "1, 2"
    assert headers.get_all("set-cookie") == ["x=1, y", "z=2"]
    assert headers.get_all("none") == []
    assert "x=1" not in repr(headers)


def test_header_values_are_text_whatever_their_bytes() -> None:
    fields = parse_head("HTTP/1.1 200 OK\r\nA: ä\r\n".encode() + b"B: \xe4\r\nC: a\r\n b\r\n\r\n")
    assert dict(Headers(fields)) == {"A": "ä", "B": "ä", "C": "a b"}


def test_a_response_without_an_answer_has_no_headers_and_no_body() -> None:
    failed = response()
    failed.status, failed.error, failed.error_detail, failed.head = (
        0,
        ErrorClass.RESET,
        "gone",
        b"HTTP/1.1 200 OK\r\nA: 1",
    )
    assert len(failed.headers) == 0
    assert failed.body == ""
    assert failed.reason == ""
    assert not failed.ok
    assert failed.fault is not None
    assert failed.fault.error == "reset"
    assert repr(failed) == "<Response reset <Request GET http://a.test:80/x>>"


def test_the_url_is_shown_without_credentials() -> None:
    assert response().url == "http://a.test/x"
    assert "secret" not in repr(response())


def test_json_is_parsed_once_and_by_any_charset_or_coding() -> None:
    plain = response(raw=b'{"a": [1, 2]}')
    assert plain.json is plain.json
    assert plain.json == {"a": [1, 2]}
    packed = response(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(b'{"a": 1}')
    )
    assert packed.json == {"a": 1}
    latin = response(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=latin-1\r\n\r\n", b'"\xe4"'
    )
    assert latin.json == "ä"


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "it begins with ''"),
        (b"<html>\n<body>", "it begins with '<html> <body>'"),
        (b'{"a": ', "is not JSON"),
    ],
)
def test_what_is_not_json_is_shown_by_its_beginning(raw: bytes, message: str) -> None:
    with pytest.raises(UnreadableBody) as caught:
        _ = response(raw=raw).json
    assert message in str(caught.value)


def test_a_broken_coding_is_a_sentence_for_every_reader() -> None:
    broken = response(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n", b"\xff\xff\xff")
    for attribute in ("content", "body", "json"):
        with pytest.raises(UnreadableBody, match="br body is corrupt"):
            getattr(broken, attribute)
