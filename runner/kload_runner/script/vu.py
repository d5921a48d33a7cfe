"""The API of scripts: what `async def purchase(vu)` can do. These docstrings are its reference.

A thin layer: requests go to `sending`, observations to the same instruments as those of steps. Times are seconds,
as everywhere in Python (in the manifest's expressions they are milliseconds).

    async def purchase(vu):
        answer = await vu.post("/orders", name="create-order", json={"customer": f"load-{vu.id}-{vu.iter}"})
        if vu.check("status is 201", answer.status == 201):
            vu.check("has an id", lambda: answer.json["id"] != "")
        vu.record("checkout_duration", answer.duration)
        await vu.sleep(0.5, 2.5)
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn, TypedDict

from typing_extensions import Unpack

from kload_runner.script.observing import Observed, Observing
from kload_runner.script.sending import PLAIN, Options, Sender, content_of, json_content
from kload_runner.steps.bodies import JSON_TYPE
from kload_runner.steps.outcomes import LOCAL, GeneratorExhausted, IterationFailed, RunAborted
from kload_runner.steps.state import BROKEN, State
from kload_runner.wire import Response
from kload_spec.expressions import Value

_NO_JSON: Any = object()

Expect = int | range | tuple[int | range, ...] | list[int | range]


class RequestOptions(TypedDict, total=False):
    """What a request may say, all of it optional; `VU.request` says what each is."""

    name: str
    json: Any
    form: Mapping[str, Value] | None
    data: str | bytes | None
    query: Mapping[str, Value] | None
    headers: Mapping[str, str] | None
    expect: Expect | None
    timeout: float | None
    redirects: int | None


class VU:
    """A virtual user: one object for all its iterations.

    Attributes:
        id: number of the user, 1-based, unique over scenarios and runners.
        vars: the user's own memory, kept between iterations. It begins with a copy of what setup saved.
        env: environment variables of the test.
        params: parameters of the plan.
    """

    __slots__ = (
        "_inside",
        "_observed",
        "_observing",
        "_pause",
        "_sender",
        "_state",
        "env",
        "id",
        "params",
        "vars",
    )

    def __init__(
        self,
        state: State,
        sender: Sender,
        observing: Observing,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._state = state
        self._sender = sender
        self._observing = observing
        self._observed: Observed | None = None
        self._inside = ""
        self._pause = pause
        self.id = state.vu
        self.vars: dict[str, Any] = {}
        self.env = state.env
        self.params = state.params

    # -- what it knows -------------------------------------------------------------------------------------------

    @property
    def iter(self) -> int:
        """Iterations this user has started before, in this scenario: 0 in the first."""
        return self._state.iter

    @property
    def row(self) -> Mapping[str, Value]:
        """The data row of this iteration; empty where the scenario has no `data`."""
        return self._state.row

    @property
    def scenario(self) -> str:
        """Name of the scenario; ``setup`` and ``teardown`` in these."""
        return self._state.scenario

    @property
    def run_id(self) -> str:
        """What names the run."""
        return self._state.run.id

    @property
    def random(self) -> Any:
        """A `random.Random` of this user's own: with a `seed` in the manifest, the same numbers in every run."""
        return self._state.rng

    # -- requests ------------------------------------------------------------------------------------------------

    async def request(
        self,
        method: str,
        url: str,
        *,
        name: str = "",
        json: Any = _NO_JSON,
        form: Mapping[str, Value] | None = None,
        data: str | bytes | None = None,
        query: Mapping[str, Value] | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Expect | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  # the wire's own deadline, a shared sweep
        redirects: int | None = None,
    ) -> Response:
        """Send a request and wait for its answer.

        Args:
            method: any HTTP method.
            url: absolute, or a path that follows the target's baseURL.
            name: name of the step in metrics; at most 50 per scenario. Default: method and path.
            json: value sent as JSON, with its Content-Type.
            form: fields sent as a form.
            data: text or bytes sent as they are.
            query: parameters appended to the URL; a list repeats its name, None leaves it out.
            headers: over those of the target.
            expect: statuses that count as success: ``201``, ``range(200, 400)``, ``(200, 409)``. Default: the target's.
            timeout: seconds for the whole request. Default: the target's.
            redirects: how many to follow. Default: the target's.

        Returns:
            The response: `status` (0 and an `error` class where no answer came), `json`, `body`, `content`, `headers`,
            `duration` in seconds. A target that is down or speaks garbage never raises.

        Raises:
            IterationFailed: a URL, header or body that cannot be sent.
        """
        state = self._state
        if json is not _NO_JSON and form is None and data is None:
            content: bytes | None = json_content(json)
            content_type = JSON_TYPE
        else:
            content, content_type = content_of(json, form, data, _NO_JSON)
        plain = query is None and headers is None and timeout is None and redirects is None
        options = PLAIN if plain else Options(query, headers, timeout, redirects)
        request = self._sender.request(state, method, url, content_type, options)
        observed = self._observing.request_step(name or self._inside, method, request.target)
        self._observed = observed
        state.at = observed.name
        state.response = response = await state.client.exchange(request, content)
        state.status = status = response.status
        expected = self._observing.expected(expect)[status]
        intended, state.intended = state.intended, None
        observed.request(response, expected, intended)
        if not response.status and response.error == LOCAL:
            raise GeneratorExhausted
        return response

    def get(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a GET; see `request`."""
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a HEAD; see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send an OPTIONS; see `request`."""
        return self.request("OPTIONS", url, **options)

    def post(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a POST; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a PUT; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a PATCH; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str, **options: Unpack[RequestOptions]) -> Awaitable[Response]:
        """Send a DELETE; see `request`."""
        return self.request("DELETE", url, **options)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count everything inside the block under one step name: requests without a `name`, checks, samples."""
        before = self._inside
        self._inside = name
        self._observed = self._observing.step(name)
        try:
            yield
        finally:
            self._inside = before

    # -- judging and measuring -----------------------------------------------------------------------------------

    def check(self, name: str, condition: bool | Callable[[], object]) -> bool:
        """Count whether something holds; a check alone never fails a run.

        It belongs to the step of the latest request. Rules over checks are thresholds of the manifest, such as
        ``checks{check:has an id}: ["rate==1"]``.

        Args:
            name: of the check.
            condition: a truth value, or a function that gives one: if it raises, the check did not hold and the
                cause is counted.

        Returns:
            Whether it held.
        """
        cause = ""
        if condition is True or condition is False:
            held = condition
        elif callable(condition):
            try:
                held = bool(condition())
            except Exception as exc:
                held, cause = False, type(exc).__name__
        else:
            held = bool(condition)
        record, failed = self._current().check(name)
        record(held)
        if not held:
            self._state.checks = BROKEN
            failed(self._state, cause)
        return held

    def record(self, metric: str, value: float | bool) -> None:
        """Record a sample of a metric that the manifest declares; times in seconds.

        Raises:
            IterationFailed: the metric is not declared, or the value does not fit it.
        """
        self._current().sample(metric, value)

    def _current(self) -> Observed:
        observed = self._observed
        if observed is None:
            observed = self._observed = self._observing.step(self._state.scenario)
        return observed

    # -- the rest ------------------------------------------------------------------------------------------------

    async def sleep(self, seconds: float, most: float | None = None) -> None:
        """Pause; with `most`, for a time drawn uniformly between the two."""
        if most is not None:
            seconds += (most - seconds) * self._state.rng.random()
        await self._pause(seconds)

    def log(self, message: object) -> None:
        """Write a line to the run's log."""
        self._observing.log(str(message))

    def fail(self, message: str = "failed") -> NoReturn:
        """End this iteration as failed; the user goes on with the next."""
        raise IterationFailed(str(message))

    def abort(self, message: str = "aborted by the script") -> NoReturn:
        """Stop the whole run: verdict Cancelled."""
        raise RunAborted(str(message))
