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
from kload_runner.steps.rendering import REPLAY_HEADERS
from kload_runner.steps.state import State
from kload_runner.steps.urls import Locator, Place
from kload_runner.wire import InvalidRequest, InvalidUrl, Request, render_head
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


class Sender:
    """Makes requests."""

    __slots__ = ("_defaults", "_heads", "_locator", "_places", "_varying")

    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults
        self._locator = Locator(defaults.base_url)
        self._varying: Callable[[State], Fields] = bind_fields(defaults.fields, "target.headers")
        self._places: dict[str, Place] = {}
        self._heads: dict[tuple[str, str], Heads] = {}

    def place(self, url: str, query: Mapping[str, Value] | None) -> Place:
        """Return where a request goes; it raises IterationFailed."""
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

    def request(
        self,
        state: State,
        method: str,
        place: Place,
        content_type: str,
        headers: Headers | None,
        limits: tuple[float | None, int | None],
    ) -> Request:
        """Return the request of one call; it raises IterationFailed.

        Args:
            limits: timeout in seconds and number of redirects; None takes the defaults.
        """
        heads = self._heads.get((method, content_type)) or self._make_heads(method, content_type)
        varying = self._varying(state)
        timeout_s, redirects = limits
        if headers:
            more = tuple(headers.items())
            head = heads.head_with(place, varying, more)
            replayable = True if {name.lower() for name in headers} & REPLAY_HEADERS else None
        else:
            head, replayable = heads.head(place, varying), None
        defaults = self._defaults
        return Request(
            method,
            *place,
            head,
            timeout_s=defaults.timeout_s if timeout_s is None else timeout_s,
            max_redirects=defaults.redirects if redirects is None else redirects,
            replayable=replayable,
        )

    def _make_heads(self, method: str, content_type: str) -> Heads:
        plan = self._defaults.fields
        names = {name.lower() for name, _ in (*plan.fixed, *plan.varying)}
        if content_type and "content-type" not in names:
            plan = replace(plan, fixed=(*plan.fixed, ("Content-Type", content_type)))
        try:
            render_head(method, *self.place("http://localhost/", None), ())
        except InvalidRequest as exc:
            raise IterationFailed(str(exc)) from None
        heads = self._heads[method, content_type] = Heads(method, plan, self._defaults.user_agent)
        return heads


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
        try:
            return json_bytes(json), JSON_TYPE  # type: ignore[arg-type]  # the user's own object
        except TypeError as exc:
            raise IterationFailed(f"json: {exc}") from None
    if form is not None:
        try:
            return form_text(dict(form)).encode(), FORM_TYPE
        except EvaluationError as exc:
            raise IterationFailed(f"form: {exc.cause}") from None
    if data is None:
        return None, ""
    return (data, "") if isinstance(data, bytes) else (text_of(data).encode(), TEXT_TYPE)
