"""Which names an expression may use, and what the names read: the contract between planner, compiler and runner.

Pure description: a `Scope` is what the planner knows about a field, a `State` is what the runner supplies when
the field is evaluated. Nothing here evaluates anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, Literal, Protocol, TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"


class Sentinel(Enum):
    """Values that are no values: nothing in a manifest can be one of them."""

    ANY = "any"
    MISSING = "missing"


ANY: Final[Literal[Sentinel.ANY]] = Sentinel.ANY  # members exist, nobody knows which
MISSING: Final[Literal[Sentinel.MISSING]] = Sentinel.MISSING  # not a constant

Members: TypeAlias = frozenset[str] | Literal[Sentinel.ANY] | None


class Kind(StrEnum):
    """What is known of a value before it exists; the value is the word used in messages."""

    ANY = "any value"
    NULL = "null"
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    NUMBER = "number"
    STRING = "string"
    LIST = "list"
    MAP = "map"


@dataclass(frozen=True, slots=True)
class Scope:
    """The names one field may use.

    Members of a root are a frozenset (exactly these), `ANY` (unknown: looked up at run time) or None (the root
    does not exist here).

    Attributes:
        running: a VU evaluates the field. False for what is settled before the run (load shape, thresholds,
            `enabled`): `vu iter scenario run` and functions that read the clock or draw at random are refused.
        response: a request came before: `status body json headers error duration timings` exist.
        checks: `checks.ok` exists (only where `response` is true, and not in the checks themselves).
        req: fields of the request being built or just sent, out of `REQUEST_FIELDS`.
        env: names of declared environment variables.
        params: names of parameters that are known only at run time; those in `constants` need not be repeated.
        vars: names of variables that anything before this field may have set.
        row: columns of the data row.
        totals: metrics of the whole fleet, known in teardown.
        constants: parameters with their values, inlined when compiled.
    """

    running: bool = True
    response: bool = False
    checks: bool = True
    req: Members = None
    env: Members = None
    params: Members = None
    vars: Members = None
    row: Members = None
    totals: Members = None
    constants: Mapping[str, object] = field(default_factory=dict)


RUN_FIELDS: Final[Mapping[str, Kind]] = {"id": Kind.STRING, "elapsed": Kind.FLOAT}
CHECK_FIELDS: Final[Mapping[str, Kind]] = {"ok": Kind.BOOL}
REQUEST_FIELDS: Final[Mapping[str, Kind]] = {
    "method": Kind.STRING,
    "url": Kind.STRING,
    "body": Kind.STRING,
    "headers": Kind.MAP,
}
TIMING_FIELDS: Final[Mapping[str, Kind]] = dict.fromkeys(
    ("blocked", "connecting", "tls", "sending", "waiting", "receiving", "total"), Kind.FLOAT
)


class RunFacts(Protocol):
    """What `run.` reads; `elapsed` is in milliseconds since the start of the run."""

    @property
    def id(self) -> str: ...
    @property
    def elapsed(self) -> float: ...


class CheckFacts(Protocol):
    """What `checks.` reads: whether every check of the step held."""

    @property
    def ok(self) -> bool: ...


class RequestFacts(Protocol):
    """What `req.` reads: the request as it is sent. Header names are in lower case."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...


class TimingFacts(Protocol):
    """What `timings.` reads, in milliseconds."""

    @property
    def blocked(self) -> float: ...
    @property
    def connecting(self) -> float: ...
    @property
    def tls(self) -> float: ...
    @property
    def sending(self) -> float: ...
    @property
    def waiting(self) -> float: ...
    @property
    def receiving(self) -> float: ...
    @property
    def total(self) -> float: ...


class RandomSource(Protocol):
    """Where random values come from: `random.Random`, seeded by the runner."""

    def random(self) -> float: ...
    def getrandbits(self, k: int, /) -> int: ...


class State(Protocol):
    """What an evaluation reads, supplied by the runner; only the attributes in `Expression.names` are touched.

    Values are JSON-like and of exactly these Python types: None, bool, int, float (finite), str, list, dict with
    str keys. Subclasses are not recognised. Times are in milliseconds. `json`, `body` and `headers` may be lazy
    properties; `json` raises `EvaluationError` where the body is not JSON. Header names are in lower case, several
    lines of one name joined by ``", "``. `error` is None where an answer came.
    """

    @property
    def vu(self) -> int: ...
    @property
    def iter(self) -> int: ...
    @property
    def scenario(self) -> str: ...
    @property
    def run(self) -> RunFacts: ...
    @property
    def env(self) -> Mapping[str, str]: ...
    @property
    def params(self) -> Mapping[str, Value]: ...
    @property
    def vars(self) -> Mapping[str, Value]: ...
    @property
    def row(self) -> Mapping[str, Value]: ...
    @property
    def totals(self) -> Mapping[str, Value]: ...
    @property
    def req(self) -> RequestFacts: ...
    @property
    def status(self) -> int: ...
    @property
    def body(self) -> str: ...
    @property
    def json(self) -> Value: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def error(self) -> str | None: ...
    @property
    def duration(self) -> float: ...
    @property
    def timings(self) -> TimingFacts: ...
    @property
    def checks(self) -> CheckFacts: ...
    @property
    def rng(self) -> RandomSource: ...
    def now_ms(self) -> int:
        """Read the wall clock, in ms since 1970; the same reading for everything within one request."""
        ...


Evaluate: TypeAlias = Callable[[State], Value]
