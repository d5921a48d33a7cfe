"""Requests of a script: places and heads are kept, what differs per call is rendered.

Knows nothing of metrics or of the functions that users write. One `Sender` per scenario serves all its VUs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from kload_runner.steps.bodies import (
    FORM_TYPE,
    JSON_TYPE,
    TEXT_TYPE,
    form_text,
    json_bytes,
    text_of,
)
from kload_runner.steps.fields import FieldPlan, Fields, bind_fields
from kload_runner.steps.heads import Heads
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.rendering import REPLAY_HEADERS, expects_continue
from kload_runner.steps.state import State
from kload_runner.steps.urls import Locator, Place
from kload_runner.wire import InvalidRequest, InvalidUrl, Request
from kload_runner.wire.request import check_method
from kload_spec.expressions import EvaluationError, Value

_MOST_PLACES = 4096  # URLs taken apart and kept; a script with more pays for each

Headers = Mapping[str, str]
Content = tuple[bytes | None, str]  # what is sent, and its Content-Type; empty for none


@dataclass(frozen=True, slots=True)
class Defaults:
    """What every request of a scenario has, unless a call says otherwise.

    Attributes:
        base_url: of the target; empty where there is none.
        fields: the target's headers.
    """

    base_url: str
    fields: FieldPlan
    user_agent: str
    timeout_s: float
    redirects: int


@dataclass(slots=True)
class Options:
    """What one call says over the defaults; None takes them.

    Attributes:
        query: parameters appended to the URL.
        headers: over those of the target.
    """

    query: Mapping[str, Value] | None = None
    headers: Headers | None = None
    timeout_s: float | None = None
    redirects: int | None = None


PLAIN = Options()


class Sender:
    """Makes requests."""

    __slots__ = (
        "_all_fixed", "_defaults", "_expects_continue", "_heads", "_locator", "_places", "_ready", "_varying",
    )  # fmt: skip

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._all_fixed = defaults.fields.all_fixed
        fixed = {name.lower(): text for name, text in defaults.fields.fixed}
        self._expects_continue = expects_continue(fixed)
        self._locator = Locator(defaults.base_url)
        self._varying: Callable[[State], Fields] = bind_fields(defaults.fields, "target.headers")
        self._places: dict[str, Place] = {}
        self._heads: dict[tuple[str, str], Heads] = {}
        self._ready: dict[tuple[object, ...], Request] = {}

    def request(
        self, state: State, method: str, url: str, content_type: str, options: Options
    ) -> Request:
        """Return the request of one call; it raises IterationFailed."""
        if options.headers is not None or options.query is not None or not self._all_fixed:
            return self._make(state, method, url, content_type, options)
        # A request is immutable and its body travels beside it: one serves all calls that look the same.
        key = (method, url, content_type, options.timeout_s, options.redirects)
        request = self._ready.get(key)
        if request is None:
            request = self._make(state, method, url, content_type, options)
            if len(self._ready) < _MOST_PLACES:
                self._ready[key] = request
        return request

    def _make(
        self, state: State, method: str, url: str, content_type: str, options: Options
    ) -> Request:
        place = self._place(url, options.query)
        heads = self._heads.get((method, content_type)) or self._make_heads(method, content_type)
        varying, replayable, waits = self._varying(state), None, self._expects_continue
        if options.headers:
            head = heads.head_with(place, varying, tuple(options.headers.items()))
            given = {name.lower(): text for name, text in options.headers.items()}
            if given.keys() & REPLAY_HEADERS:
                replayable = True
            waits = expects_continue(given, waits)
        else:
            head = heads.head(place, varying)
        defaults = self._defaults
        return Request(
            method,
            *place,
            head,
            timeout_s=defaults.timeout_s if options.timeout_s is None else options.timeout_s,
            max_redirects=defaults.redirects if options.redirects is None else options.redirects,
            expect_continue=waits,
            replayable=replayable,
        )

    def _place(self, url: str, query: Mapping[str, Value] | None) -> Place:
        if query:
            text = form_text(dict(query))
            url = f"{url}{'&' if '?' in url else '?'}{text}" if text else url
        place = self._places.get(url)
        if place is None:
            try:
                place = self._locator.locate(url)
            except InvalidUrl as exc:
                raise IterationFailed(str(exc)) from None
            if len(self._places) < _MOST_PLACES:
                self._places[url] = place
        return place

    def _make_heads(self, method: str, content_type: str) -> Heads:
        plan = self._defaults.fields
        names = {name.lower() for name, _ in (*plan.fixed, *plan.varying)}
        if content_type and "content-type" not in names:
            plan = replace(plan, fixed=(*plan.fixed, ("Content-Type", content_type)))
        try:
            check_method(method)
        except InvalidRequest as exc:
            raise IterationFailed(str(exc)) from None
        heads = self._heads[method, content_type] = Heads(method, plan, self._defaults.user_agent)
        return heads


def json_content(value: object) -> bytes:
    """Return a value as JSON; it raises IterationFailed where it is none."""
    try:
        return json_bytes(value)  # type: ignore[arg-type]  # the user's own object
    except TypeError as exc:
        raise IterationFailed(f"json: {exc}") from None


def content_of(
    json: object, form: Mapping[str, Value] | None, data: bytes | str | None, no_json: object
) -> Content:
    """Return what a call sends; it raises IterationFailed where it says two things.

    Args:
        no_json: what `json` is where it was not given (None is JSON too).
    """
    if (json is not no_json) + (form is not None) + (data is not None) > 1:
        raise IterationFailed("give only one of json, form and data")
    if json is not no_json:
        return json_content(json), JSON_TYPE
    if form is not None:
        try:
            return form_text(dict(form)).encode(), FORM_TYPE
        except EvaluationError as exc:
            raise IterationFailed(f"form: {exc.cause}") from None
    if data is None:
        return None, ""
    return (data, "") if isinstance(data, bytes) else (text_of(data).encode(), TEXT_TYPE)
