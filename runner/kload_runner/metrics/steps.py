"""Requests and checks of one step: what a generated coroutine holds and calls.

    exchange(response, expected, intended)     about a microsecond, thresholds and phases included
    check(name).record(ok)                     tens of nanoseconds

An exchange is kept as a tuple with the others of its kind (method, status, expected); a batch of them is worked off
column by column (`trends`).
Errors of class `local` are our own: they are counted for health and nowhere else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import inf

from kload_runner.metrics.series import StepPoints
from kload_runner.metrics.tallies import Submetric, Tallies
from kload_runner.metrics.trends import BATCH, Phase, PublicHistogram, Trend
from kload_runner.wire import ErrorClass, Response
from kload_spec.metrics import Unit

PHASES = ("sending", "waiting", "receiving", "blocked", "connecting", "tls_handshaking")
MAX_ANSWERS = 64  # kinds of answers told apart per step; a target that invents statuses must not fill the memory
MAX_CAUSES = 20  # causes told apart per check
SAMPLE_LENGTH = 300  # characters of an error's sample

Mask = Callable[[str], str]
# duration sending waiting receiving blocked connecting tls bytes_sent bytes_received late
_Row = tuple[float, float, float, float, float, float, float, int, int, float]


class Answer:
    """One way in which requests of a step end, and what they count for."""

    __slots__ = (
        "before", "drained", "error", "expected", "method", "pending", "sample", "status", "submetrics",
        "written",
    )  # fmt: skip

    def __init__(self, method: str, status: int, expected: bool, error: str, written: bool) -> None:
        self.method, self.status, self.expected, self.error, self.written = (
            method,
            status,
            expected,
            error,
            written,
        )
        self.pending: list[_Row] = []
        self.drained = 0
        self.before = 0
        self.sample = ""
        self.submetrics: dict[str, tuple[Submetric, ...]] = {}

    @property
    def lifetime(self) -> int:
        """How many there were, warm-up included."""
        return self.drained + len(self.pending)

    @property
    def measured(self) -> int:
        """How many there were, without warm-up."""
        return self.drained + len(self.pending) - self.before


class CheckRecorder:
    """One check or assert of one step."""

    __slots__ = (
        "_fails_before",
        "_passes_before",
        "causes",
        "fails",
        "is_assert",
        "name",
        "passes",
    )

    def __init__(self, name: str, *, is_assert: bool) -> None:
        self.name, self.is_assert = name, is_assert
        self.passes = self.fails = 0
        self._passes_before = self._fails_before = 0
        self.causes: Counter[str] = Counter()

    def record(self, ok: bool) -> None:
        """Count one evaluation."""
        if ok:
            self.passes += 1
        else:
            self.fails += 1

    def cause(self, cause: str) -> None:
        """Say why an evaluation, recorded as false, was impossible."""
        if cause not in self.causes and len(self.causes) >= MAX_CAUSES:
            cause = "other"
        self.causes[cause] += 1

    def measured(self) -> tuple[int, int, float]:
        """Return (true, all, true) without warm-up: the tally of a rate."""
        passes, fails = self.passes - self._passes_before, self.fails - self._fails_before
        return passes, passes + fails, float(passes)

    def lifetime(self) -> tuple[int, int, float]:
        """Return the same with warm-up: for asserts."""
        return self.passes, self.passes + self.fails, float(self.passes)

    def restart(self) -> None:
        """Take what was counted so far as warm-up."""
        self._passes_before, self._fails_before = self.passes, self.fails


class StepRecorder:
    """Everything that is recorded about one step of one scenario on this runner."""

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
        self.scenario, self.name, self.own_tags, self.open_loop = (
            scenario,
            name,
            dict(tags),
            open_loop,
        )
        self.tags = {**tags, "scenario": scenario, "step": name}
        self.public_duration = PublicHistogram(Unit.TIME)
        self.expected = Trend(self.public_duration)
        self.unexpected = Trend(self.public_duration)
        self.response_time = Trend(PublicHistogram(Unit.TIME)) if open_loop else None
        self.phases = tuple(Phase() for _ in PHASES)
        self.points = StepPoints()
        self.checks: dict[str, CheckRecorder] = {}
        self.local_errors: Counter[str] = Counter()
        self._sent = self._received = 0
        self._sent_before = self._received_before = 0
        self._tallies, self._mask = tallies, mask
        self.answers: dict[tuple[str, int, bool], Answer] = {}
        self._errors: dict[tuple[str, str, bool], Answer] = {}
        self.unasked: tuple[Submetric, ...] = (
            tallies.submetrics("http_req_response_time", self.tags) if open_loop else ()
        )
        self._attach_data()

    # -- hot path ------------------------------------------------------------------------------------------------

    def exchange(self, response: Response, expected: bool, intended: float | None = None) -> None:
        """Count a request that ended, redirect hops before it included.

        Args:
            response: as the wire client returned it.
            expected: whether its status was.
            intended: instant at which the iteration should have started, for the first request of an arrival; None:
                the request was sent as soon as the VU was ready.
        """
        if response.error is not None or response.redirects:
            self._unusual(response, expected, intended)
            return
        try:
            answer = self.answers[response.request.method, response.status, expected]
        except KeyError:
            answer = self._opened(response, expected)
        pending = answer.pending
        pending.append(
            (
                response.duration, response.sending, response.waiting, response.receiving,
                response.blocked, response.connecting, response.tls,
                response.bytes_sent, response.bytes_received,
                0.0 if intended is None else response.started_at - intended,
            )
        )  # fmt: skip
        if len(pending) >= BATCH:
            self._drain(answer)

    def check(self, name: str, *, is_assert: bool = False) -> CheckRecorder:
        """Return the recorder of a check, pre-created at 0; call it when the step is bound."""
        found = self.checks.get(name)
        if found is None:
            found = self.checks[name] = CheckRecorder(name, is_assert=is_assert)
            self._tallies.attach(
                "checks", {**self.tags, "check": name}, found.measured, found.lifetime
            )
        return found

    # -- the less usual ------------------------------------------------------------------------------------------

    def _unusual(self, response: Response, expected: bool, intended: float | None) -> None:
        """Count redirect hops, then the last exchange, which may be an error."""
        for hop in response.redirects:
            # The virtual user still waits: a hop has no response time, which an endless start says.
            self._one(hop, hop.error is None, inf)
        if response.error is ErrorClass.LOCAL:
            self.local_errors[self._mask(response.error_detail)[:SAMPLE_LENGTH]] += 1
            return
        start = intended
        if start is None:
            start = response.redirects[0].started_at if response.redirects else response.started_at
        self._one(response, expected and response.error is None, start)

    def _one(self, response: Response, expected: bool, start: float) -> None:
        """Count one exchange that the virtual user waited for since `start`."""
        if response.error is None:
            key = (response.request.method, response.status, expected)
            answer = self.answers.get(key) or self._opened(response, expected)
        else:
            answer = self._opened_error(response)
        answer.pending.append(
            (
                response.duration, response.sending, response.waiting, response.receiving,
                response.blocked, response.connecting, response.tls,
                response.bytes_sent, response.bytes_received, response.started_at - start,
            )
        )  # fmt: skip
        if len(answer.pending) >= BATCH:
            self._drain(answer)

    def foresee(self, method: str, status: int) -> None:
        """Let the series of an answer exist at 0 before it comes, as Prometheus wants it."""
        if (method, status, True) not in self.answers:
            self._open(method, status, True)

    def _open(self, method: str, status: int, expected: bool) -> Answer:
        """Begin to count a kind of answer; of too many kinds, by their hundreds."""
        kept = status if len(self.answers) < MAX_ANSWERS else status - status % 100
        answer = self.answers.get((method, kept, expected))
        if answer is None:
            answer = self.answers[method, kept, expected] = Answer(
                method, kept, expected, "", written=True
            )
            self._attach(answer)
        if len(self.answers) < 2 * MAX_ANSWERS:
            self.answers[method, status, expected] = answer  # the next one is found at once
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
            answer = self._errors[key] = Answer(
                response.request.method, 0, False, error, response.written
            )
            answer.sample = self._mask(
                f"{response.request.method} {response.url}: {response.error_detail}"
            )
            answer.sample = answer.sample[:SAMPLE_LENGTH]
            self._attach(answer)
        return answer

    def _sample_of(self, response: Response) -> str:
        try:
            body = response.body
        except ValueError as error:
            body = str(error)
        text = f"{response.request.method} {response.url}: {response.status} {body}"
        return self._mask(text[: 4 * SAMPLE_LENGTH])[:SAMPLE_LENGTH]

    def _attach(self, answer: Answer) -> None:
        """Find out which thresholds this kind of answer concerns."""
        tags = {
            **self.tags,
            "method": answer.method,
            "status": str(answer.status),
            "expected_response": "true" if answer.expected else "false",
        }
        if answer.error:
            tags["error"] = answer.error
        failed = 0 if answer.expected else 1

        def requests() -> tuple[int, int, float]:
            count = answer.measured
            return count, count, float(count)

        def failures() -> tuple[int, int, float]:
            count = answer.measured
            return failed * count, count, float(failed * count)

        self._tallies.attach("http_reqs", tags, requests)
        self._tallies.attach("http_req_failed", tags, failures)
        for name in ("duration", "response_time", *PHASES):
            answer.submetrics[name] = self._tallies.submetrics(f"http_req_{name}", tags)

    def _attach_data(self) -> None:
        def sent() -> tuple[int, int, float]:
            count = self._sent - self._sent_before
            return count, 0, float(count)

        def received() -> tuple[int, int, float]:
            count = self._received - self._received_before
            return count, 0, float(count)

        self._tallies.attach("data_sent", self.tags, sent)
        self._tallies.attach("data_received", self.tags, received)

    # -- working off batches -------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Work off what is pending."""
        for answer in self.kinds():
            if answer.pending:
                self._drain(answer)

    def _drain(self, answer: Answer) -> None:
        rows = answer.pending
        durations, *phases, sent, received, late = zip(*rows, strict=True)
        blocked, connecting, tls = phases[3:]
        if any(connecting) or any(tls):
            # k6's `blocked` contains the handshakes of a new connection.
            phases[3] = tuple(map(sum, zip(blocked, connecting, tls, strict=True)))
        first = 0 if answer.written else 3
        if answer.written:
            trend = self.expected if answer.expected else self.unexpected
            trend.add(durations, answer.submetrics["duration"])
        for name, phase, values in zip(
            PHASES[first:], self.phases[first:], phases[first:], strict=True
        ):
            phase.add(values, answer.submetrics[name])
        if self.response_time is not None:
            self._drain_response_times(answer, late, phases[3], durations)
        self._sent += sum(sent)
        self._received += sum(received)
        answer.drained += len(rows)
        rows.clear()

    def _drain_response_times(
        self,
        answer: Answer,
        late: tuple[float, ...],
        blocked: tuple[float, ...],
        durations: tuple[float, ...],
    ) -> None:
        """Count from the intended start to the answer read; where none came, it took for ever."""
        waits = zip(late, blocked, durations, strict=True)
        if answer.error:
            values = [inf for behind, _, _ in waits if behind > -inf]
        else:
            values = [
                behind + before + duration for behind, before, duration in waits if behind > -inf
            ]
        if values and self.response_time is not None:
            self.response_time.add(values, answer.submetrics["response_time"])

    def never_answered(self, count: int) -> None:
        """Count response times above every bound, for iterations that were dropped."""
        if self.response_time is not None and count:
            self.response_time.add([inf] * count, self.unasked)

    # -- reading -------------------------------------------------------------------------------------------------

    def kinds(self) -> list[Answer]:
        """Return all kinds of answers and errors there were."""
        return list(dict.fromkeys([*self.answers.values(), *self._errors.values()]))

    def counts(self) -> tuple[int, int]:
        """Return (requests, failed), warm-up included."""
        requests = failed = 0
        for answer in self.kinds():
            requests += answer.lifetime
            failed += 0 if answer.expected else answer.lifetime
        return requests, failed

    @property
    def data(self) -> tuple[int, int]:
        """Bytes sent and received without warm-up, as of the last drain."""
        return self._sent - self._sent_before, self._received - self._received_before

    @property
    def public_data(self) -> tuple[int, int]:
        """Bytes sent and received, warm-up included, as of the last drain."""
        return self._sent, self._received

    def roll(self) -> None:
        """Work off what is pending and move all windows into totals and the open point."""
        self.drain()
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
        for phase in self.phases:
            phase.restart()
        for check in self.checks.values():
            check.restart()
        self._sent_before, self._received_before = self._sent, self._received
