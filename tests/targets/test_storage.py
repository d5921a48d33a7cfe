"""The contract of the database, on both: what is committed, what is rolled back, who sees what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from examples.targets.storage import Database, open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS things (id TEXT PRIMARY KEY, n BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS logs (id {serial}, text TEXT NOT NULL)
"""


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = await open_database(database_url)
    await opened.prepare(SCHEMA)
    async with opened.write() as tx:
        await tx.execute("DELETE FROM things")
        await tx.execute("DELETE FROM logs")
    yield opened
    await opened.close()


async def names(database: Database) -> list[str]:
    async with database.read() as tx:
        return [row["id"] for row in await tx.rows("SELECT id FROM things ORDER BY id")]


async def add(database: Database, name: str) -> bool:
    async with database.write() as tx:
        row = await tx.row(
            "INSERT INTO things (id, n) VALUES (?, ?) ON CONFLICT DO NOTHING RETURNING id", name, 1
        )
    return row is not None


async def add_and_fail(database: Database, name: str | None, wait_s: float = 0.0) -> None:
    """Insert (None is refused by the column), wait, raise."""
    async with database.write() as tx:
        await tx.execute("INSERT INTO things (id, n) VALUES (?, ?)", name, 1 if name else None)
        await asyncio.sleep(wait_s)
        raise LookupError


async def test_preparing_twice_keeps_what_is_there(database: Database) -> None:
    await add(database, "a")
    await database.prepare(SCHEMA)
    assert await names(database) == ["a"]


async def test_a_unit_is_visible_once_its_block_has_ended(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute("INSERT INTO things (id, n) VALUES (?, ?)", "a", 1)
        assert await names(database) == []
    assert await names(database) == ["a"]


async def test_a_unit_that_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(LookupError):
        await add_and_fail(database, "a")
    assert await names(database) == []


async def test_a_unit_that_raises_takes_no_other_with_it(database: Database) -> None:
    results = await asyncio.gather(
        add(database, "a"),
        add_and_fail(database, "bad"),
        add(database, "b"),
        return_exceptions=True,
    )
    assert isinstance(results[1], LookupError)
    assert await names(database) == ["a", "b"]


async def test_a_statement_that_fails_leaves_the_database_usable(database: Database) -> None:
    with pytest.raises(Exception, match="things"):
        await add_and_fail(database, None)
    assert await add(database, "b")
    assert await names(database) == ["b"]


async def test_of_many_inserts_at_once_one_wins(database: Database) -> None:
    won = await asyncio.gather(*[add(database, "a") for _ in range(20)])
    assert sum(won) == 1


async def test_counting_at_once_loses_nothing(database: Database) -> None:
    await add(database, "a")

    async def count() -> int:
        async with database.write() as tx:
            row = await tx.row("UPDATE things SET n = n + 1 WHERE id = ? RETURNING n", "a")
        assert row is not None
        number: int = row["n"]
        return number

    assert sorted(await asyncio.gather(*[count() for _ in range(20)])) == list(range(2, 22))


async def test_a_unit_that_waits_for_something_else_keeps_others_out_of_it(
    database: Database,
) -> None:
    failing = add_and_fail(database, "slow", wait_s=0.01)
    results = await asyncio.gather(failing, add(database, "a"), return_exceptions=True)
    assert isinstance(results[0], LookupError)
    assert await names(database) == ["a"]


async def test_many_rows_are_inserted_with_keys_that_count(database: Database) -> None:
    async with database.write() as tx:
        await tx.insert_many("INSERT INTO logs (text) VALUES (?)", [("a",), ("b",), ("c",)])
        rows = await tx.rows("SELECT id, text FROM logs ORDER BY id")
    assert [row["text"] for row in rows] == ["a", "b", "c"]
    assert len({row["id"] for row in rows}) == 3


async def test_no_row_is_none(database: Database) -> None:
    async with database.read() as tx:
        assert await tx.row("SELECT id FROM things WHERE id = ?", "nobody") is None


@pytest.mark.parametrize("url", ["mysql://x", "sqlite:", "nonsense"])
async def test_another_database_is_refused_with_what_can_be_given(url: str) -> None:
    with pytest.raises(ValueError, match=r"give sqlite:PATH or postgresql://"):
        await open_database(url)
