"""The target: address, limits, TLS and readiness, with kload's defaults."""

from __future__ import annotations

from urllib.parse import urlsplit

from kload_spec.expressions import ANY, Members, Scope, Template
from kload_spec.model.entries import expected_ranges
from kload_spec.model.target import Pem, Ready, Target
from kload_spec.paths import child
from kload_spec.plan import (
    DEFAULT_DNS_TTL_S,
    DEFAULT_MAX_BODY_BYTES,
    ReadyProbe,
    TargetPlan,
    TlsPlan,
)
from kload_spec.planning.compilation import Compiler
from kload_spec.planning.places import HEADERS_READ, Place
from kload_spec.planning.surroundings import (
    DEFAULT_CONNECT_TIMEOUT_S,
    DEFAULT_REDIRECTS,
    DEFAULT_TIMEOUT_S,
)
from kload_spec.program import StatusSet

TARGET = "spec.target"
DEFAULT_READY_TIMEOUT_S = 120.0
DEFAULT_READY_INTERVAL_S = 1.0


def expect_of(target: Target) -> StatusSet:
    """Return the statuses that count as success where a step does not say."""
    return StatusSet() if target.expect is None else StatusSet(expected_ranges(target.expect))


def target_plan(
    target: Target, override: str | None, place: Place, compiler: Compiler
) -> TargetPlan:
    """Return the compiled target.

    Args:
        override: an URL in the place of `baseURL`, taken literally.
        place: what exists before any program: env and params.
    """
    settled = Scope(running=False, env=place.env, constants=place.params)
    anywhere = Place(place.params, place.env, ANY, None, ANY, True).scope(req=HEADERS_READ)
    return TargetPlan(
        base_url=_base_url(target, override, settled, compiler),
        timeout_s=target.timeout or DEFAULT_TIMEOUT_S,
        connect_timeout_s=target.connect_timeout or DEFAULT_CONNECT_TIMEOUT_S,
        redirects=DEFAULT_REDIRECTS if target.redirects is None else target.redirects,
        expect=expect_of(target),
        headers=tuple(
            (name, compiler.template(text, anywhere, child(f"{TARGET}.headers", name)))
            for name, text in sorted((target.headers or {}).items())
            if text
        ),
        tls=_tls(target, place.env, compiler),
        ready=None if target.ready is None else _ready(target.ready, settled, compiler),
        cookies=target.cookies is not False,
        max_body_bytes=target.max_body or DEFAULT_MAX_BODY_BYTES,
        dns_ttl_s=DEFAULT_DNS_TTL_S if target.dns_ttl is None else target.dns_ttl,
    )


def _base_url(
    target: Target, override: str | None, scope: Scope, compiler: Compiler
) -> Template | None:
    path, text = f"{TARGET}.baseURL", target.base_url
    if override is not None:
        path, text = "--target", override.replace("$(", "$$(")
    if text is None:
        return None
    template = compiler.template(text.rstrip("/"), scope, path)
    if isinstance(template.constant, str) and (fault := _fault_of_url(template.constant)):
        compiler.problem(path, f"{template.constant!r} {fault}")
    return template


def _fault_of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        return f"is no URL: {error}; write e.g. http://shop.staging.svc:8080"
    if parts.scheme not in ("http", "https"):
        return "is no http URL; write http://... or https://..."
    if not parts.hostname or not port_fits:
        return "names no host; write e.g. http://shop.staging.svc:8080"
    if parts.query or parts.fragment:
        return "has a query or fragment, but paths of steps follow it; leave that away"
    return None


def _ready(ready: Ready, scope: Scope, compiler: Compiler) -> ReadyProbe:
    return ReadyProbe(
        url=compiler.template(ready.get, scope, f"{TARGET}.ready.get"),
        expect=StatusSet() if ready.expect is None else StatusSet(expected_ranges(ready.expect)),
        timeout_s=ready.timeout or DEFAULT_READY_TIMEOUT_S,
        interval_s=ready.interval or DEFAULT_READY_INTERVAL_S,
    )


def _tls(target: Target, env: Members, compiler: Compiler) -> TlsPlan:
    tls = target.tls
    if tls is None:
        return TlsPlan()
    names = env if isinstance(env, frozenset) else frozenset()
    for field, pem in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if pem is not None and pem.env is not None:
            compiler.known(
                pem.env, names, f"{TARGET}.tls.{field}.env", "variable in spec.env called"
            )
    nothing = Pem.model_construct()
    ca, cert, key = tls.ca or nothing, tls.cert or nothing, tls.key or nothing
    return TlsPlan(
        ca_env=ca.env,
        ca_file=ca.file,
        cert_env=cert.env,
        cert_file=cert.file,
        key_env=key.env,
        key_file=key.file,
        server_name=tls.server_name,
        insecure_skip_verify=bool(tls.insecure_skip_verify),
    )
