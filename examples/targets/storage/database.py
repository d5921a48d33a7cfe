"""What a demo server may ask of its database; `sqlite` and `postgres` answer, one contract suite holds both to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol

# The values of a row are whatever the columns hold: the queries know, the types cannot.
Row = Mapping[str, Any]


class Transaction(Protocol):
    """One unit of work in progress."""

    async def execute(self, sql: str, *args: object) -> None:
        """Run a statement whose result nobody reads."""

    async def row(self, sql: str, *args: object) -> Row | None:
        """Return the first row, or None: also how ``INSERT ... RETURNING`` says whether it inserted."""

    async def rows(self, sql: str, *args: object) -> list[Row]:
        """Return all rows."""

    async def insert_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for many rows of parameters."""


class Unit(Protocol):
    """The context manager around a unit of work."""

    async def __aenter__(self) -> Transaction: ...

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None: ...


class Database(Protocol):
    """A database that is open."""

    async def prepare(self, schema: str) -> None:
        """Create what `schema` describes where it does not exist yet; statements are separated by ``;``."""

    def write(self) -> Unit:
        """Begin a unit of work that may change rows; committed when its block has ended."""

    def read(self) -> Unit:
        """Begin a unit of work that only reads, of what is committed."""

    async def close(self) -> None:
        """Let go of all connections."""


def statements(schema: str, serial: str) -> list[str]:
    """Split a schema, with ``{serial}`` replaced by the database's way to say it."""
    return [part for part in schema.replace("{serial}", serial).split(";") if part.strip()]
