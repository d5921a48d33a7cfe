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

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kload_runner.files import content_of
from kload_runner.steps.bodies import Render, bind_body, body_names
from kload_runner.steps.fields import FieldPlan, Fields, bind_fields, is_fixed, merged, plan_fields
from kload_runner.steps.heads import Heads
from kload_runner.steps.state import RequestFacts, State
from kload_runner.steps.urls import Place, bind_locate, locate_fixed, url_names
from kload_runner.wire import HeadNote, InvalidRequest, InvalidUrl, Request, url_of
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import EvaluationError
from kload_spec.program import RequestStep

RenderRequest = Callable[[State, bytes | None], Request]

REPLAY_HEADERS = frozenset({"idempotency-key", "x-idempotency-key"})
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
        wants_req: whether anything in the scenario reads `req`.
    """

    base_url: str
    state: State
    read_file: Callable[[str], bytes]
    user_agent: str
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
        requests = _Requests(step, preparation, fields)
        if place is not None:
            requests.heads.check(place)
        content, render_body = _bind_content(step, preparation)
    except (InvalidUrl, InvalidRequest) as exc:
        raise InvalidSpec([Problem(step.path, str(exc))]) from exc
    except EvaluationError as exc:
        raise InvalidSpec([Problem(step.path, exc.cause)]) from exc
    render = requests.renderer(place)
    if place is not None and fields.all_fixed and not preparation.wants_req:
        return BoundRequest(requests.request(place, ()), render, content, render_body)
    return BoundRequest(None, render, content, render_body)


def _bind_content(
    step: RequestStep, preparation: Preparation
) -> tuple[bytes | None, Render | None]:
    if step.body is None:
        return None, None
    where = f"{step.path}.multipart.files"
    render = bind_body(step.body, lambda path: content_of(path, where, preparation.read_file))
    if is_fixed(body_names(step.body)):
        return render(preparation.state), None
    return None, render


def expects_continue(fields: Mapping[str, str], default: bool = False) -> bool:
    """Say whether the body waits for a 100 (RFC 9110 §10.1.1); names of fields are lower case."""
    return fields["expect"].lower() == "100-continue" if "expect" in fields else default


class _Requests:
    """Makes the requests of one step from places and heads."""

    def __init__(self, step: RequestStep, preparation: Preparation, fields: FieldPlan) -> None:
        self.step = step
        self.fields = fields
        self.heads = Heads(step.method, fields, preparation.user_agent, step.path)
        self._preparation = preparation
        self._varying = bind_fields(fields, step.path)
        names = {name.lower(): value for name, value in fields.fixed}
        self._expect_continue = expects_continue(names)
        varying = {name.lower() for name, _ in fields.varying}
        self._note = HeadNote()  # one for all requests of the step, fixed or not
        self._replayable = True if (names.keys() | varying) & REPLAY_HEADERS else None

    def renderer(self, place: Place | None) -> RenderRequest:
        """Return the function that makes a request from state and body."""
        locate = bind_locate(self.step, self._preparation.base_url)
        wants_req = self._preparation.wants_req
        method, request, varying_of = self.step.method, self.request, self._varying

        def render(state: State, body: bytes | None) -> Request:
            here = place or locate(state)
            if not wants_req:
                return request(here, varying_of(state))
            facts = state.req = RequestFacts(method, url_of(*here), body)
            varying = varying_of(state)
            facts.add_fields(merged(self.fields.fixed, varying))
            return request(here, varying)

        return render

    def request(self, place: Place, varying: Fields) -> Request:
        """Return the request for one place with the fields of one iteration."""
        step = self.step
        return Request(
            step.method,
            *place,
            self.heads.head(place, varying),
            timeout_s=step.timeout_s,
            max_redirects=step.redirects,
            expect_continue=self._expect_continue,
            replayable=self._replayable,
            note=self._note,
        )
