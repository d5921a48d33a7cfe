"""Requests of a step: what never changes is rendered once per run, what does, per iteration and nothing else.

    fixed      known when the run is prepared: literals, `env`, `params`, `run.id`, `scenario`
    varying    everything else: `vars`, `vu`, `iter`, `row`, functions of chance and time ...

                      URL fixed                    URL varying
    fields fixed      one Request for all VUs      request line + ready fields
    fields varying    ready head + fields          request line + ready fields + fields

Knows the wire's Request and nothing of sending. The generated coroutine renders the body first, then calls
`render`, so that a header can sign `req.body`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kload_runner.steps.bodies import Render, bind_body, body_names
from kload_runner.steps.fields import FieldPlan, Fields, bind_fields, is_fixed, merged, plan_fields
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.state import RequestFacts, State
from kload_runner.steps.urls import Place, bind_locate, locate_fixed, url_names
from kload_runner.wire import (
    Endpoint,
    InvalidRequest,
    InvalidUrl,
    Request,
    render_field,
    render_head,
    url_of,
)
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import EvaluationError
from kload_spec.program import RequestStep

RenderRequest = Callable[[State, bytes | None], Request]

_REPLAY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})
_MOST_ENDPOINTS = (
    256  # heads kept per step; a URL that varies its host more than that is rendered anew
)


@dataclass(frozen=True, slots=True)
class Preparation:
    """What is known when a run is prepared.

    Attributes:
        base_url: of the target, without its last `/`; empty where the manifest has none.
        state: has `env`, `params`, `run.id` and `scenario`; evaluates what is fixed.
        read_file: gives the content of a file by its path in the manifest.
        keep_body: whether anything in the scenario reads bodies of responses.
        wants_req: whether anything in the scenario reads `req`.
    """

    base_url: str
    state: State
    read_file: Callable[[str], bytes]
    user_agent: str
    keep_body: bool = True
    wants_req: bool = False


@dataclass(frozen=True, slots=True)
class BoundRequest:
    """How the requests of one step come about: each part is ready (`fixed_...`) or has a function.

    `request` is None where `render` makes it; `content` is what is sent where `render_body` is None.
    """

    request: Request | None
    render: RenderRequest
    content: bytes | None
    render_body: Render | None


def bind_request(step: RequestStep, preparation: Preparation) -> BoundRequest:
    """Render what is fixed of a step's requests.

    Raises:
        InvalidSpec: a URL, header or body that is fixed and cannot be sent.
    """
    state = preparation.state
    try:
        fields = plan_fields(step, state)
        place = (
            locate_fixed(step, preparation.base_url, state) if is_fixed(url_names(step)) else None
        )
        head = _Head(step, preparation, fields)
        if place is not None:
            head.check(place)
        content, render_body = _bind_content(step, preparation)
    except (InvalidUrl, InvalidRequest) as exc:
        raise InvalidSpec([Problem(step.path, str(exc))]) from exc
    except EvaluationError as exc:
        raise InvalidSpec([Problem(step.path, exc.cause)]) from exc
    render = head.renderer(place)
    if place is not None and fields.all_fixed and not preparation.wants_req:
        return BoundRequest(head.request(place, ()), render, content, render_body)
    return BoundRequest(None, render, content, render_body)


def _bind_content(
    step: RequestStep, preparation: Preparation
) -> tuple[bytes | None, Render | None]:
    if step.body is None:
        return None, None
    render = bind_body(step.body, preparation.read_file)
    if is_fixed(body_names(step.body)):
        return render(preparation.state), None
    return None, render


class _Head:
    """Puts heads of one step together, keeping what is ready per endpoint."""

    def __init__(self, step: RequestStep, preparation: Preparation, fields: FieldPlan) -> None:
        self.step = step
        self.preparation = preparation
        self.fields = fields
        self.varying = bind_fields(fields, step.path)
        self._ready: dict[str, bytes] = {}
        names = {name.lower(): value for name, value in fields.fixed}
        self._expect_continue = names.get("expect", "").lower() == "100-continue"
        varying = {name.lower() for name, _ in fields.varying}
        self._replayable = True if (names.keys() | varying) & _REPLAY_HEADERS else None

    def check(self, place: Place) -> None:
        """Raise InvalidRequest now rather than at the first iteration."""
        render_head(self.step.method, *place, self.fields.fixed)
        for name, _ in self.fields.varying:
            render_field(name, "")

    def renderer(self, place: Place | None) -> RenderRequest:
        """Return the function that makes a request from state and body."""
        locate = bind_locate(self.step, self.preparation.base_url)
        wants_req = self.preparation.wants_req
        method = self.step.method

        def render(state: State, body: bytes | None) -> Request:
            here = place or locate(state)
            if not wants_req:
                return self.request(here, self.varying(state))
            facts = state.req = RequestFacts(method, url_of(*here), body)
            varying = self.varying(state)
            facts.add_fields(merged(self.fields.fixed, varying))
            return self.request(here, varying)

        return render

    def request(self, place: Place, varying: Fields) -> Request:
        """Return the request for one place with the fields of one iteration."""
        endpoint, target = place
        return Request(
            self.step.method,
            endpoint,
            target,
            self._head(endpoint, target, varying),
            timeout_s=self.step.timeout_s,
            max_redirects=self.step.redirects,
            keep_body=self.preparation.keep_body,
            expect_continue=self._expect_continue,
            replayable=self._replayable,
        )

    def _head(self, endpoint: Endpoint, target: bytes, varying: Fields) -> bytes:
        if self.fields.varying_map is not None:  # names are known only now: nothing can be ready
            return self._whole_head(endpoint, target, merged(self.fields.fixed, varying))
        ready = self._ready.get(endpoint.origin) or self._get_ready(endpoint)
        lines = "".join([f"{name}: {value}\r\n" for name, value in varying]).encode()
        return b"%b %b HTTP/1.1\r\n%b%b" % (self.step.method.encode(), target, ready, lines)

    def _get_ready(self, endpoint: Endpoint) -> bytes:
        """Render the fixed fields, with empty varying ones at the end that are cut off again.

        So the wire sees every name and adds no Host, User-Agent or Authorization beside one that varies.
        """
        empty = tuple((name, "") for name, _ in self.fields.varying)
        head = self._whole_head(endpoint, b"/", (*self.fields.fixed, *empty))
        cut = len(head) - sum(len(render_field(name, "")) for name, _ in empty)
        ready = head[:cut].split(b"\r\n", 1)[1]
        if len(self._ready) >= _MOST_ENDPOINTS:
            self._ready.clear()
        self._ready[endpoint.origin] = ready
        return ready

    def _whole_head(self, endpoint: Endpoint, target: bytes, fields: Fields) -> bytes:
        try:
            return render_head(
                self.step.method, endpoint, target, fields, user_agent=self.preparation.user_agent
            )
        except InvalidRequest as exc:
            raise IterationFailed(str(exc), self.step.path) from None
