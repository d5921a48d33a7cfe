"""The cookies of one virtual user. Costs a dict look-up per request while it is empty.

Pure but for the clock that is passed in. `http.cookiejar` does the same and needs request objects of its
own, 20 µs and more each time; this jar speaks bytes.

Source: RFC 6265 §5. Not done: the public suffix list, which would have to be shipped and kept fresh. Instead a
Domain attribute without a dot inside is refused (`com`, `svc`), so a target could set a cookie for `co.uk`,
which only matters to a test that visits several sites.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime

from kload_runner.wire.url import Endpoint

NEVER = float("inf")
MAX_PER_DOMAIN = 50  # RFC 6265 §6.1 asks for at least 50; beyond, the oldest goes
MAX_COOKIE_BYTES = 8192  # browsers keep 4096


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie.

    Attributes:
        name, value: as sent.
        domain: lower case, no leading dot.
        path: with leading slash.
        host_only: for exactly this host.
        secure: over https (and to loopback, which browsers trust too) only.
        expires_at: unix time; `NEVER` for the session.
        number: order of creation.
    """

    name: str
    value: str
    domain: str
    path: str
    host_only: bool
    secure: bool
    expires_at: float
    number: int


class CookieJar:
    """Cookies by domain; see the module."""

    __slots__ = ("_created", "by_domain")

    def __init__(self) -> None:
        self.by_domain: dict[str, dict[tuple[str, str], Cookie]] = {}
        self._created = 0

    def __len__(self) -> int:
        return sum(len(cookies) for cookies in self.by_domain.values())

    def __iter__(self) -> Iterator[Cookie]:
        return (cookie for cookies in self.by_domain.values() for cookie in cookies.values())

    def clear(self) -> None:
        """Forget every cookie."""
        self.by_domain.clear()

    def set(self, endpoint: Endpoint, name: str, value: str) -> None:
        """Put a session cookie for this host and every path."""
        self._put(Cookie(name, value, endpoint.host, "/", True, False, NEVER, self._next()))

    def store(self, endpoint: Endpoint, target: bytes, value: str, now_unix: float) -> bool:
        """Take a Set-Cookie value in.

        Returns:
            Whether it was accepted; what RFC 6265 §5.3 refuses is ignored, as in browsers.
        """
        if len(value) > MAX_COOKIE_BYTES:
            return False
        pair, _, rest = value.partition(";")
        name, equals, content = pair.partition("=")
        name, content = name.strip(), content.strip()
        if not equals or not name:
            return False
        attributes = _attributes(rest)
        domain = attributes.get("domain", "").lower().removeprefix(".")
        if domain == endpoint.host:
            host_only = endpoint.is_address
        elif not domain:
            domain, host_only = endpoint.host, True
        elif endpoint.is_address or "." not in domain or not endpoint.host.endswith(f".{domain}"):
            return False
        else:
            host_only = False
        secure = "secure" in attributes
        if secure and not _trustworthy(endpoint):
            return False
        path = attributes.get("path", "")
        if not path.startswith("/"):
            path = default_path(target)
        if (name.startswith("__Secure-") and not secure) or (
            name.startswith("__Host-") and not (secure and host_only and path == "/")
        ):
            return False
        expires_at = _expiry(attributes, now_unix)
        if expires_at <= now_unix:
            self._drop(domain, path, name)
        else:
            self._put(
                Cookie(name, content, domain, path, host_only, secure, expires_at, self._next())
            )
        return True

    def header(self, endpoint: Endpoint, target: bytes, now_unix: float) -> bytes:
        """Return the value of the Cookie field, empty when no cookie is for this URL."""
        if not self.by_domain:
            return b""
        path = target.partition(b"?")[0].decode("latin-1")
        chosen: list[Cookie] = []
        for domain in _domains(endpoint):
            cookies = self.by_domain.get(domain)
            if not cookies:
                continue
            for key, cookie in list(cookies.items()):
                if cookie.expires_at <= now_unix:
                    del cookies[key]
                elif _fits(cookie, endpoint, path):
                    chosen.append(cookie)
        if len(chosen) > 1:
            chosen.sort(key=lambda cookie: (-len(cookie.path), cookie.number))
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in chosen).encode()

    def _next(self) -> int:
        self._created += 1
        return self._created

    def _put(self, cookie: Cookie) -> None:
        cookies = self.by_domain.setdefault(cookie.domain, {})
        key = (cookie.name, cookie.path)
        old = cookies.get(key)
        if old is not None:
            # §5.3 11.3: a cookie that is replaced keeps its place.
            cookie = replace(cookie, number=old.number)
        elif len(cookies) >= MAX_PER_DOMAIN:
            del cookies[min(cookies, key=lambda known: cookies[known].number)]
        cookies[key] = cookie

    def _drop(self, domain: str, path: str, name: str) -> None:
        cookies = self.by_domain.get(domain)
        if cookies is not None:
            cookies.pop((name, path), None)
            if not cookies:
                del self.by_domain[domain]


