"""SQLite as the embedded database: one writer, commits shared by all requests of the same moment.

Statements run on the event loop's own thread. That is the fast way in CPython: the `sqlite3` module lets go of the
interpreter lock around every statement, and a writer thread beside a busy event loop waits up to
`sys.getswitchinterval` (5 ms) to get it back, each time; an insert itself takes about 10 µs.

    pass of the event loop     request A: SAVEPOINT, statements, RELEASE ──┐
                               request B: SAVEPOINT, statements, RELEASE ──┼── waits for the commit
    next pass                  COMMIT, then both requests go on ───────────┘

A unit that raises rolls back to its own savepoint; the others of the batch are kept.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from types import TracebackType

from examples.targets.storage.database import Row, statements

# NORMAL would sync at checkpoints only, but still stop all requests for the time a slow disk needs. A demo's data may
# be lost with the machine's power; a crash of the process alone loses nothing.
PRAGMAS = ("journal_mode=WAL", "synchronous=OFF", "busy_timeout=5000", "cache_size=-65536")


class SqliteDatabase:
    """A database file; implements `storage.Database`."""

    def __init__(self, path: str) -> None:
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._reader.execute("PRAGMA query_only=1")
        self._turn = asyncio.Lock()  # one unit at a time, should a block await something else
        self._waiting: list[asyncio.Future[None]] = []
        self._commit_scheduled = False

    async def prepare(self, schema: str) -> None:
        """Create what is missing."""
        for statement in statements(schema, "INTEGER PRIMARY KEY AUTOINCREMENT"):
            self._writer.execute(statement)

    def write(self) -> _WriteUnit:
        """Begin a unit of work that may change rows."""
        return _WriteUnit(self)

    def read(self) -> _ReadUnit:
        """Begin a unit of work on committed rows."""
        return _ReadUnit(self._reader)

    async def close(self) -> None:
        """Close both connections; a unit that still waits for its commit gets it first."""
        self._commit()
        self._writer.close()
        self._reader.close()

    async def begin_unit(self) -> SqliteTransaction:
        """Open a savepoint, within the batch that is open or a new one."""
        await self._turn.acquire()
        if not self._writer.in_transaction:
            self._writer.execute("BEGIN IMMEDIATE")
        self._writer.execute("SAVEPOINT unit")
        return SqliteTransaction(self._writer)

    def end_unit(self, *, keep: bool) -> asyncio.Future[None]:
        """Keep or drop the unit's changes; the future is done when the batch is committed."""
        if not keep:
            self._writer.execute("ROLLBACK TO unit")
        self._writer.execute("RELEASE unit")
        self._turn.release()
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        self._waiting.append(committed)
        if not self._commit_scheduled:
            self._commit_scheduled = True
            loop.call_soon(self._commit)
        return committed

    def _commit(self) -> None:
        if self._turn.locked():
            # A unit is under way: it commits for all when it ends.
            self._commit_scheduled = False
            return
        self._commit_scheduled = False
        waiting, self._waiting = self._waiting, []
        try:
            if self._writer.in_transaction:
                self._writer.execute("COMMIT")
        except sqlite3.Error as error:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            for committed in waiting:
                if not committed.done():
                    committed.set_exception(error)
            return
        for committed in waiting:
            if not committed.done():
                committed.set_result(None)


class SqliteTransaction:
    """Statements on one connection; none of them suspends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, *args: object) -> None:
        """Run a statement."""
        self._connection.execute(sql, args)

    async def row(self, sql: str, *args: object) -> Row | None:
        """Return the first row; the statement is run to its end."""
        found: list[Row] = self._connection.execute(sql, args).fetchall()
        return found[0] if found else None

    async def rows(self, sql: str, *args: object) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(sql, args).fetchall()

    async def insert_many(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for many rows."""
        self._connection.executemany(sql, rows)


class _WriteUnit:
    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> SqliteTransaction:
        return await self._database.begin_unit()

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._database.end_unit(keep=exc is None)


class _ReadUnit:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def __aenter__(self) -> SqliteTransaction:
        return SqliteTransaction(self._connection)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return None


def _connect(path: str) -> sqlite3.Connection:
    # isolation_level None: transactions are ours to begin and to end. One thread uses a connection at a time, but it
    # need not be the one that opened it.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection
