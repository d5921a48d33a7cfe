"""Data rows for iterations: read once from CSV or JSON, handed out by arithmetic.

Which row an iteration gets is a function of its global index (or of its VU's), so that N runners hand out every
unique row once without a word to each other. Scenarios that share a feed take turns: scenario j of m gets the
positions ``j, j + m, j + 2m ...``.

    order        per iteration                 per VU
    sequential   row of the iteration's index  row of the VU's index
    unique       the same, never twice         the same, never twice
    random       drawn by the VU's generator   drawn once

Files are read when the run is prepared; nothing here does I/O while there is load.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import orjson

from kload_runner.files import content_of
from kload_runner.steps.outcomes import IterationFailed, RowsExhausted
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.expressions import Value
from kload_spec.program import DataFeed, OnExhausted, RowOrder, RowsPer

Row = Mapping[str, Value]


class RowSource:
    """Hands out the rows of a feed to one scenario.

    Attributes:
        rows: all rows of the feed.
        offset, stride: which positions of the feed belong to this scenario.
    """

    __slots__ = ("_exhausted", "_name", "_per_vu", "_random", "offset", "rows", "stride")

    def __init__(
        self, feed: DataFeed, rows: Sequence[Row], *, offset: int = 0, stride: int = 1
    ) -> None:
        self.rows = rows
        self.offset = offset
        self.stride = stride
        self._random = feed.order is RowOrder.RANDOM
        self._per_vu = feed.per is RowsPer.VU
        self._exhausted = feed.on_exhausted
        self._name = feed.name

    @property
    def per_vu(self) -> bool:
        """Whether a VU keeps its row."""
        return self._per_vu

    def row(self, iteration: int, vu: int, rng: Callable[[], random.Random]) -> Row:
        """Return the row of one iteration.

        Args:
            iteration: global index of the iteration in its scenario, 0-based.
            vu: index of the VU in its scenario, 0-based.
            rng: gives the VU's generator; asked for random order only.

        Raises:
            RowsExhausted: no row is left and the feed says `stop`.
            IterationFailed: no row is left and the feed says `fail`.
        """
        if self._random:
            return self.rows[rng().randrange(len(self.rows))]
        position = (vu if self._per_vu else iteration) * self.stride + self.offset
        if position < len(self.rows):
            return self.rows[position]
        match self._exhausted:
            case OnExhausted.RECYCLE:
                return self.rows[position % len(self.rows)]
            case OnExhausted.STOP:
                raise RowsExhausted(
                    f"all {len(self.rows)} rows of spec.data.{self._name} are used up"
                )
            case OnExhausted.FAIL:
                raise IterationFailed("no data row is left", f"spec.data.{self._name}")


def load_rows(feed: DataFeed, read_file: Callable[[str], bytes]) -> tuple[Row, ...]:
    """Return all rows of a feed.

    Args:
        read_file: gives the content of a file by its path in the manifest.

    Raises:
        InvalidSpec: the file is missing, malformed or empty, or lacks a column that the test reads.
    """
    where = f"spec.data.{feed.name}"
    rows = _read(feed, read_file, where)
    if not rows:
        raise _problem(where, f"{feed.file or 'rows'} holds no row; give at least one")
    for column in sorted(feed.columns):
        if column not in rows[0]:
            have = ", ".join(sorted(rows[0]))
            raise _problem(where, f"{feed.file or 'rows'} has no column {column!r}; it has: {have}")
    return rows


def _read(feed: DataFeed, read_file: Callable[[str], bytes], where: str) -> tuple[Row, ...]:
    if feed.rows is not None:
        return tuple(cast("Row", dict(row)) for row in feed.rows)
    path = feed.file or ""
    content = content_of(path, f"{where}.file", read_file)
    if path.lower().endswith(".json"):
        return _parse_json(content, path, where)
    return _parse_csv(content, path, where)


def _parse_json(content: bytes, path: str, where: str) -> tuple[Row, ...]:
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as exc:
        raise _problem(f"{where}.file", f"{path} is not JSON: {exc}") from exc
    if not isinstance(document, list) or not all(isinstance(row, dict) for row in document):
        raise _problem(f"{where}.file", f"{path}: give a JSON list of objects, one per row")
    return tuple(document)


def _parse_csv(content: bytes, path: str, where: str) -> tuple[Row, ...]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _problem(f"{where}.file", f"{path} is not UTF-8: {exc}") from exc
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise _problem(
                    f"{where}.file",
                    f"{path}, line {reader.line_num}: not as many fields as the header has",
                )
            rows.append(cast("Row", row))
    except csv.Error as exc:
        line = reader.reader.line_num  # the DictReader's own is that of the last row it gave
        raise _problem(f"{where}.file", f"{path}, line {line}: {exc}") from exc
    return tuple(rows)


def _problem(path: str, message: str) -> InvalidSpec:
    return InvalidSpec([Problem(path, message)])
