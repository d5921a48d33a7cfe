"""Requests and checks of one step: what a generated coroutine holds and calls.

    exchange(response, expected, intended)     about a microsecond, thresholds and phases included
    check(name).record(ok)                     tens of nanoseconds

Errors of class `local` are our own: they are counted for health and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import inf

from kload_runner.metrics.answers import PHASES, ROWS, Answer
from kload_runner.metrics.checks import CheckRecorder
from kload_runner.metrics.series import StepPoints
from kload_runner.metrics.tallies import Tallies
from kload_runner.metrics.trends import Phase, PublicHistogram, Trend
from kload_runner.wire import ErrorClass, Response
from kload_spec.metrics import Unit

MAX_ANSWERS = 64  # kinds of answers told apart per step; a target that invents statuses must not fill the memory
SAMPLE_LENGTH = 300  # characters of an error's sample

Mask = Callable[[str], str]
RecordExchange = Callable[..., None]


class StepRecorder:
    """Everything that is recorded about one step of one scenario on this runner.

    Attributes:
        exchange: call it with (response, expected) or (response, expected, intended) for every request that ended;
            redirect hops before it are counted with it. `intended` is the instant at which the iteration should have
            started, for the first request of an arrival; None: it was sent as soon as the VU was ready.
    """

    def __init__(
        self,
        scenario: str,
        name: str,
        tags: Mapping[str, str],
        tallies: Tallies,
        *,
        open_loop: bool,
        mask: Mask,
    ) -> None:
        self.scenario, self.name, self.own_tags = scenario, name, dict(tags)
        self.tags = {**tags, "scenario": scenario, "step": name}
        self.public_duration = PublicHistogram(Unit.TIME)
        self.expected = Trend(self.public_duration)
        self.unexpected = Trend(self.public_duration)
        self.public_response_time = PublicHistogram(Unit.TIME)
        self.response_time = Trend(self.public_response_time) if open_loop else None
        self.phases = {name: Phase() for name in PHASES}
        self.points = StepPoints()
        self.checks: dict[str, CheckRecorder] = {}
        self.local_errors: Counter[str] = Counter()
        self.hops = 0  # redirects that were followed, warm-up included
        self._hops_before = 0
        self._data_before = (0, 0)
        self._tallies, self._mask = tallies, mask
        self._named = tallies.named("status")
        self._answers: dict[tuple[str, int, bool], Answer] = {}
        self._errors: dict[tuple[str, str, bool], Answer] = {}
        self._dropped_into = (
            tallies.submetrics("http_req_response_time", self.tags) if open_loop else ()
        )
        tallies.attach("data_sent", self.tags, lambda: (self.data[0], 0, float(self.data[0])))
        tallies.attach("data_received", self.tags, lambda: (self.data[1], 0, float(self.data[1])))
        self.exchange: RecordExchange = self._bound()

    def check(self, name: str, *, is_assert: bool = False) -> CheckRecorder:
        """Return the recorder of a check, pre-created at 0; call it when the step is bound."""
        found = self.checks.get(name)
        if found is None:
            found = self.checks[name] = CheckRecorder(name, is_assert=is_assert)
            self._tallies.attach(
                "checks", {**self.tags, "check": name}, found.measured, found.lifetime
            )
        return found

    def foresee(self, method: str, status: int) -> None:
        """Let the series of an answer exist at 0 before it comes, as Prometheus wants it."""
        self._open(method, status, True)

    def never_answered(self, count: int) -> None:
        """Count response times above every bound, for iterations that were dropped."""
        if self.response_time is not None and count:
            self.response_time.add([inf] * count, self._dropped_into)

    # -- hot path ------------------------------------------------------------------------------------------------

    def _bound(self) -> RecordExchange:
        """Return `exchange` as a closure: what it needs is in cells, which are read faster than attributes."""
        answers, unusual = self._answers, self._unusual

        def exchange(response: Response, expected: bool, intended: float | None = None) -> None:
            if response.redirects or not response.connection_reused:
                unusual(response, expected, intended)
                return
            try:
                answer = answers[response.request.method, response.status, expected]
            except KeyError:
                unusual(response, expected, intended)
                return
            rows = answer.rows
            rows.append(
                (
                    response.duration, response.sending, response.waiting, response.receiving,
                    response.bytes_sent, response.bytes_received,
                    0.0 if intended is None else response.started_at - intended,
                )
            )  # fmt: skip
            if len(rows) >= ROWS:
                answer.drain_rows()

        return exchange

    # -- the less usual ------------------------------------------------------------------------------------------

    def _unusual(self, response: Response, expected: bool, intended: float | None) -> None:
        """Count redirect hops, then the last exchange: of a new connection, the first of its kind, or an error."""
        for hop in response.redirects:
            # The virtual user still waits: a hop has no response time, which an endless start says.
            self._one(hop, True, inf)
            self.hops += 1
        if response.error is ErrorClass.LOCAL:
            self.local_errors[self._mask(response.error_detail)[:SAMPLE_LENGTH]] += 1
            return
        start = intended
        if start is None:
            start = response.redirects[0].started_at if response.redirects else response.started_at
        self._one(response, expected, start)

    def _one(self, response: Response, expected: bool, start: float) -> None:
        """Count one exchange that the virtual user waited for since `start`."""
        if response.error is None:
            key = (response.request.method, response.status, expected)
            answer = self._answers.get(key) or self._opened(response, expected)
        else:
            answer = self._opened_error(response)
        answer.fresh.append(
            (
                response.duration, response.sending, response.waiting, response.receiving,
                response.bytes_sent, response.bytes_received, response.started_at - start,
                response.blocked, response.connecting, response.tls,
            )
        )  # fmt: skip
        if len(answer.fresh) >= ROWS:
            answer.drain_fresh()

    def _open(self, method: str, status: int, expected: bool) -> Answer:
        """Begin to count a kind of answer; of too many by their class (5: any 5xx), but for those a rule names."""
        few = len(self._answers) < MAX_ANSWERS or str(status) in self._named
        kept = status if few else status // 100
        answer = self._answers.get((method, kept, expected))
        if answer is None:
            answer = self._answers[method, kept, expected] = Answer(method, kept, expected)
            trend = self.expected if expected else self.unexpected
            answer.attach(self._tallies, self.tags, (trend, self.response_time), self.phases)
        if len(self._answers) < 2 * MAX_ANSWERS:
            self._answers[method, status, expected] = answer  # the next one is found at once
        return answer

    def _opened(self, response: Response, expected: bool) -> Answer:
        answer = self._open(response.request.method, response.status, expected)
        if not expected and not answer.sample:
            answer.sample = self._sample_of(response)
        return answer

    def _opened_error(self, response: Response) -> Answer:
        error = "" if response.error is None else response.error.value
        key = (response.request.method, error, response.written)
        answer = self._errors.get(key)
        if answer is None:
            answer = Answer(response.request.method, 0, False, error, written=response.written)
            self._errors[key] = answer
            text = f"{response.request.method} {response.url}: {response.error_detail}"
            answer.sample = self._mask(text)[:SAMPLE_LENGTH]
            answer.attach(
                self._tallies, self.tags, (self.unexpected, self.response_time), self.phases
            )
        return answer

    def _sample_of(self, response: Response) -> str:
        try:
            body = response.body
        except ValueError as error:
            body = str(error)
        text = f"{response.request.method} {response.url}: {response.status} {body}"
        return self._mask(text[: 4 * SAMPLE_LENGTH])[:SAMPLE_LENGTH]

    # -- reading -------------------------------------------------------------------------------------------------

    def kinds(self) -> list[Answer]:
        """Return all kinds of answers and errors there were."""
        return list(dict.fromkeys([*self._answers.values(), *self._errors.values()]))

    def counts(self) -> tuple[int, int]:
        """Return (requests, failed), warm-up included."""
        requests = failed = 0
        for answer in self.kinds():
            requests += answer.lifetime
            failed += 0 if answer.expected else answer.lifetime
        return requests, failed

    @property
    def public_data(self) -> tuple[int, int]:
        """Bytes sent and received, warm-up included, as of the last roll."""
        kinds = self.kinds()
        return sum(kind.sent for kind in kinds), sum(kind.received for kind in kinds)

    @property
    def data(self) -> tuple[int, int]:
        """Bytes sent and received without warm-up, as of the last roll."""
        sent, received = self.public_data
        return sent - self._data_before[0], received - self._data_before[1]

    @property
    def measured_hops(self) -> int:
        """Redirects that were followed, without warm-up."""
        return self.hops - self._hops_before

    def roll(self) -> None:
        """Work off what is pending and move all windows into totals and the open point."""
        for answer in self.kinds():
            answer.flush()
        for trend in (self.expected, self.unexpected):
            window = trend.roll()
            if window is not None:
                self.points.add(window)
        if self.response_time is not None:
            self.response_time.roll()

    def restart(self) -> None:
        """Take what was recorded so far as warm-up."""
        self.roll()
        for answer in self.kinds():
            answer.before = answer.lifetime
        for trend in (self.expected, self.unexpected, self.response_time):
            if trend is not None:
                trend.restart()
        for phase in self.phases.values():
            phase.restart()
        for check in self.checks.values():
            check.restart()
        self._data_before = self.public_data
        self._hops_before = self.hops
