"""URLs: what is accepted, what goes on the wire, and sentences for what is not accepted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.wire import InvalidUrl, mask_credentials, parse_url, url_of
from kload_runner.wire.url import resolve_reference


@pytest.mark.parametrize(
    ("url", "origin", "host_header", "target"),
    [
        pytest.param("http://a.test", "http://a.test:80", b"a.test", b"/", id="no path"),
        pytest.param("HTTPS://A.Test/X", "https://a.test:443", b"a.test", b"/X", id="case"),
        pytest.param("http://a.test:80/", "http://a.test:80", b"a.test", b"/", id="default port"),
        pytest.param(
            "https://a.test:80/", "https://a.test:80", b"a.test:80", b"/", id="other default"
        ),
        pytest.param(
            "http://a.test?q=1", "http://a.test:80", b"a.test", b"/?q=1", id="query alone"
        ),
        pytest.param(
            "http://a.test/p?q=1&r=%20#f",
            "http://a.test:80",
            b"a.test",
            b"/p?q=1&r=%20",
            id="fragment",
        ),
        pytest.param(
            "http://a.test/a b/ä|{x}",
            "http://a.test:80",
            b"a.test",
            b"/a%20b/%C3%A4%7C%7Bx%7D",
            id="escaped",
        ),
        pytest.param(
            "http://a.test/[1]?x[]=1",
            "http://a.test:80",
            b"a.test",
            b"/[1]?x[]=1",
            id="brackets stay",
        ),
        pytest.param(
            "http://bücher.test/",
            "http://xn--bcher-kva.test:80",
            b"xn--bcher-kva.test",
            b"/",
            id="IDNA",
        ),
        pytest.param("http://[::1]:8080/", "http://[::1]:8080", b"[::1]:8080", b"/", id="IPv6"),
        pytest.param(
            "http://[2001:DB8:0::1]/",
            "http://[2001:db8::1]:80",
            b"[2001:db8::1]",
            b"/",
            id="IPv6 shortened",
        ),
        pytest.param(
            "http://[fe80::1%25eth0]/",
            "http://[fe80::1%eth0]:80",
            b"[fe80::1]",
            b"/",
            id="IPv6 zone",
        ),
        pytest.param("http://10.0.0.1:9/", "http://10.0.0.1:9", b"10.0.0.1:9", b"/", id="IPv4"),
        pytest.param(
            "http://my_svc.ns.svc/",
            "http://my_svc.ns.svc:80",
            b"my_svc.ns.svc",
            b"/",
            id="underscore",
        ),
        pytest.param("  http://a.test/ ", "http://a.test:80", b"a.test", b"/", id="blanks around"),
    ],
)
def test_a_url_becomes_origin_host_and_target(
    url: str, origin: str, host_header: bytes, target: bytes
) -> None:
    endpoint, found = parse_url(url)
    assert (endpoint.origin, endpoint.host_header, found) == (origin, host_header, target)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        pytest.param("", "no scheme", id="empty"),
        pytest.param("/path", "write the whole URL, e.g. http://path", id="path"),
        pytest.param("localhost:8080/x", "e.g. http://localhost:8080/x", id="no scheme"),
        pytest.param("ftp://a.test/", "scheme 'ftp' is not supported", id="other scheme"),
        pytest.param("http:///x", "no host", id="no host"),
        pytest.param("http://a b/", "not a valid name", id="blank in host"),
        pytest.param("http://a..b/", "not a valid name", id="empty label"),
        pytest.param(f"http://{'a' * 64}.test/", "longer than 63", id="long label"),
        pytest.param("http://a.test:0/", "port 0", id="port 0"),
        pytest.param("http://a.test:65536/", "Port out of range", id="port too high"),
        pytest.param("http://a.test:x/", "Port", id="port no number"),
        pytest.param("http://[::1/", "Invalid IPv6", id="open bracket"),
        pytest.param("http://a.test/\r\nX: y", "line breaks", id="line break"),
        pytest.param("http://\u2603\u0301\u0000.test/", "control", id="NUL"),
        pytest.param("http://-\u00e4-.test/", "not a valid name", id="bad IDNA"),
        pytest.param("http://a.test/" + "x" * 20_000, "at most 16384", id="too long"),
    ],
)
def test_what_cannot_be_requested_says_what_would_be_right(url: str, message: str) -> None:
    with pytest.raises(InvalidUrl, match=r".+") as caught:
        parse_url(url)
    assert message in str(caught.value)


def test_credentials_become_basic_authorization_and_are_never_shown() -> None:
    endpoint, target = parse_url("http://user:p%40ss@a.test/x")
    assert endpoint.authorization == b"Basic dXNlcjpwQHNz"
    assert "p%40ss" not in repr(endpoint)
    assert "dXNlc" not in repr(endpoint)
    assert url_of(endpoint, target) == "http://a.test/x"
    with pytest.raises(InvalidUrl) as caught:
        parse_url("ftp://user:p%40ss@a.test/x")
    assert "p%40ss" not in str(caught.value)
    assert mask_credentials("http://u:p@a.test/?to=b@c") == "http://***@a.test/?to=b@c"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/x?y", "http://a.test:8/x?y"),
        ("x", "http://a.test:8/d/x"),
        ("../x", "http://a.test:8/x"),
        ("?q", "http://a.test:8/d/p?q"),
        ("//b.test/x", "http://b.test/x"),
        ("https://b.test", "https://b.test"),
    ],
)
def test_a_location_is_relative_to_the_url_that_answered(location: str, url: str) -> None:
    assert resolve_reference("http://a.test:8/d/p?z", location) == url


@given(st.text(max_size=60))
@settings(max_examples=300)
def test_any_text_is_a_url_or_a_sentence(text: str) -> None:
    for url in (text, f"http://{text}", f"http://a.test/{text}"):
        try:
            endpoint, target = parse_url(url)
        except InvalidUrl:
            continue
        assert target.startswith(b"/")
        assert not set(target) & set(b" \r\n\t\0")
        assert not set(endpoint.host_header) & set(b" \r\n\t\0")
        assert parse_url(url_of(endpoint, target))[1] == target
