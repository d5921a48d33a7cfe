"""The target as one runner sees it: its base URL, how to reach it, and whether it is ready.

Turns `TargetPlan` and the environment into the wire's settings. Sends nothing but the ready probe.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kload_runner.clock import Clock
from kload_runner.engine.facts import RunnerFacts
from kload_runner.files import FilesRead, ReadFile, content_of
from kload_runner.steps.bodies import text_of
from kload_runner.steps.state import State
from kload_runner.steps.urls import join_url
from kload_runner.wire import (
    InvalidRequest,
    InvalidUrl,
    Policy,
    Response,
    TlsSettings,
    Wire,
    WireSettings,
    build_request,
    parse_rules,
    parse_url,
)
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import EvaluationError, Template
from kload_spec.plan import ReadyProbe, TargetPlan, TlsPlan

PROBE_TIMEOUT_S = 5.0  # of one attempt: a target that needs longer for this is not ready


class TargetNotReady(Exception):
    """The ready probe was not answered as expected in time; the message says what came instead."""


def base_url_of(target: TargetPlan, state: State) -> str:
    """Return the base URL without its last `/`; empty where the manifest has none.

    Raises:
        InvalidSpec: it is no URL.
    """
    if target.base_url is None:
        return ""
    try:
        text = text_of(target.base_url.evaluate(state)).rstrip("/")
        parse_url(text)
    except InvalidUrl as exc:
        raise InvalidSpec([Problem("spec.target.baseURL", str(exc))]) from exc
    except EvaluationError as exc:
        raise InvalidSpec([Problem("spec.target.baseURL", exc.cause)]) from exc
    return text


def wire_settings(
    target: TargetPlan, facts: RunnerFacts, files: FilesRead, now: Callable[[], float]
) -> WireSettings:
    """Return how the wire is to behave.

    Raises:
        InvalidSpec: a file is missing, or an entry of the allow or deny list is neither network nor host.
    """
    try:
        policy = Policy(parse_rules(facts.limits.allowed), parse_rules(facts.limits.denied))
    except InvalidRequest as exc:
        raise InvalidSpec([Problem("limits", str(exc))]) from exc
    return WireSettings(
        connect_timeout_s=target.connect_timeout_s,
        timeout_s=target.timeout_s,
        max_redirects=target.redirects,
        max_body_bytes=target.max_body_bytes,
        cookies=target.cookies,
        dns_ttl_s=target.dns_ttl_s,
        tls=_tls(target.tls, facts, files),
        policy=policy,
        clock=now,
    )


def make_wire(settings: WireSettings, base_url: str) -> Wire:
    """Return the wire, ready for this target; inside the loop it is for.

    Raises:
        InvalidSpec: the TLS settings cannot be used.
    """
    try:
        wire = Wire(settings)
        if base_url:
            wire.prepare([parse_url(base_url)[0]])
        return wire
    except InvalidRequest as exc:
        raise InvalidSpec([Problem("spec.target.tls", str(exc))]) from exc


async def wait_until_ready(
    probe: ReadyProbe, wire: Wire, clock: Clock, base_url: str, state: State
) -> None:
    """Ask until the target answers as expected.

    Raises:
        TargetNotReady: it did not within the probe's time.
        InvalidSpec: the probe's URL cannot be requested.
    """
    url = _probe_url(probe.url, base_url, state)
    client = wire.client()
    until = clock.now() + probe.timeout_s
    try:
        while True:
            left = until - clock.now()
            request = build_request("GET", url, timeout_s=max(0.1, min(PROBE_TIMEOUT_S, left)))
            response = await client.exchange(request)
            if response.error is None and response.status in probe.expect:
                return
            if clock.now() + probe.interval_s >= until:
                raise TargetNotReady(
                    f"{url} was not ready within {probe.timeout_s:g}s: {_what_came(response)};"
                    " start the target, or give target.ready more time"
                )
            await clock.sleep_until(clock.now() + probe.interval_s)
            await asyncio.sleep(0)
    finally:
        client.close()


def _probe_url(template: Template, base_url: str, state: State) -> str:
    try:
        url = join_url(base_url, text_of(template.evaluate(state)))
        parse_url(url)
    except (InvalidUrl, EvaluationError) as exc:
        raise InvalidSpec([Problem("spec.target.ready.get", str(exc))]) from exc
    return url


def _what_came(response: Response) -> str:
    if response.error is not None:
        return f"{response.error.value}: {response.error_detail}"
    return f"status {response.status}"


def tls_files(tls: TlsPlan, read: ReadFile) -> dict[str, str]:
    """Return the PEM texts that come from files, by field.

    Raises:
        InvalidSpec: with all that cannot be read.
    """
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for field, path in (("ca", tls.ca_file), ("cert", tls.cert_file), ("key", tls.key_file)):
        where = f"spec.target.tls.{field}"
        try:
            if path is not None:
                found[field] = content_of(path, where, read).decode("ascii")
        except InvalidSpec as exc:
            problems += exc.problems
        except UnicodeDecodeError:
            problems.append(Problem(where, f"{path} is no PEM text; give the text form, not DER"))
    if problems:
        raise InvalidSpec(problems)
    return found


def _tls(tls: TlsPlan, facts: RunnerFacts, files: FilesRead) -> TlsSettings:
    texts = tls_files(tls, files.read)

    def pem(field: str, variable: str | None) -> str | None:
        return texts.get(field) if variable is None else facts.env.get(variable) or None

    return TlsSettings(
        ca_pem=pem("ca", tls.ca_env),
        cert_pem=pem("cert", tls.cert_env),
        key_pem=pem("key", tls.key_env),
        server_name=tls.server_name,
        insecure_skip_verify=tls.insecure_skip_verify,
    )
