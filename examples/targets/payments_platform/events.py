"""Ingestion: a batch of events is stored as a whole or refused as a whole, and metered by a job."""

from __future__ import annotations

import uuid
from typing import Annotated

import orjson
import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.payments_platform.access import Access
from examples.targets.storage import Database, Transaction
from examples.targets.web import Refusal, Request, Response, json_response

MAX_BATCH = 1000
INSERT = """
INSERT INTO events (org_id, external_customer_id, name, external_id, dedup_key, metadata, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING sequence
"""


class NewEvent(pydantic.BaseModel):
    """One event of a batch; with an `external_id` it is stored once, however often it is sent."""

    name: Annotated[str, pydantic.Field(min_length=1, max_length=128)]
    external_customer_id: Annotated[str, pydantic.Field(min_length=1, max_length=200)]
    external_id: Annotated[str, pydantic.Field(min_length=1, max_length=200)] | None = None
    metadata: dict[str, str | int | float | bool] = {}


class Batch(pydantic.BaseModel):
    """The body of ``POST /v1/events/ingest``."""

    events: Annotated[list[NewEvent], pydantic.Field(min_length=1, max_length=MAX_BATCH)]


class Events:
    """``/v1/events``."""

    def __init__(self, database: Database, access: Access, faults: Faults, metering: Job) -> None:
        self._database = database
        self._access = access
        self._faults = faults
        self._metering = metering

    async def ingest(self, request: Request) -> Response:
        """Accept a batch: 202 with how many events were new."""
        org_id = await self._access.org(request)
        events = request.read(Batch).events
        now = now_iso()
        async with self._database.write() as tx:
            await _check_customers(tx, org_id, {event.external_customer_id for event in events})
            inserted = sum([await self._store(tx, org_id, event, now) for event in events])
        duplicates = len(events) - inserted
        if duplicates and self._faults.acts(Fault.DUPLICATE_ANSWERED_WITH_ERROR, request.path):
            raise Refusal(409, "duplicate_events", f"{duplicates} events were sent before")
        self._metering.wake()
        return json_response({"inserted": inserted, "duplicates": duplicates}, status=202)

    async def _store(self, tx: Transaction, org_id: str, event: NewEvent, now: str) -> bool:
        """Store one event; False where it was stored before."""
        dedup_key = event.external_id or uuid.uuid4().hex
        if await _insert(tx, org_id, event, dedup_key, now):
            if self._faults.acts(Fault.EVENTS_LOST):
                await tx.execute(
                    "DELETE FROM events WHERE org_id = ? AND dedup_key = ?", org_id, dedup_key
                )
            return True
        if self._faults.acts(Fault.DUPLICATE_PROCESSED_TWICE):
            return await _insert(tx, org_id, event, f"{dedup_key}#{uuid.uuid4().hex}", now)
        return False

    async def stats(self, request: Request) -> Response:
        """Return how many events are stored, metered and still waiting."""
        org_id = await self._access.org(request)
        async with self._database.read() as tx:
            stored = await tx.row(
                "SELECT count(*) AS stored, coalesce(sum(processed), 0) AS processed,"
                " count(external_id) - count(DISTINCT external_id) AS stored_twice FROM events WHERE org_id = ?",
                org_id,
            )
            metered = await tx.row(
                "SELECT coalesce(sum(metered_events), 0) AS n FROM customers WHERE org_id = ?",
                org_id,
            )
        assert stored is not None, "an aggregate returns a row"
        assert metered is not None, "an aggregate returns a row"
        total, processed = int(stored["stored"]), int(stored["processed"])
        return json_response(
            {
                "stored": total,
                "processed": processed,
                "pending": total - processed,
                "stored_twice": int(stored["stored_twice"]),
                "metered": int(metered["n"]),
            }
        )


async def _insert(tx: Transaction, org_id: str, event: NewEvent, dedup_key: str, now: str) -> bool:
    inserted = await tx.row(
        INSERT,
        org_id,
        event.external_customer_id,
        event.name,
        event.external_id,
        dedup_key,
        orjson.dumps(event.metadata).decode(),
        now,
    )
    return inserted is not None


async def _check_customers(tx: Transaction, org_id: str, names: set[str]) -> None:
    for name in sorted(names):
        known = await tx.row(
            "SELECT external_id FROM customers WHERE org_id = ? AND external_id = ?", org_id, name
        )
        if known is None:
            raise Refusal(422, "unknown_customer", f"external_customer_id: there is no {name!r}")
