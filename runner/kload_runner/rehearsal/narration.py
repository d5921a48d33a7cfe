"""One iteration told as it happens, for `kload run --once -v`: requests as they are sent, answers, checks,
samples, saves.

Listens at the seams the engine has anyway: a wire client that tells what it sends, instruments that tell what
they are told. The load path knows nothing of it. Everything passes a mask before it is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from kload_runner.steps.instruments import (
    AddSample,
    CheckFailed,
    Instruments,
    NoSample,
    RecordCheck,
    RecordRequest,
    Saved,
    StepInstruments,
    Tags,
)
from kload_runner.steps.state import State
from kload_runner.wire import Client, Request, Response, UnreadableBody, Wire
from kload_spec import numbers
from kload_spec.expressions import Value
from kload_spec.program import StatusSet

MOST_BODY = 2000  # characters of a body that are shown
CREDENTIALS = ("authorization", "proxy-authorization", "cookie", "set-cookie")
SHOWN_OF_A_CREDENTIAL = 4  # characters beyond the scheme, enough to tell two keys apart

Write = Callable[[str], None]


class Narrator:
    """Tells what happens, one line at a time; counts what went wrong.

    Args:
        write: takes a line.
        mask: takes the values of secrets out of a text.
        verbose: tell everything, not only a line per request and what failed.
    """

    def __init__(self, write: Write, mask: Callable[[str], str], *, verbose: bool) -> None:
        self._write = write
        self._mask = mask
        self._verbose = verbose
        self.failures = 0

    def tell(self, line: str) -> None:
        """Write a line."""
        self._write(self._mask(line))

    def detail(self, line: str) -> None:
        """Write a line that only the curious want."""
        if self._verbose:
            self.tell(line)

    def wrong(self, line: str) -> None:
        """Write a line about something that failed."""
        self.failures += 1
        self.tell(line)

    def sent(self, request: Request, body: bytes | None) -> None:
        """Tell a request as it goes out."""
        head = request.head.decode("latin-1").split("\r\n")
        self.detail(f"  → {head[0]}  ({request.endpoint.origin})")
        for line in head[1:]:
            if line:
                self.detail(f"    {_without_credentials(self._mask(line))}")
        content = request.body if body is None else body
        if content:
            self.detail(_indented(content))

    def answered(self, step: str, response: Response, expected: bool) -> None:
        """Tell an answer, or why there was none."""
        if response.error is not None:
            self.wrong(f"  ✗ {step}: {response.error}: {response.error_detail}")
            return
        took, size = numbers.milliseconds(response.duration * 1000), numbers.size(len(response.raw))
        line = f"  ← {response.status}  {took}  {size}"
        tell = self.tell if expected else self.wrong
        tell(f"{line}  {step}" + ("" if expected else "  not expected"))
        for name, value in response.headers.items():
            self.detail(f"    {_without_credentials(self._mask(f'{name}: {value}'))}")
        if response.raw:
            self.detail(_indented(_decoded(response)))


class NarratedWire:
    """A wire whose clients tell what they send."""

    def __init__(self, wire: Wire, narrator: Narrator) -> None:
        self._wire = wire
        self._narrator = narrator

    def client(self) -> NarratedClient:
        """Return a client for one virtual user."""
        return NarratedClient(self._wire.client(), self._narrator)


class NarratedClient:
    """A client that tells what it sends."""

    def __init__(self, client: Client, narrator: Narrator) -> None:
        self._client = client
        self._narrator = narrator

    async def exchange(self, request: Request, body: bytes | None = None) -> Response:
        """Tell the request, then send it."""
        self._narrator.sent(request, body)
        return await self._client.exchange(request, body)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class NarratedInstruments:
    """Instruments of a scenario that tell what they are told, and pass it on."""

    def __init__(self, inner: Instruments, narrator: Narrator) -> None:
        self._inner = inner
        self._narrator = narrator

    def step(self, name: str, tags: Tags = ()) -> StepInstruments:
        """Return the instruments of a step."""
        return _NarratedStep(self._inner.step(name, tags), name, self._narrator)

    def log(self, message: str) -> None:
        """Tell a line of the test's own."""
        self._narrator.tell(f"  log  {message}")


class _NarratedStep:
    def __init__(self, inner: StepInstruments, name: str, narrator: Narrator) -> None:
        self._inner = inner
        self._name = name
        self._narrator = narrator

    def request(self, method: str = "", expect: StatusSet | None = None) -> RecordRequest:
        record = self._inner.request(method, expect)

        def told(response: Response, expected: bool, intended: float | None) -> None:
            record(response, expected, intended)
            self._narrator.answered(self._name, response, expected)

        return told

    def check(self, name: str, is_assert: bool) -> tuple[RecordCheck, CheckFailed]:
        record, failed = self._inner.check(name, is_assert)
        kind = "assert" if is_assert else "check"

        def judged(ok: bool) -> None:
            record(ok)
            if ok:
                self._narrator.detail(f"  ✓ {kind} {name}")
            else:
                self._narrator.wrong(f"  ✗ {kind} {name}")

        def why(state: State, cause: str) -> None:
            failed(state, cause)
            if cause:
                self._narrator.tell(f"      {cause}")

        return judged, why

    def sample(self, metric: str) -> tuple[AddSample, NoSample]:
        add, missing = self._inner.sample(metric)

        def added(value: Value) -> None:
            add(value)
            self._narrator.detail(f"  record {metric} = {_short(value)}")

        def none(cause: str) -> None:
            missing(cause)
            self._narrator.wrong(f"  ✗ record {metric}: {cause}")

        return added, none

    def saved(self) -> Saved | None:
        def told(values: Mapping[str, Value]) -> None:
            for name, value in values.items():
                self._narrator.detail(f"  save {name} = {_short(value)}")

        return told


def _decoded(response: Response) -> bytes:
    try:
        return response.content
    except UnreadableBody as error:
        return f"({error})".encode()


def _short(value: Value) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return text if len(text) <= MOST_BODY else f"{text[:MOST_BODY]} ..."


def _indented(content: bytes) -> str:
    """Return a body for reading: JSON laid out, long ones cut, bytes that are no text as a count."""
    try:
        text = orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        try:
            text = content.decode()
        except UnicodeDecodeError:
            text = f"({len(content)} bytes that are no text)"
    if len(text) > MOST_BODY:
        text = f"{text[:MOST_BODY]}\n... {len(text) - MOST_BODY} characters more"
    return "\n".join(f"    {line}" for line in text.splitlines())


def _without_credentials(line: str) -> str:
    """Hide the value of a field that carries credentials, but for its scheme and first letters."""
    name, colon, value = line.partition(":")
    if not colon or name.strip().lower() not in CREDENTIALS:
        return line
    words = value.strip().split(" ", 1)
    secret = words[-1]
    shown = secret[:SHOWN_OF_A_CREDENTIAL] if len(secret) > 3 * SHOWN_OF_A_CREDENTIAL else ""
    scheme = f"{words[0]} " if len(words) == 2 else ""
    return f"{name}: {scheme}{shown}***"
