"""The database of a demo server behind one small interface: SQLite by default, PostgreSQL by URL.

SQL is written once, in the dialect both understand, with ``?`` for parameters; ``{serial}`` in a schema is a key that
counts by itself.
A unit of work is an ``async with database.write() as tx:``: committed when the block ends (not before its answer is
sent), rolled back when it raises. Inside it, await nothing but `tx`.
"""

from __future__ import annotations

from examples.targets.storage.database import Database, Row, Transaction, Unit
from examples.targets.storage.sqlite import SqliteDatabase

__all__ = ["Database", "Row", "Transaction", "Unit", "open_database"]


async def open_database(url: str) -> Database:
    """Open the database at `url`.

    Args:
        url: ``sqlite:PATH``, or ``postgresql://user@host/name`` (needs the package asyncpg).

    Raises:
        ValueError: the URL is of another kind.
        ImportError: PostgreSQL is asked for and asyncpg is not installed.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        return SqliteDatabase(rest)
    if scheme in ("postgresql", "postgres"):
        # Imported here: whoever stays with SQLite does not need the driver.
        from examples.targets.storage.postgres import open_postgres

        return await open_postgres(url)
    raise ValueError(f"database {url!r}: give sqlite:PATH or postgresql://user@host/name")
