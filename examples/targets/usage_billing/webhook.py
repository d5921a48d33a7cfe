"""What payment providers report: verified, then booked once per event of theirs, however often they deliver it.

The age of a signature is not checked: a recorded delivery can be replayed, which is what the idempotency test does.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

import pydantic

from examples.targets import stripe
from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database
from examples.targets.web import Refusal, Request, Response, json_response

PROVIDERS = frozenset({"stripe"})


class PaidObject(pydantic.BaseModel):
    """What the event is about; only the amount matters here."""

    amount_paid: int = 0


class EventData(pydantic.BaseModel):
    """The envelope around it."""

    object: PaidObject = PaidObject()


class ProviderEvent(pydantic.BaseModel):
    """A provider's event; the id is theirs and stays the same over all deliveries."""

    id: Annotated[str, pydantic.Field(min_length=1, max_length=255)]
    type: str
    data: EventData = EventData()


class Webhook:
    """``/webhooks/{provider}``."""

    def __init__(self, database: Database, faults: Faults, environment: Mapping[str, str]) -> None:
        self._database = database
        self._faults = faults
        self._secret = environment["WEBHOOK_SECRET"]

    async def receive(self, request: Request) -> Response:
        """Take one delivery: 200, `duplicate` says whether it was the first."""
        provider = _known_provider(request)
        self._authenticate(request)
        event = request.read(ProviderEvent)
        now = now_iso()
        async with self._database.write() as tx:
            delivery = await tx.row(
                "INSERT INTO payment_events (provider, event_id, type, deliveries, processed, received_at)"
                " VALUES (?, ?, ?, 1, 0, ?) ON CONFLICT (provider, event_id)"
                " DO UPDATE SET deliveries = payment_events.deliveries + 1 RETURNING deliveries",
                provider,
                event.id,
                event.type,
                now,
            )
            assert delivery is not None, "an upsert returns its row"
            first = delivery["deliveries"] == 1
            if first or self._faults.acts(Fault.DUPLICATE_PROCESSED_TWICE, request.path):
                await tx.execute(
                    "INSERT INTO payments (provider, event_id, amount, created_at) VALUES (?, ?, ?, ?)",
                    provider,
                    event.id,
                    event.data.object.amount_paid,
                    now,
                )
                await tx.execute(
                    "UPDATE payment_events SET processed = processed + 1 WHERE provider = ? AND event_id = ?",
                    provider,
                    event.id,
                )
        if not first and self._faults.acts(Fault.DUPLICATE_ANSWERED_WITH_ERROR, request.path):
            raise Refusal(409, "duplicate_event", f"{event.id} was received before")
        return json_response({"received": True, "event_id": event.id, "duplicate": not first})

    async def show(self, request: Request) -> Response:
        """Return how often an event was delivered and booked; whoever knows its id may ask."""
        provider = _known_provider(request)
        event_id = request.params["event_id"]
        async with self._database.read() as tx:
            event = await tx.row(
                "SELECT deliveries, processed FROM payment_events WHERE provider = ? AND event_id = ?",
                provider,
                event_id,
            )
            booked = await tx.row(
                "SELECT count(*) AS n FROM payments WHERE provider = ? AND event_id = ?",
                provider,
                event_id,
            )
        if event is None or booked is None:
            raise Refusal(404, "unknown_event", f"{provider} never delivered {event_id!r}")
        return json_response({"event_id": event_id, **dict(event), "payments": booked["n"]})

    def _authenticate(self, request: Request) -> None:
        try:
            stripe.verify(
                self._secret,
                request.body,
                request.headers.get("stripe-signature", ""),
                now_s=time.time(),
                tolerance_s=None,
            )
        except stripe.InvalidSignature as error:
            if not self._faults.acts(Fault.WRONG_SIGNATURE_ACCEPTED, request.path):
                raise Refusal(400, "invalid_signature", str(error)) from error


def _known_provider(request: Request) -> str:
    provider = request.params["provider"]
    if provider not in PROVIDERS:
        raise Refusal(404, "unknown_provider", f"there is no provider {provider!r}")
    return provider
