"""What one virtual user's expressions read: the `State` of the language, one object per VU, reused by its iterations.

Knows the response of the wire and nothing of steps. The generated coroutine writes the slots, compiled
expressions read them. Whatever is rarely read is worked out when it is read: a body that no expression looks at is
never decoded, a VU that draws nothing at random has no generator (2.5 KB).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from kload_runner.wire import Response, UnreadableBody
from kload_spec.expressions import EvaluationError, Value

if TYPE_CHECKING:
    from kload_runner.wire import Client

NO_RESPONSE = "no response yet"
NOTHING: Mapping[str, Value] = MappingProxyType({})


class RunFacts:
    """What `run.` reads; `elapsed` is in milliseconds since the start of the load, 0 before it."""

    __slots__ = ("_clock", "id", "started_at")

    def __init__(self, run_id: str, clock: Callable[[], float]) -> None:
        self.id = run_id
        self._clock = clock
        self.started_at: float | None = None

    @property
    def elapsed(self) -> float:
        """Milliseconds since the load started."""
        return 0.0 if self.started_at is None else (self._clock() - self.started_at) * 1000.0


@dataclass(frozen=True, slots=True)
class CheckFacts:
    """What `checks.` reads; two objects serve everybody."""

    ok: bool


HELD = CheckFacts(True)
BROKEN = CheckFacts(False)


class RequestFacts:
    """What `req.` reads: the request as it is sent. Decoded only when read."""

    __slots__ = ("_body", "_fields", "_headers", "method", "url")

    def __init__(
        self, method: str, url: str, body: bytes | None, fields: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.method = method
        self.url = url
        self._body = body
        self._fields = fields
        self._headers: dict[str, str] | None = None

    def add_fields(self, fields: tuple[tuple[str, str], ...]) -> None:
        """Add the header fields, known after the body."""
        self._fields = fields
        self._headers = None

    @property
    def body(self) -> str:
        """The content as text; empty where there is none."""
        return (self._body or b"").decode("utf-8", "replace")

    @property
    def headers(self) -> dict[str, str]:
        """The fields, names in lower case."""
        if self._headers is None:
            self._headers = {name.lower(): value for name, value in self._fields}
        return self._headers


@dataclass(frozen=True, slots=True)
class TimingFacts:
    """What `timings.` reads, in milliseconds."""

    blocked: float
    connecting: float
    tls: float
    sending: float
    waiting: float
    receiving: float
    total: float


NO_REQUEST = RequestFacts("", "", None)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all virtual users of a scenario share.

    Attributes:
        env: values of the environment variables, the scenario's own over the run's.
        wall_ms: reads the wall clock, milliseconds since 1970.
        seed: of the run; a VU's generator depends on it and on the VU's number alone.
    """

    scenario: str
    env: Mapping[str, str]
    params: Mapping[str, Value]
    run: RunFacts
    seed: int
    wall_ms: Callable[[], int]
    totals: Mapping[str, Value] = field(default_factory=dict)


class State:
    """See the module. Fulfils `kload_spec.expressions.State`.

    Attributes:
        vu: 1-based, unique in the run.
        vars: of the iteration; a plain dict that steps write.
        at: path of the step being run, for messages.
        intended: when the request about to be sent should have started (arrivals); None: when the VU was ready.
        clock_ms: the reading of the wall clock that `now_ms` repeats; 0 makes it read again.
        response: the iteration's latest, None before the first.
    """

    __slots__ = (
        "_headers",
        "_headers_of",
        "_rng",
        "_surroundings",
        "at",
        "checks",
        "client",
        "clock_ms",
        "env",
        "intended",
        "iter",
        "params",
        "req",
        "response",
        "row",
        "run",
        "scenario",
        "status",
        "totals",
        "vars",
        "vu",
    )

    def __init__(self, surroundings: Surroundings, vu: int, client: Client | None = None) -> None:
        self._surroundings = surroundings
        self._rng: random.Random | None = None
        self._headers: dict[str, str] = {}
        self._headers_of: Response | None = None
        self.vu = vu
        self.iter = 0
        self.scenario = surroundings.scenario
        self.env = surroundings.env
        self.params = surroundings.params
        self.run = surroundings.run
        self.totals = surroundings.totals
        self.client = cast("Client", client)
        self.row: Mapping[str, Value] = NOTHING
        self.vars: dict[str, Value] = {}
        self.req = NO_REQUEST
        self.response: Response | None = None
        self.status = 0
        self.checks = HELD
        self.at = ""
        self.intended: float | None = None
        self.clock_ms = 0

    def begin(self, iteration: int, variables: dict[str, Value], intended: float | None) -> None:
        """Forget the last iteration."""
        self.iter = iteration
        self.vars = variables
        self.intended = intended
        self.response = self._headers_of = None
        self.status = 0
        self.req = NO_REQUEST
        self.checks = HELD
        self.clock_ms = 0

    @property
    def rng(self) -> random.Random:
        """The VU's own source of randomness: the same in every run with the same seed."""
        if self._rng is None:
            # A text is hashed with SHA-512 by `random`, so that neighbouring VUs have nothing in common.
            self._rng = random.Random(f"{self._surroundings.seed}/{self.scenario}/{self.vu}")
        return self._rng

    def now_ms(self) -> int:
        """Read the wall clock, in ms since 1970; the same reading for everything within one step."""
        if not self.clock_ms:
            self.clock_ms = self._surroundings.wall_ms()
        return self.clock_ms

    def answer(self) -> Response:
        """Return the latest response.

        Raises:
            EvaluationError: none has come yet in this iteration.
        """
        if self.response is None:
            raise EvaluationError(NO_RESPONSE)
        return self.response

    @property
    def json(self) -> Value:
        """The body parsed as JSON."""
        response = self.response
        if response is None:
            raise EvaluationError(NO_RESPONSE)
        try:
            value: Value = response.json
            return value
        except UnreadableBody:
            raise EvaluationError(self._why_unreadable("the body is not JSON")) from None

    @property
    def body(self) -> str:
        """The body as text."""
        try:
            return self.answer().body
        except UnreadableBody:
            raise EvaluationError(self._why_unreadable("the body cannot be decoded")) from None

    def _why_unreadable(self, otherwise: str) -> str:
        error = self.answer().error
        return otherwise if error is None else f"no answer: {error.value}"

    @property
    def headers(self) -> dict[str, str]:
        """The response's header fields, names in lower case."""
        response = self.answer()
        if self._headers_of is not response:
            self._headers = {name.lower(): value for name, value in response.headers.items()}
            self._headers_of = response
        return self._headers

    @property
    def error(self) -> str | None:
        """The error class where no answer came, else None."""
        error = self.answer().error
        return None if error is None else error.value

    @property
    def duration(self) -> float:
        """Sending + waiting + receiving, in milliseconds; unknown where nothing was sent."""
        response = self.answer()
        if not response.written:
            raise EvaluationError("no duration: nothing was sent")
        return response.duration * 1000.0

    @property
    def timings(self) -> TimingFacts:
        """The phases of the latest exchange."""
        response = self.answer()
        return TimingFacts(
            response.blocked * 1000.0,
            response.connecting * 1000.0,
            response.tls * 1000.0,
            response.sending * 1000.0,
            response.waiting * 1000.0,
            response.receiving * 1000.0,
            response.total * 1000.0,
        )
