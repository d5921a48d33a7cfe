"""The wire: HTTP/1.1 as a load generator needs it. Knows nothing of scenarios, metrics or manifests.

    wire = Wire(settings)                 one per target and process: resolver, TLS context, timeouts
    client = wire.client()                one per virtual user: its connections, its cookies
    request = build_request("GET", url)   or Request(...) with a head rendered once
    response = await client.exchange(request, body)   never raises for faults of target or network
    client.close(); await wire.close()

Arrows: client -> connector -> connection -> response -> request -> url; policy, cookies, decoding, headers
and timeouts are leaves. The hot path is `Client.exchange`, `Connection.send` and `Connection.data_received`:
no headers are parsed, no body is decoded, no timer is made unless somebody asks (docs/benchmarks.md).
"""

from kload_runner.wire.client import Client, Wire
from kload_runner.wire.cookies import Cookie, CookieJar
from kload_runner.wire.errors import (
    ErrorClass,
    Fault,
    InvalidRequest,
    InvalidUrl,
    UnreadableBody,
)
from kload_runner.wire.headers import Headers
from kload_runner.wire.notes import HeadNote
from kload_runner.wire.policy import HostRules, Policy, parse_rules
from kload_runner.wire.proxies import find_proxies
from kload_runner.wire.request import Request, build_request, render_field, render_head
from kload_runner.wire.resolver import Resolver
from kload_runner.wire.response import Peer, Response
from kload_runner.wire.settings import TlsSettings, WireSettings
from kload_runner.wire.url import Endpoint, mask_credentials, parse_url, url_of

__all__ = [
    "Client",
    "Cookie",
    "CookieJar",
    "Endpoint",
    "ErrorClass",
    "Fault",
    "HeadNote",
    "Headers",
    "HostRules",
    "InvalidRequest",
    "InvalidUrl",
    "Peer",
    "Policy",
    "Request",
    "Resolver",
    "Response",
    "TlsSettings",
    "UnreadableBody",
    "Wire",
    "WireSettings",
    "build_request",
    "find_proxies",
    "mask_credentials",
    "parse_rules",
    "parse_url",
    "render_field",
    "render_head",
    "url_of",
]
