"""What scenarios refer to by name: custom metrics, data feeds, the script; and how results are measured and judged."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from kload_spec.metrics import MetricType, Unit
from kload_spec.model.environment import KeyRef
from kload_spec.model.scalars import (
    AnyValue,
    Duration,
    Keys,
    OneOf,
    PositiveDuration,
    Share,
    StaticName,
    StaticText,
    Whole,
    fault,
)
from kload_spec.model.written import IDENTIFIER, Written, says
from kload_spec.program import OnExhausted, RowOrder, RowsPer

MAX_ROWS = 10_000  # written into the manifest; more belongs in a file


class Metric(Written):
    """A metric of the test's own, recorded by `record`."""

    type: Annotated[
        Annotated[MetricType, OneOf(MetricType, "type of metric")],
        says(
            "a type",
            "counter (a sum; true adds 1), rate (a share of true), trend (a distribution), gauge (for graphs).",
            "trend",
        ),
    ]
    unit: Annotated[
        Annotated[Unit, OneOf(Unit, "unit")] | None,
        says("a unit", "time (recorded in milliseconds), bytes or none. Default none.", "time"),
    ] = None
    per: Annotated[
        PositiveDuration | None,
        says("a duration", "What a counter's rate is per. Default 1s.", "1m"),
    ] = None
    description: Annotated[StaticText | None, says("text", "For reports.", "events accepted")] = (
        None
    )

    @model_validator(mode="after")
    def _per_of_counters(self) -> Metric:
        if self.per is not None and self.type is not MetricType.COUNTER:
            raise fault(f"has `per`, but a {self.type} has no rate per time; only a counter has")
        return self


_Columns = Annotated[tuple[StaticName, ...], Field(max_length=256)]
_Rows = Annotated[
    tuple[Annotated[dict[str, AnyValue], Field(max_length=256), Keys("a column", IDENTIFIER)], ...],
    Field(max_length=MAX_ROWS),
]


class DataFeed(Written):
    """Rows for iterations: from a CSV or JSON file, or written here."""

    file: Annotated[
        StaticText | None,
        says(
            "a path",
            "CSV (with a header line) or JSON (a list of maps) next to the manifest.",
            "data/users.csv",
        ),
    ] = None
    config_map_key_ref: Annotated[
        KeyRef | None,
        says(
            "a reference",
            "Where the file comes from in a cluster.",
            {"name": "data", "key": "users.csv"},
        ),
    ] = None
    rows: Annotated[
        _Rows | None, says("a list of rows", "The rows themselves.", [{"user": "ann"}])
    ] = None
    columns: Annotated[
        _Columns | None,
        says(
            "a list of names",
            "Columns of the file, so that `row.x` is checked before the run.",
            ["user", "password"],
        ),
    ] = None
    order: Annotated[
        Annotated[RowOrder, OneOf(RowOrder, "order")] | None,
        says(
            "an order",
            "sequential, random, or unique: each row once in the whole fleet. Default sequential.",
            "unique",
        ),
    ] = None
    per: Annotated[
        Annotated[RowsPer, OneOf(RowsPer, "kind")] | None,
        says("vu or iteration", "How long a VU keeps a row. Default iteration.", "vu"),
    ] = None
    on_exhausted: Annotated[
        Annotated[OnExhausted, OneOf(OnExhausted, "answer")] | None,
        says(
            "an answer",
            "When rows have run out: stop the scenario, recycle, fail. Default recycle; of unique rows stop.",
            "stop",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> DataFeed:
        if (self.file is None) == (self.rows is None):
            raise fault("needs one source: `file` or `rows`")
        if self.rows is not None and not self.rows:
            raise fault("rows is an empty list; give at least one row")
        if self.order is RowOrder.UNIQUE and self.on_exhausted is OnExhausted.RECYCLE:
            raise fault("unique rows cannot be recycled; use onExhausted stop or fail")
        return self


class ScriptFile(Written):
    """A file the script needs."""

    path: Annotated[
        StaticText,
        says("a path", "Path next to the manifest, kept in the pod.", "scenarios/buy.py"),
    ]
    config_map_key_ref: Annotated[
        KeyRef | None,
        says(
            "a reference",
            "Where the file comes from in a cluster.",
            {"name": "scripts", "key": "buy.py"},
        ),
    ] = None


_Files = Annotated[tuple[ScriptFile, ...], Field(max_length=64)]


class Script(Written):
    """Code instead of steps: Python files whose functions scenarios name in `exec`."""

    entry: Annotated[StaticText, says("a path", "The file with the functions.", "scenarios/buy.py")]
    files: Annotated[_Files | None, says("a list of files", "The entry and what it imports.")] = (
        None
    )
    image: Annotated[
        StaticText | None,
        says(
            "an image",
            "Image made from the runner's that holds the files, instead of `files`.",
            "registry/shop-tests:1",
        ),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> Script:
        if self.files is not None and self.image is not None:
            raise fault("has both `files` and `image`; keep one")
        if self.files is not None and self.entry not in {file.path for file in self.files}:
            raise fault(f"entry {self.entry!r} is not among `files`; list it there")
        return self


class Measure(Written):
    """Which part of the load is measured."""

    after: Annotated[
        Duration | None,
        says(
            "a duration",
            "Warm-up: kept out of thresholds and headline numbers, shown in graphs. Default 0s.",
            "30s",
        ),
    ] = None


class GeneratorLimits(Written):
    """From where on the load generator's own behaviour spoils a measurement."""

    late_share: Annotated[
        Share | None,
        says("a percentage", "Arrivals late or dropped by the generator's own fault: above it the run is inconclusive."
             " Default 1%.", "1%"),
    ] = None  # fmt: skip
    late_start: Annotated[
        PositiveDuration | None,
        says(
            "a duration",
            "An arrival is late when it starts this long after its instant. Default 100ms.",
            "100ms",
        ),
    ] = None
    loop_lag_share: Annotated[
        Share | None,
        says("a percentage", "Loop lag (p99) as a share of a latency bound: above it a broken bound may be our own"
             " doing. Default 10%.", "10%"),
    ] = None  # fmt: skip
    local_errors: Annotated[
        Annotated[int, Whole(0, 1_000_000_000)] | None,
        says(
            "the number of requests",
            "Requests that may fail for the generator's own lack of ports or files. Default 0.",
            0,
        ),
    ] = None
    cpu_share: Annotated[
        Share | None,
        says(
            "a percentage",
            "Of one core: above it a closed loop is told that it could not push harder. Default 90%.",
            "90%",
        ),
    ] = None
