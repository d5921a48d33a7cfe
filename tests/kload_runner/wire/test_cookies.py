"""The jar against RFC 6265: what is stored, where it goes, in which order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.wire import CookieJar, parse_url
from kload_runner.wire.cookies import MAX_PER_DOMAIN, default_path, path_matches, with_cookies

NOW = 1_900_000_000.0  # 2030-03-17


def sent(jar: CookieJar, url: str, now: float = NOW) -> str:
    endpoint, target = parse_url(url)
    return jar.header(endpoint, target, now).decode()


def stored(jar: CookieJar, url: str, *values: str) -> list[bool]:
    endpoint, target = parse_url(url)
    return [jar.store(endpoint, target, value, NOW) for value in values]


@pytest.mark.parametrize(
    ("set_at", "value", "asked", "expected"),
    [
        pytest.param("http://a.test/", "k=v", "http://a.test/x", "k=v", id="plain"),
        pytest.param("http://a.test/", "k=v", "http://a.test:99/", "k=v", id="ports do not matter"),
        pytest.param("http://a.test/", "k=v", "http://b.a.test/", "", id="host only"),
        pytest.param(
            "http://b.a.test/", "k=v; Domain=a.test", "http://c.a.test/", "k=v", id="domain"
        ),
        pytest.param(
            "http://b.a.test/",
            "k=v; Domain=.A.TEST",
            "http://a.test/",
            "k=v",
            id="leading dot, case",
        ),
        pytest.param(
            "http://a.test/", "k=v; Domain=a.test", "http://b.a.test/", "k=v", id="own domain"
        ),
        pytest.param(
            "http://a.test/", "k=v; Domain=b.test", "http://b.test/", "", id="foreign domain"
        ),
        pytest.param(
            "http://a.test/", "k=v; Domain=b.a.test", "http://b.a.test/", "", id="child domain"
        ),
        pytest.param("http://a.test/", "k=v; Domain=test", "http://b.test/", "", id="top level"),
        pytest.param(
            "http://xa.test/", "k=v; Domain=a.test", "http://a.test/", "", id="suffix without dot"
        ),
        pytest.param(
            "http://1.2.3.4/", "k=v; Domain=3.4", "http://9.9.3.4/", "", id="suffix of an address"
        ),
        pytest.param(
            "http://1.2.3.4/", "k=v; Domain=1.2.3.4", "http://1.2.3.4/", "k=v", id="address"
        ),
        pytest.param("http://a.test/d/p", "k=v", "http://a.test/d/x", "k=v", id="default path"),
        pytest.param(
            "http://a.test/d/p", "k=v", "http://a.test/other", "", id="default path, elsewhere"
        ),
        pytest.param("http://a.test/", "k=v; Path=/d", "http://a.test/d?x", "k=v", id="path"),
        pytest.param(
            "http://a.test/",
            "k=v; Path=/d",
            "http://a.test/dx",
            "",
            id="path prefix is no directory",
        ),
        pytest.param(
            "http://a.test/d/p",
            "k=v; Path=rel",
            "http://a.test/d/q",
            "k=v",
            id="relative path ignored",
        ),
        pytest.param("https://a.test/", "k=v; Secure", "https://a.test/", "k=v", id="secure"),
        pytest.param(
            "https://a.test/", "k=v; Secure", "http://a.test/", "", id="secure, asked in clear"
        ),
        pytest.param(
            "http://a.test/", "k=v; Secure", "https://a.test/", "", id="secure, set in clear"
        ),
        pytest.param(
            "http://localhost/", "k=v; Secure", "http://localhost/", "k=v", id="secure on loopback"
        ),
        pytest.param("http://a.test/", "k=v; Max-Age=10", "http://a.test/", "k=v", id="max-age"),
        pytest.param("http://a.test/", "k=v; Max-Age=0", "http://a.test/", "", id="max-age 0"),
        pytest.param(
            "http://a.test/", "k=v; Max-Age=-5", "http://a.test/", "", id="max-age negative"
        ),
        pytest.param(
            "http://a.test/", "k=v; Max-Age=x", "http://a.test/", "k=v", id="max-age no number"
        ),
        pytest.param(
            "http://a.test/",
            "k=v; Expires=Mon, 09 Jun 2031 10:18:14 GMT",
            "http://a.test/",
            "k=v",
            id="expires",
        ),
        pytest.param(
            "http://a.test/",
            "k=v; Expires=Mon, 09-Jun-2031 10:18:14 GMT",
            "http://a.test/",
            "k=v",
            id="netscape date",
        ),
        pytest.param(
            "http://a.test/",
            "k=v; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "http://a.test/",
            "",
            id="past",
        ),
        pytest.param(
            "http://a.test/", "k=v; Expires=whenever", "http://a.test/", "k=v", id="no date"
        ),
        pytest.param(
            "http://a.test/",
            "k=v; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "http://a.test/",
            "k=v",
            id="max-age wins",
        ),
        pytest.param("http://a.test/", 'k="a b"', "http://a.test/", 'k="a b"', id="quotes stay"),
        pytest.param("http://a.test/", "k=a=b", "http://a.test/", "k=a=b", id="equals in value"),
        pytest.param("http://a.test/", "k=", "http://a.test/", "k=", id="empty value"),
        pytest.param("http://a.test/", "=v", "http://a.test/", "", id="no name"),
        pytest.param("http://a.test/", "nothing", "http://a.test/", "", id="no equals"),
        pytest.param("http://a.test/", "k=" + "x" * 9000, "http://a.test/", "", id="too long"),
        pytest.param(
            "https://a.test/", "__Secure-k=v", "https://a.test/", "", id="secure prefix alone"
        ),
        pytest.param(
            "https://a.test/",
            "__Host-k=v; Secure; Path=/",
            "https://a.test/",
            "__Host-k=v",
            id="host prefix",
        ),
        pytest.param(
            "https://b.a.test/",
            "__Host-k=v; Secure; Domain=a.test",
            "https://a.test/",
            "",
            id="host + domain",
        ),
    ],
)
def test_a_cookie_goes_where_it_belongs(set_at: str, value: str, asked: str, expected: str) -> None:
    jar = CookieJar()
    stored(jar, set_at, value)
    assert sent(jar, asked) == expected


def test_longer_paths_come_first_then_older_cookies() -> None:
    jar = CookieJar()
    stored(jar, "http://a.test/", "a=1", "b=2; Path=/d", "c=3", "a=4")
    assert sent(jar, "http://a.test/d") == "b=2; a=4; c=3"


def test_cookies_end_in_time() -> None:
    jar = CookieJar()
    stored(jar, "http://a.test/", "k=v; Max-Age=10")
    assert sent(jar, "http://a.test/", NOW + 9.9) == "k=v"
    assert sent(jar, "http://a.test/", NOW + 10) == ""
    assert len(jar) == 0


def test_a_past_date_deletes_what_was_stored() -> None:
    jar = CookieJar()
    assert stored(jar, "http://a.test/", "k=v", "l=w", "k=; Max-Age=0") == [True, True, True]
    assert [cookie.name for cookie in jar] == ["l"]
    stored(jar, "http://a.test/", "l=; Max-Age=0")
    assert not jar.by_domain, "an empty jar costs nothing again"


def test_a_target_cannot_fill_the_memory() -> None:
    jar = CookieJar()
    stored(jar, "http://a.test/", *[f"k{number}=v" for number in range(500)])
    assert len(jar) == MAX_PER_DOMAIN
    assert "k499=v" in sent(jar, "http://a.test/")


def test_a_cookie_can_be_set_and_all_forgotten() -> None:
    jar = CookieJar()
    jar.set(parse_url("http://a.test/x")[0], "k", "v")
    assert sent(jar, "http://a.test/any") == "k=v"
    jar.clear()
    assert sent(jar, "http://a.test/any") == ""


def test_cookies_join_the_field_the_caller_wrote() -> None:
    assert with_cookies(b"GET / HTTP/1.1\r\n", b"") == b"GET / HTTP/1.1\r\n"
    assert with_cookies(b"GET / HTTP/1.1\r\n", b"k=v") == b"GET / HTTP/1.1\r\nCookie: k=v\r\n"
    own = b"GET / HTTP/1.1\r\ncookie: a=1\r\nX: y\r\n"
    assert with_cookies(own, b"k=v") == b"GET / HTTP/1.1\r\ncookie: a=1; k=v\r\nX: y\r\n"


@pytest.mark.parametrize(
    ("target", "path"),
    [(b"/", "/"), (b"/a", "/"), (b"/a/", "/a"), (b"/a/b?c/d", "/a"), (b"*", "/")],
)
def test_the_default_path_is_the_directory(target: bytes, path: str) -> None:
    assert default_path(target) == path


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_no_set_cookie_value_breaks_the_head(value: str) -> None:
    jar = CookieJar()
    stored(jar, "http://b.a.test/d/p", value.replace("\r", "").replace("\n", "").replace("\0", ""))
    header = sent(jar, "http://b.a.test/d/p")
    assert not set(header) & set("\r\n\0")


@given(st.text("/ab", min_size=1, max_size=8), st.text("/ab", min_size=1, max_size=8))
@settings(max_examples=200)
def test_a_path_matches_itself_and_its_directories(path: str, cookie_path: str) -> None:
    if path_matches(path, cookie_path):
        assert path == cookie_path or path.startswith(cookie_path.rstrip("/") + "/")
