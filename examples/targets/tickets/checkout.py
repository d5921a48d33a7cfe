"""Buying: prices an order and opens a Stripe checkout session for it; the order is paid later, by the webhook."""

from __future__ import annotations

import uuid
from typing import Annotated

import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database
from examples.targets.tickets.access import KeyRing
from examples.targets.web import Refusal, Request, Response, json_response


class Item(pydantic.BaseModel):
    """So many tickets of one type; older clients say `price` for `unitPrice` and send no fee."""

    ticketTypeId: str
    quantity: Annotated[int, pydantic.Field(ge=1, le=1000)]
    unitPrice: int = pydantic.Field(validation_alias=pydantic.AliasChoices("unitPrice", "price"))
    unitFee: Annotated[int, pydantic.Field(ge=0)] = 0


class Purchase(pydantic.BaseModel):
    """The body of a purchase; older clients say `total` for `totalAmount`. Amounts are cents."""

    eventId: str
    tickets: Annotated[list[Item], pydantic.Field(min_length=1, max_length=20)]
    customerEmail: Annotated[str, pydantic.Field(pattern=r"^[^@\s]+@[^@\s]+$")]
    customerName: Annotated[str, pydantic.Field(min_length=1)]
    totalAmount: int = pydantic.Field(
        validation_alias=pydantic.AliasChoices("totalAmount", "total")
    )

    def check_total(self) -> None:
        """Refuse a total that is not the sum of its tickets."""
        due = sum(item.quantity * (item.unitPrice + item.unitFee) for item in self.tickets)
        if due != self.totalAmount:
            raise Refusal(
                400, "wrong_total", f"total is {self.totalAmount}, the tickets cost {due}"
            )


class Checkout:
    """The edge function ``create-checkout-session``."""

    def __init__(self, database: Database, keys: KeyRing, faults: Faults) -> None:
        self._database = database
        self._keys = keys
        self._faults = faults

    async def create_session(self, request: Request) -> Response:
        """Take an order: 200 with the URL to pay at."""
        self._keys.role(request)
        purchase = request.read(Purchase)
        purchase.check_total()
        order_id, session_id = str(uuid.uuid4()), f"cs_test_{uuid.uuid4().hex}"
        async with self._database.write() as tx:
            offers = {
                row["id"]: row["price"]
                for row in await tx.rows(
                    "SELECT id, price FROM ticket_types WHERE event_id = ?", purchase.eventId
                )
            }
            _check_offers(purchase, offers)
            await tx.execute(
                "INSERT INTO orders (id, event_id, customer_email, customer_name, quantity, total_amount,"
                " status, checkout_session_id, created_at) VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?)",
                order_id,
                purchase.eventId,
                purchase.customerEmail,
                purchase.customerName,
                sum(item.quantity for item in purchase.tickets),
                purchase.totalAmount,
                session_id,
                now_iso(),
            )
        host = "checkout.stripe.com"
        if self._faults.acts(Fault.WRONG_CHECKOUT_URL, request.path):
            host = "checkout.example.test"
        url = f"https://{host}/c/pay/{session_id}"
        return json_response({"id": session_id, "url": url, "orderId": order_id})


def _check_offers(purchase: Purchase, offers: dict[str, int]) -> None:
    if not offers:
        raise Refusal(404, "unknown_event", f"there is no event {purchase.eventId!r}")
    for item in purchase.tickets:
        price = offers.get(item.ticketTypeId)
        if price is None:
            raise Refusal(400, "unknown_ticket_type", f"the event sells no {item.ticketTypeId!r}")
        if price != item.unitPrice:
            raise Refusal(
                400, "wrong_price", f"{item.ticketTypeId} costs {price}, not {item.unitPrice}"
            )
