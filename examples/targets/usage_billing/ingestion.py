"""The hot path: an event is checked, stored under its idempotency key and accepted; rating happens later.

first time with a key                     202 {"id", "idempotency_key", "status": "accepted"}
again, the same event                     202, the same body, and the header Idempotent-Replayed: true
again, but with other content             409
"""

from __future__ import annotations

import uuid
from typing import Annotated

import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.storage import Database, Transaction
from examples.targets.usage_billing.access import Access
from examples.targets.web import Refusal, Request, Response, json_response

Id = Annotated[str, pydantic.Field(pattern=r"^\d{16}$")]
INSERT = """
INSERT INTO usage_events (id, org_id, customer_id, meter_code, value, idempotency_key, dedup_key, recorded_at,
                          created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id
"""
SUMMARY = """
SELECT count(*) AS events, coalesce(sum(rated), 0) AS rated, coalesce(sum(value), 0) AS value
FROM usage_events WHERE org_id = ? AND customer_id = ? AND meter_code = ?
"""


class UsageEvent(pydantic.BaseModel):
    """One event; numbers are not taken for ids, since JSON readers round 16 digits."""

    model_config = pydantic.ConfigDict(strict=True)

    customer_id: Id
    meter_code: Annotated[str, pydantic.Field(min_length=1, max_length=64)]
    value: Annotated[int, pydantic.Field(ge=0)]
    idempotency_key: Annotated[str, pydantic.Field(min_length=1, max_length=255)]
    recorded_at: str = ""
    org_id: object = None  # known only so that it can be refused


class Ingestion:
    """``/api/usage`` and the reads beside it."""

    def __init__(self, database: Database, access: Access, faults: Faults, rating: Job) -> None:
        self._database = database
        self._access = access
        self._faults = faults
        self._rating = rating

    async def ingest(self, request: Request) -> Response:
        """Accept one event."""
        org_id = await self._access.api_org(request)
        event = request.read(UsageEvent)
        if "org_id" in event.model_fields_set and not self._faults.acts(
            Fault.ORG_HEADER_ACCEPTED, request.path
        ):
            raise Refusal(400, "org_not_allowed", "org_id: the organisation comes from the API key")
        async with self._database.write() as tx:
            await _check_names(tx, org_id, event)
            event_id, replayed = await self._store(tx, org_id, event, request.path)
        self._rating.wake()
        return json_response(
            {"id": event_id, "idempotency_key": event.idempotency_key, "status": "accepted"},
            status=202,
            headers=((b"idempotent-replayed", b"true"),) if replayed else (),
        )

    async def _store(
        self, tx: Transaction, org_id: str, event: UsageEvent, path: str
    ) -> tuple[str, bool]:
        """Return the id under which the event is stored, and whether it was there before."""
        event_id = uuid.uuid4().hex
        if await _insert(tx, org_id, event_id, event, event.idempotency_key):
            if self._faults.acts(Fault.EVENTS_LOST, path):
                await tx.execute("DELETE FROM usage_events WHERE id = ?", event_id)
            return event_id, False
        if self._faults.acts(Fault.DUPLICATE_ANSWERED_WITH_ERROR, path):
            raise Refusal(409, "duplicate_event", f"{event.idempotency_key} was used before")
        if self._faults.acts(Fault.DUPLICATE_PROCESSED_TWICE, path):
            await _insert(tx, org_id, event_id, event, f"{event.idempotency_key}#{event_id}")
            return event_id, False
        stored = await tx.row(
            "SELECT id, customer_id, meter_code, value FROM usage_events WHERE org_id = ? AND dedup_key = ?",
            org_id,
            event.idempotency_key,
        )
        if stored is None:
            raise Refusal(503, "try_again", "the event is being stored by another request")
        same = (event.customer_id, event.meter_code, event.value)
        if (stored["customer_id"], stored["meter_code"], stored["value"]) != same:
            message = f"{event.idempotency_key} was used for another event; make a new key"
            raise Refusal(409, "idempotency_key_reused", message)
        return stored["id"], True

    async def summary(self, request: Request) -> Response:
        """Return what is stored and rated of one customer and meter."""
        org_id = await self._access.api_org(request)
        customer_id = request.query.get("customer_id", "")
        meter_code = request.query.get("meter_code", "")
        async with self._database.read() as tx:
            stored = await tx.row(SUMMARY, org_id, customer_id, meter_code)
            total = await tx.row(
                "SELECT events, value FROM usage_totals WHERE org_id = ? AND customer_id = ? AND meter_code = ?",
                org_id,
                customer_id,
                meter_code,
            )
        assert stored is not None, "an aggregate returns a row"
        return json_response(
            {
                "customer_id": customer_id,
                "meter_code": meter_code,
                "events": int(stored["events"]),
                "rated": int(stored["rated"]),
                "pending": int(stored["events"]) - int(stored["rated"]),
                "value": int(stored["value"]),
                "billed_events": int(total["events"]) if total else 0,
                "billed_value": int(total["value"]) if total else 0,
            }
        )

    async def events(self, request: Request) -> Response:
        """Return the events stored under one idempotency key: a list of one, or of none."""
        org_id = await self._access.api_org(request)
        async with self._database.read() as tx:
            rows = await tx.rows(
                "SELECT id, customer_id, meter_code, value, rated FROM usage_events"
                " WHERE org_id = ? AND idempotency_key = ? ORDER BY sequence",
                org_id,
                request.query.get("idempotency_key", ""),
            )
        return json_response(
            {"events": [{**dict(row), "rated": bool(row["rated"])} for row in rows]}
        )

    async def meters(self, request: Request) -> Response:
        """Return the organisation's meters: the cheapest authorised read there is."""
        org_id = await self._access.api_org(request)
        async with self._database.read() as tx:
            rows = await tx.rows(
                "SELECT code, name, aggregation FROM meters WHERE org_id = ? ORDER BY code", org_id
            )
        return json_response({"meters": [dict(row) for row in rows]})


async def _insert(
    tx: Transaction, org_id: str, event_id: str, event: UsageEvent, dedup_key: str
) -> bool:
    now = now_iso()
    inserted = await tx.row(
        INSERT,
        event_id,
        org_id,
        event.customer_id,
        event.meter_code,
        event.value,
        event.idempotency_key,
        dedup_key,
        event.recorded_at or now,
        now,
    )
    return inserted is not None


async def _check_names(tx: Transaction, org_id: str, event: UsageEvent) -> None:
    known = await tx.row(
        "SELECT (SELECT count(*) FROM customers WHERE id = ? AND org_id = ?) AS customer,"
        " (SELECT count(*) FROM meters WHERE org_id = ? AND code = ?) AS meter",
        event.customer_id,
        org_id,
        org_id,
        event.meter_code,
    )
    assert known is not None, "a select without FROM returns a row"
    if not known["customer"]:
        raise Refusal(422, "unknown_customer", f"customer_id: there is no {event.customer_id}")
    if not known["meter"]:
        raise Refusal(422, "unknown_meter", f"meter_code: there is no {event.meter_code!r}")
