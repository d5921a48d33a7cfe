"""A scenario as the runner executes it: expressions compiled, params inlined, blocks expanded, names checked.

Pure data between two worlds: `planning` builds programs from the models and reports every fault with its path;
the runner turns a program into one coroutine and never looks at a model. Nothing here runs anything.

What a field may read (the names of `expressions`) was settled when it was compiled. Two rules of order belong to
whoever executes a program: the entries of one map all read the state before the step, and within a request the order
is body, headers, exchange, checks, then `record` and `save`, which see `checks.ok`.

Every step has a `path`, its place in the manifest: it names the step in messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kload_spec.expressions import CompiledValue, Expression, Template


@dataclass(frozen=True, slots=True)
class StatusSet:
    """The HTTP statuses a request expects, as closed ranges: ``200..399`` is ``((200, 399),)``."""

    ranges: tuple[tuple[int, int], ...] = ((200, 399),)

    def __contains__(self, status: int) -> bool:
        return any(low <= status <= high for low, high in self.ranges)


@dataclass(frozen=True, slots=True)
class Check:
    """A named true/false about the latest response; an assert also has an implicit threshold that it always holds."""

    name: str
    condition: Expression
    is_assert: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One sample of a declared metric."""

    metric: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Assignment:
    """A variable and the value it gets."""

    name: str
    value: Expression | Template | CompiledValue


@dataclass(frozen=True, slots=True)
class JsonBody:
    """A value sent as JSON, with `Content-Type: application/json` unless a header says otherwise."""

    value: CompiledValue


@dataclass(frozen=True, slots=True)
class FormBody:
    """Fields sent as `application/x-www-form-urlencoded`."""

    fields: CompiledValue


@dataclass(frozen=True, slots=True)
class TextBody:
    """Text sent as it is, UTF-8."""

    text: Template


@dataclass(frozen=True, slots=True)
class MultipartBody:
    """Fields and files sent as `multipart/form-data`."""

    fields: CompiledValue
    files: tuple[tuple[str, str], ...] = ()  # (field name, path as written in the manifest)


Body = JsonBody | FormBody | TextBody | MultipartBody


@dataclass(frozen=True, slots=True)
class RequestStep:
    """Send a request, then check, record and save.

    Attributes:
        name: tag `step` of all it measures.
        url: absolute, or a path that follows the target's base URL.
        query: a map of parameters appended to the URL.
        headers: the step's own over the target's; names are unique regardless of case.
        headers_map: ``headers: $(...)``, a whole map known only at run time, over `headers`.
        timeout_s: for the whole request, redirects included.
        log_failure: logged when a check does not hold or the answer is not an expected one.
    """

    path: str
    name: str
    method: str
    url: Template
    query: CompiledValue | None = None
    headers: tuple[tuple[str, Template], ...] = ()
    headers_map: CompiledValue | None = None
    body: Body | None = None
    expect: StatusSet = StatusSet()
    timeout_s: float = 30.0
    redirects: int = 10
    tags: tuple[tuple[str, str], ...] = ()
    checks: tuple[Check, ...] = ()
    record: tuple[Record, ...] = ()
    save: tuple[Assignment, ...] = ()
    log_failure: Template | None = None


@dataclass(frozen=True, slots=True)
class CheckStep:
    """Judge without sending: checks and asserts over variables, totals or the latest response."""

    path: str
    name: str
    checks: tuple[Check, ...]
    record: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True)
class SleepStep:
    """Pause for a time drawn uniformly from [low, high] milliseconds; equal bounds are a fixed pause."""

    path: str
    low_ms: Expression | Template | float
    high_ms: Expression | Template | float


@dataclass(frozen=True, slots=True)
class IfStep:
    """Run one of two lists of steps."""

    path: str
    condition: Expression
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class PickStep:
    """Run one alternative, drawn by weight."""

    path: str
    options: tuple[tuple[float, tuple[Step, ...]], ...]


@dataclass(frozen=True, slots=True)
class RepeatStep:
    """Run steps again and again: `times`, `while` (tested before), `until` (tested after), never more than `limit`."""

    path: str
    steps: tuple[Step, ...]
    limit: int
    times: Expression | Template | int | None = None
    while_: Expression | None = None
    until: Expression | None = None
    index: str | None = None  # variable that counts the rounds from 0


@dataclass(frozen=True, slots=True)
class ForeachStep:
    """Run steps once for each item of a list, never more than `limit` times."""

    path: str
    items: Expression | Template | CompiledValue
    variable: str
    steps: tuple[Step, ...]
    limit: int


@dataclass(frozen=True, slots=True)
class SetStep:
    """Give variables new values."""

    path: str
    values: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class RecordStep:
    """Record samples of declared metrics."""

    path: str
    name: str
    record: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class LogStep:
    """Write a line to the run's log."""

    path: str
    message: Template


@dataclass(frozen=True, slots=True)
class FailStep:
    """End the iteration as failed."""

    path: str
    message: Template


@dataclass(frozen=True, slots=True)
class AbortStep:
    """Stop the whole run: verdict Cancelled."""

    path: str
    message: Template


@dataclass(frozen=True, slots=True)
class CallStep:
    """Run a block. Its steps were compiled where they are called; arguments are variables that end with the call."""

    path: str
    block: str
    arguments: tuple[Assignment, ...]
    steps: tuple[Step, ...]


Step = (
    RequestStep
    | CheckStep
    | SleepStep
    | IfStep
    | PickStep
    | RepeatStep
    | ForeachStep
    | SetStep
    | RecordStep
    | LogStep
    | FailStep
    | AbortStep
    | CallStep
)


@dataclass(frozen=True, slots=True)
class StepProgram:
    """What a VU of a scenario does, in steps.

    Attributes:
        start: run once per VU, before its first iteration; may set the VU's variables.
        steps: one iteration.
        variables: those that live as long as the VU, with their initial values.
    """

    steps: tuple[Step, ...]
    start: tuple[Step, ...] = ()
    variables: tuple[Assignment, ...] = ()


@dataclass(frozen=True, slots=True)
class ScriptProgram:
    """What a VU does, as a function of the test's script: `async def NAME(vu)`."""

    function: str


Program = StepProgram | ScriptProgram


class RowOrder(StrEnum):
    """How rows of a data feed are handed out."""

    SEQUENTIAL = "sequential"
    RANDOM = "random"
    UNIQUE = "unique"


class RowsPer(StrEnum):
    """How long a row stays with a VU."""

    VU = "vu"
    ITERATION = "iteration"


class OnExhausted(StrEnum):
    """What happens when unique or sequential rows have run out."""

    STOP = "stop"
    RECYCLE = "recycle"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class DataFeed:
    """Rows for iterations, from a CSV or JSON file or written into the manifest.

    Attributes:
        file: path as written in the manifest, read by the runner; None for inline data.
        rows: inline data; None for a file.
        columns: those that a file must have; empty where the test does not say.
    """

    name: str
    order: RowOrder = RowOrder.SEQUENTIAL
    per: RowsPer = RowsPer.ITERATION
    on_exhausted: OnExhausted = OnExhausted.RECYCLE
    file: str | None = None
    rows: tuple[Mapping[str, object], ...] | None = None
    columns: frozenset[str] = field(default_factory=frozenset)