def with_cookies(head: bytes, cookies: bytes) -> bytes:
    """Return a request head with these cookies, behind those the caller wrote (one field: RFC 6265 §5.4)."""
    if not cookies:
        return head
    own = re.search(rb"\r\ncookie:[ \t]*([^\r\n]*)\r\n", head, re.IGNORECASE)
    if own is None:
        return b"%bCookie: %b\r\n" % (head, cookies)
    return b"%b; %b%b" % (head[: own.end(1)], cookies, head[own.end(1) :])


def default_path(target: bytes) -> str:
    """Return the directory of a request target (RFC 6265 §5.1.4)."""
    path = target.partition(b"?")[0].decode("latin-1")
    if not path.startswith("/") or path.count("/") == 1:
        return "/"
    return path.rpartition("/")[0]


def path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a cookie of `cookie_path` goes to `path` (RFC 6265 §5.1.4)."""
    if path == cookie_path:
        return True
    return path.startswith(cookie_path) and (
        cookie_path.endswith("/") or path[len(cookie_path)] == "/"
    )


def _domains(endpoint: Endpoint) -> list[str]:
    """Return the host and every parent domain of it."""
    if endpoint.is_address:
        return [endpoint.host]
    labels = endpoint.host.split(".")
    return [".".join(labels[start:]) for start in range(len(labels))]


def _fits(cookie: Cookie, endpoint: Endpoint, path: str) -> bool:
    if cookie.host_only and cookie.domain != endpoint.host:
        return False
    if cookie.secure and not _trustworthy(endpoint):
        return False
    return path_matches(path, cookie.path)


def _trustworthy(endpoint: Endpoint) -> bool:
    # Chrome and Firefox send Secure cookies to loopback over http; a test of a local target needs that too.
    return (
        endpoint.secure or endpoint.host in ("localhost", "::1") or endpoint.host.startswith("127.")
    )


def _attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        found[name.strip().lower()] = value.strip()  # §5.3: the last of each name counts
    return found


def _expiry(attributes: dict[str, str], now_unix: float) -> float:
    """Return the unix time a cookie ends; Max-Age wins over Expires, what cannot be read is ignored."""
    max_age = attributes.get("max-age", "")
    if re.fullmatch(r"-?[0-9]{1,18}", max_age):
        seconds = int(max_age)
        return now_unix + seconds if seconds > 0 else 0.0
    expires = attributes.get("expires", "")
    if expires:
        try:
            # Netscape's form, 09-Jun-2031, differs from RFC 5322's in its dashes only.
            return parsedate_to_datetime(
                re.sub(r"(\d)-([A-Za-z]{3})-(\d)", r"\1 \2 \3", expires)
            ).timestamp()
        except (ValueError, IndexError, OverflowError):
            return NEVER
    return NEVER
