"""Stripe says that an order was paid: tickets are issued, once per event however often it is delivered.

Stripe-Signature present    it must verify                  else 400
absent                      the service key is needed       else 401 / 403
first delivery              {"received": true}, tickets issued in the same transaction
any later delivery          {"received": true, "duplicate": true}, nothing else happens
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Annotated

import pydantic

from examples.targets import stripe
from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database, Transaction
from examples.targets.tickets.access import KeyRing
from examples.targets.tickets.schema import TICKET_TYPE
from examples.targets.web import Refusal, Request, Response, json_response

PAID = "checkout.session.completed"
Quantity = Annotated[int, pydantic.Field(ge=1, le=1000)]


class SoldItem(pydantic.BaseModel):
    """One line of the JSON text in ``metadata.tickets``."""

    ticketTypeId: str
    quantity: Quantity = 1


class CustomerDetails(pydantic.BaseModel):
    """Who paid, as Stripe's newer API versions say it."""

    email: str = ""
    name: str = ""


class Session(pydantic.BaseModel):
    """The checkout session an event is about."""

    id: str
    payment_intent: str
    payment_status: str
    amount_total: int
    currency: str = "usd"
    customer_email: str | None = None
    customer_details: CustomerDetails = CustomerDetails()
    metadata: dict[str, str] = {}

    @property
    def order_id(self) -> str:
        """The order it pays for; sessions made elsewhere carry none and get one by their payment."""
        return self.metadata.get("orderId") or f"order_{self.payment_intent}"

    def items(self) -> list[SoldItem]:
        """Return what was sold; one general admission where the session does not say."""
        text = self.metadata.get("tickets")
        if text is None:
            return [SoldItem(ticketTypeId=TICKET_TYPE)]
        try:
            return pydantic.TypeAdapter(list[SoldItem]).validate_python(json.loads(text))
        except ValueError as error:
            raise Refusal(
                400, "invalid_metadata", "metadata.tickets: not a JSON list of tickets"
            ) from error


class EventData(pydantic.BaseModel):
    """The envelope around the session."""

    object: Session


class Event(pydantic.BaseModel):
    """A webhook event; only `checkout.session.completed` has an effect."""

    id: Annotated[str, pydantic.Field(min_length=1, max_length=255)]
    type: str
    data: EventData


class Webhook:
    """The edge function ``stripe-webhook``."""

    def __init__(
        self, database: Database, keys: KeyRing, faults: Faults, environment: Mapping[str, str]
    ) -> None:
        self._database = database
        self._keys = keys
        self._faults = faults
        self._secret = environment["STRIPE_WEBHOOK_SECRET"]

    async def receive(self, request: Request) -> Response:
        """Take one delivery: always 200 once it is authentic, also for what was seen before."""
        self._authenticate(request)
        event = request.read(Event)
        if event.type != PAID:
            return json_response({"received": True, "ignored": event.type})
        items = event.data.object.items()
        async with self._database.write() as tx:
            delivery = await tx.row(
                "INSERT INTO webhook_events (id, type, deliveries, processed, received_at)"
                " VALUES (?, ?, 1, 0, ?)"
                " ON CONFLICT (id) DO UPDATE SET deliveries = webhook_events.deliveries + 1"
                " RETURNING deliveries",
                event.id,
                event.type,
                now_iso(),
            )
            assert delivery is not None, "an upsert returns its row"
            first = delivery["deliveries"] == 1
            if first and self._faults.acts(Fault.EVENTS_LOST, request.path):
                await tx.execute("DELETE FROM webhook_events WHERE id = ?", event.id)
            elif first or self._faults.acts(Fault.DUPLICATE_PROCESSED_TWICE, request.path):
                await _issue_tickets(tx, event, items)
        if first:
            return json_response({"received": True})
        if self._faults.acts(Fault.DUPLICATE_ANSWERED_WITH_ERROR, request.path):
            raise Refusal(409, "duplicate_event", f"{event.id} was received before")
        return json_response({"received": True, "duplicate": True})

    def _authenticate(self, request: Request) -> None:
        signature = request.headers.get("stripe-signature")
        if signature is None:
            self._keys.require_service(request)
            return
        try:
            stripe.verify(
                self._secret,
                request.body,
                signature,
                now_s=time.time(),
                tolerance_s=stripe.TOLERANCE_S,
            )
        except stripe.InvalidSignature as error:
            if not self._faults.acts(Fault.WRONG_SIGNATURE_ACCEPTED, request.path):
                raise Refusal(400, "invalid_signature", str(error)) from error


async def _issue_tickets(tx: Transaction, event: Event, items: list[SoldItem]) -> None:
    """Mark the order as paid (it is made here if it began elsewhere) and write its tickets."""
    session, now = event.data.object, now_iso()
    email = session.customer_email or session.customer_details.email
    event_id = session.metadata.get("eventId", "")
    await tx.execute(
        "INSERT INTO orders (id, event_id, customer_email, customer_name, quantity, total_amount, status,"
        " checkout_session_id, created_at) VALUES (?, ?, ?, ?, ?, ?, 'paid', ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET status = 'paid'",
        session.order_id,
        event_id,
        email,
        session.metadata.get("customerName", session.customer_details.name),
        sum(item.quantity for item in items),
        session.amount_total,
        session.id,
        now,
    )
    await tx.insert_many(
        "INSERT INTO tickets (id, order_id, event_id, ticket_type_id, customer_email, status,"
        " webhook_event_id, created_at) VALUES (?, ?, ?, ?, ?, 'valid', ?, ?)",
        [
            (str(uuid.uuid4()), session.order_id, event_id, item.ticketTypeId, email, event.id, now)
            for item in items
            for _ in range(item.quantity)
        ],
    )
    await tx.execute("UPDATE webhook_events SET processed = processed + 1 WHERE id = ?", event.id)
