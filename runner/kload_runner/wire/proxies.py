"""Proxies of the environment: found and named, because they are not used for now. Pure.

A load test through a proxy measures the proxy; silently ignoring one would surprise where nothing else
leads out. So the front ends print this sentence once, before any load.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kload_runner.wire.url import Endpoint, mask_credentials

_NAMES = {"http": ("HTTP_PROXY", "ALL_PROXY"), "https": ("HTTPS_PROXY", "ALL_PROXY")}


def find_proxies(environ: Mapping[str, str], endpoints: Iterable[Endpoint]) -> str | None:
    """Return a sentence naming the proxy variables that other clients would use for these endpoints.

    Upper and lower case are looked at, NO_PROXY is honoured (curl's rules: names, suffixes, ``*``).

    Returns:
        None when no proxy would be used; credentials in proxy URLs are masked.
    """
    values = {name.upper(): value for name, value in sorted(environ.items()) if value}
    exempt = [part.strip().lower() for part in values.get("NO_PROXY", "").split(",")]
    found: dict[str, str] = {}
    hosts: list[str] = []
    for endpoint in endpoints:
        name = next((name for name in _NAMES[endpoint.scheme] if name in values), None)
        if name is not None and not _exempt(endpoint.host, exempt):
            found[name] = mask_credentials(values[name])
            hosts.append(endpoint.host)
    if not found:
        return None
    shown = ", ".join(f"{name}={value}" for name, value in found.items())
    return (
        f"{shown} is set, but kload does not use proxies for now: requests to "
        f"{', '.join(dict.fromkeys(hosts))} go there directly; "
        "unset it (or list the host in NO_PROXY) to be rid of this notice"
    )


def _exempt(host: str, patterns: list[str]) -> bool:
    for pattern in patterns:
        suffix = pattern.removeprefix("*").removeprefix(".")
        if pattern == "*" or (suffix and (host == suffix or host.endswith(f".{suffix}"))):
            return True
    return False
