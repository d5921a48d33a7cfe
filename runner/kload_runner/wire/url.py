"""URLs: the one place that takes them apart. An absolute URL becomes an `Endpoint` and a request target.

Pure text: no sockets, no DNS. Called once per constant URL at load time and once per rendered one;
the engine may keep the results, they are immutable.

Source: RFC 3986 (syntax, reference resolution), RFC 9110 §4.2 (http, https), RFC 5891 through `idna`.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import idna

from kload_runner.wire.errors import InvalidUrl

DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_URL_CHARS = (
    16_384  # longer than any server accepts (nginx 8 KiB, uvicorn 64 KiB heads); a bound on work
)

_LABELS = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# What RFC 3986 allows in path and query, `%` for what is encoded already, and `[]`, which every client
# sends as they are; the rest is percent-encoded as UTF-8.
_UNSAFE = re.compile(rb"[^A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An origin, taken apart once.

    Attributes:
        scheme: ``http`` or ``https``.
        host: ASCII, lower case, IPv6 without brackets and with its zone.
        port: 1..65535.
        origin: ``scheme://host:port``; the key of connections.
        host_header: value of the Host field; default ports are left out.
        authorization: value of a Basic Authorization field, when the URL had credentials.
        is_address: whether host is an IP literal (no DNS, no SNI).
    """

    scheme: str
    host: str
    port: int
    origin: str
    host_header: bytes
    is_address: bool
    authorization: bytes | None = field(default=None, repr=False)

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme == "https"


def parse_url(url: str) -> tuple[Endpoint, bytes]:
    """Take an absolute http(s) URL apart.

    Args:
        url: e.g. ``https://user:secret@bücher.example:8443/a b?q=ä#top``. The fragment is dropped,
            blanks and non-ASCII characters of path and query are percent-encoded, the host is IDNA-encoded.

    Returns:
        The endpoint and the request target (``/path?query``).

    Raises:
        InvalidUrl: a sentence that names the URL (credentials masked) and what would be right.
    """
    text = url.strip()
    shown = mask_credentials(text)
    if len(text) > MAX_URL_CHARS:
        raise InvalidUrl(
            f"{shown[:60]}...: {len(text)} characters; at most {MAX_URL_CHARS} are sent"
        )
    if _CONTROL.search(text):
        raise InvalidUrl(f"{shown!r}: a URL cannot hold line breaks or control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as exc:
        raise InvalidUrl(f"{shown}: {exc}") from None
    scheme = parts.scheme.lower()
    if scheme not in DEFAULT_PORTS:
        raise InvalidUrl(
            f"{shown}: scheme {scheme!r} is not supported; write http://... or https://..."
            if scheme and "://" in text
            else f"{shown}: no scheme; write the whole URL, e.g. http://{shown.lstrip('/')}"
        )
    if not parts.hostname:
        raise InvalidUrl(f"{shown}: no host; write e.g. {scheme}://example.test/")
    if port == 0:
        raise InvalidUrl(f"{shown}: port 0 cannot be connected to; give 1..65535")
    host, is_address = _ascii_host(parts.hostname, shown)
    endpoint = make_endpoint(
        scheme, host, port or DEFAULT_PORTS[scheme], is_address, _basic(parts.netloc)
    )
    return endpoint, _target(parts.path, parts.query)


def make_endpoint(
    scheme: str, host: str, port: int, is_address: bool = False, authorization: bytes | None = None
) -> Endpoint:
    """Build an endpoint from parts that are known to be valid."""
    shown = f"[{host}]" if ":" in host else host
    # A zone (fe80::1%eth0) is local to this machine and never sent (RFC 6874 §3).
    header = shown if "%" not in shown else shown.split("%", 1)[0] + "]"
    if port != DEFAULT_PORTS[scheme]:
        header = f"{header}:{port}"
    origin = f"{scheme}://{shown}:{port}"
    return Endpoint(scheme, host, port, origin, header.encode("ascii"), is_address, authorization)


def resolve_reference(base: str, reference: str) -> str:
    """Return the absolute URL of a Location value (RFC 3986 §5).

    Raises:
        ValueError: brackets that do not match.
    """
    text = reference.strip()
    # `http:` alone and `http:path` are read by urljoin as relative, for the sake of RFC 1630.
    return text if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", text) else urljoin(base, text)


def url_of(endpoint: Endpoint, target: bytes) -> str:
    """Return the URL without credentials, default ports left out."""
    return f"{endpoint.scheme}://{endpoint.host_header.decode()}{target.decode('latin-1')}"


def mask_credentials(url: str) -> str:
    """Return the URL with user information replaced, for messages and logs."""
    return re.sub(r"^([a-zA-Z][a-zA-Z0-9+.-]*:)?//[^/?#]*@", r"\1//***@", url)


def _ascii_host(host: str, shown: str) -> tuple[str, bool]:
    address, _, zone = host.partition("%")
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        pass
    else:
        if zone and ip.version == 6:
            zone = unquote_to_bytes(zone.removeprefix("25") or zone).decode("ascii", "replace")
            return f"{ip.compressed}%{zone}", True
        if not zone:
            return ip.compressed, True
    try:
        ascii_host = (
            host.lower() if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
        )
    except idna.IDNAError as exc:
        raise InvalidUrl(f"{shown}: host {host!r} is not a valid name: {exc}") from None
    if len(ascii_host) > 253 or not _LABELS.fullmatch(ascii_host):
        raise InvalidUrl(
            f"{shown}: host {host!r} is not a valid name; write e.g. example.test or [::1]"
        )
    if any(len(label) > 63 for label in ascii_host.split(".")):
        raise InvalidUrl(f"{shown}: a label of host {host!r} is longer than 63 characters")
    return ascii_host, False


def _target(path: str, query: str) -> bytes:
    raw = (path or "/").encode("utf-8", "surrogatepass")
    if query:
        raw += b"?" + query.encode("utf-8", "surrogatepass")
    if not raw.startswith(b"/"):
        raw = b"/" + raw
    return _UNSAFE.sub(_escape, raw)


def _escape(match: re.Match[bytes]) -> bytes:
    return b"%%%02X" % match[0][0]


def _basic(netloc: str) -> bytes | None:
    userinfo, at, _ = netloc.rpartition("@")
    if not at:
        return None
    user, _, password = userinfo.partition(":")
    return b"Basic " + base64.b64encode(unquote_to_bytes(user) + b":" + unquote_to_bytes(password))
