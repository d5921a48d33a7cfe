"""Where a request goes: from a step's URL and query to an endpoint and a target.

A URL is absolute, or a path that follows the target's base. Fixed ones are taken apart once; of varying ones
the common case, a plain path under a fixed base, costs one regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kload_runner.steps.bodies import form_text, text_of
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.state import State
from kload_runner.wire import Endpoint, InvalidUrl, parse_url
from kload_spec.program import RequestStep

Place = tuple[Endpoint, bytes]
Locate = Callable[[State], Place]

# A target that is sent as it is; anything else takes the long way through `parse_url`.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_PLAIN = re.compile(r"/[A-Za-z0-9\-._~:/?@!$&'()*+,;=%\[\]]*")


def join_url(base: str, url: str) -> str:
    """Return the absolute URL: one with a scheme stays, a path follows the base.

    Raises:
        InvalidUrl: a path, and no base to follow.
    """
    if _SCHEME.match(url):
        return url
    if not base:
        raise InvalidUrl(
            f"{url!r} is a path, and there is no target.baseURL (or --target); write the whole URL"
        )
    return base + url if url[:1] in ("/", "?", "") else f"{base}/{url}"


def url_names(step: RequestStep) -> frozenset[str]:
    """Return what a step's URL and query read of the state."""
    return step.url.names | (step.query.names if step.query is not None else frozenset())


def url_text(step: RequestStep, state: State) -> str:
    """Return the URL with its query, as written: not yet joined to the base."""
    text = text_of(step.url.evaluate(state))
    if step.query is None:
        return text
    query = form_text(step.query.evaluate(state))
    return f"{text}{'&' if '?' in text else '?'}{query}" if query else text


def locate_fixed(step: RequestStep, base: str, state: State) -> Place:
    """Return where a step's requests go, once for the whole run.

    Raises:
        InvalidUrl: it cannot be requested.
    """
    return parse_url(join_url(base, url_text(step, state)))


class Locator:
    """Takes URLs under one base apart."""

    __slots__ = ("_base", "_base_path", "_endpoint")

    def __init__(self, base: str) -> None:
        self._base = base
        self._endpoint: Endpoint | None = None
        self._base_path = ""
        if base:
            self._endpoint, target = parse_url(base)
            self._base_path = target.rstrip(b"/").decode("latin-1")

    def locate(self, url: str) -> Place:
        """Return where a URL leads.

        Raises:
            InvalidUrl: it cannot be requested.
        """
        if self._endpoint is not None and _PLAIN.fullmatch(url):
            return self._endpoint, (self._base_path + url).encode()
        return parse_url(join_url(self._base, url))


def bind_locate(step: RequestStep, base: str) -> Locate:
    """Return the function that says where one iteration's request goes; it raises IterationFailed."""
    locator = Locator(base)

    def locate(state: State) -> Place:
        try:
            return locator.locate(url_text(step, state))
        except InvalidUrl as exc:
            raise IterationFailed(str(exc), step.path) from None

    return locate
