"""What is loaded: address, limits, headers, TLS, readiness. What a step says wins over what stands here."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, model_validator

from kload_spec.model.entries import Expected
from kload_spec.model.scalars import (
    Duration,
    Flag,
    Keys,
    LooseText,
    PositiveDuration,
    Size,
    StaticText,
    Text,
    Whole,
    fault,
)
from kload_spec.model.written import MAX_ENTRIES, Written, says

HEADER = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"  # RFC 9110 section 5.6.2: a token

HEADER_NAME = re.compile(HEADER)

TargetHeaders = Annotated[
    dict[str, LooseText], Field(max_length=MAX_ENTRIES), Keys("a header", HEADER, 120)
]


class Ready(Written):
    """The request that must be answered before setup and load."""

    get: Annotated[
        Text, says("an URL or a path", "GET this until the answer is an expected one.", "/healthz")
    ]
    timeout: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "Give up after this: Error/TargetNotReady, and no load is sent. Default 2m.",
            "2m",
        ),
    ] = None
    interval: Annotated[
        PositiveDuration | None, says("a duration", "Between two tries. Default 1s.", "1s")
    ] = None
    expect: Annotated[
        Expected | None,
        says(
            "a status, a range or a list of them",
            "Answers that count as ready. Default 200..399.",
            200,
        ),
    ] = None


class Pem(Written):
    """A PEM text: from a file next to the manifest, or from an environment variable that comes from a Secret."""

    env: Annotated[
        StaticText | None,
        says(
            "the name of a variable",
            "Name of an entry of spec.env whose value is the PEM text.",
            "CLIENT_KEY",
        ),
    ] = None
    file: Annotated[
        StaticText | None,
        says(
            "a path",
            "File next to the manifest, in a cluster brought along by script.files.",
            "tls/ca.pem",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Pem:
        if (self.env is None) == (self.file is None):
            raise fault("needs one source: `env` or `file`")
        return self


class Tls(Written):
    """How TLS is spoken."""

    ca: Annotated[
        Pem | None,
        says("a PEM text", "Certificates to trust instead of the system's.", {"env": "TARGET_CA"}),
    ] = None
    cert: Annotated[
        Pem | None, says("a PEM text", "Client certificate with its chain.", {"env": "CLIENT_CERT"})
    ] = None
    key: Annotated[
        Pem | None, says("a PEM text", "Key of the client certificate.", {"env": "CLIENT_KEY"})
    ] = None
    server_name: Annotated[
        StaticText | None,
        says(
            "a host name",
            "Name for SNI and verification instead of the URL's host.",
            "shop.example.test",
        ),
    ] = None
    insecure_skip_verify: Annotated[
        Flag | None, says("true or false", "Accept any certificate. Default false.", True)
    ] = None

    @model_validator(mode="after")
    def _pair(self) -> Tls:
        if (self.cert is None) != (self.key is None):
            raise fault("has one of `cert` and `key`; a client certificate needs both")
        return self


class Target(Written):
    """What is loaded, and what all requests share."""

    base_url: Annotated[
        Text | None,
        says(
            "an URL",
            "What paths of steps follow; http or https. May read env: $(env.BASE_URL). `kload run --target` wins.",
            "http://shop.staging.svc",
        ),
    ] = None
    timeout: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "For a whole request: connecting, redirects and body included. Default 30s.",
            "30s",
        ),
    ] = None
    connect_timeout: Annotated[
        PositiveDuration | None,
        says("a duration", "For DNS, TCP and TLS of one connection. Default 10s.", "10s"),
    ] = None
    headers: Annotated[
        TargetHeaders | None,
        says(
            "a map of texts",
            "Headers of every request; a step's own win, and an empty text there takes one away.",
            {"Authorization": "Bearer $(env.TOKEN)"},
        ),
    ] = None
    expect: Annotated[
        Expected | None,
        says(
            "a status, a range or a list of them",
            "Statuses that count as success where a step does not say. Default 200..399.",
            "200..399",
        ),
    ] = None
    redirects: Annotated[
        Annotated[int, Whole(0, 100)] | None,
        says("the most redirects", "Redirects followed; 0 takes the first answer. Default 10.", 10),
    ] = None
    cookies: Annotated[
        Flag | None,
        says(
            "true or false",
            "Whether a VU keeps cookies, for as long as it lives. Default true.",
            True,
        ),
    ] = None
    max_body: Annotated[
        Size | None,
        says(
            "a size",
            "Largest answer that is read, also after decompression. Default 64MiB.",
            "64MiB",
        ),
    ] = None
    dns_ttl: Annotated[
        Duration | None,
        says(
            "a duration",
            "How long an address is used before the name is looked up again. Default 30s.",
            "30s",
        ),
    ] = None
    tls: Annotated[
        Tls | None, says("TLS settings", "How TLS is spoken.", {"insecureSkipVerify": True})
    ] = None
    ready: Annotated[
        Ready | None,
        says(
            "a request",
            "Must be answered before any load; else Error/TargetNotReady.",
            {"get": "/healthz"},
        ),
    ] = None
