"""Checkouts: created, filled in, confirmed; a job turns a confirmed one into an order.

open ──PATCH──▶ open ──confirm──▶ confirmed ──job──▶ succeeded
PATCH or confirm of one that is not open: 409
"""

from __future__ import annotations

import secrets
import uuid
from typing import Annotated

import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.payments_platform.access import Access
from examples.targets.storage import Database, Row, Transaction
from examples.targets.web import Refusal, Request, Response, json_response

CHECKOUT_HOST = "checkout.payments.example"
Email = Annotated[str, pydantic.Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=254)]


class NewCheckout(pydantic.BaseModel):
    """The body of ``POST /v1/checkouts``."""

    product_id: uuid.UUID
    customer_email: Email | None = None


class Details(pydantic.BaseModel):
    """The body of ``PATCH /v1/checkouts/{id}``; what is left out stays."""

    customer_name: Annotated[str, pydantic.Field(min_length=1, max_length=200)] | None = None
    customer_email: Email | None = None
    customer_country: Annotated[str, pydantic.Field(pattern="^[A-Z]{2}$")] | None = None


class Checkouts:
    """``/v1/checkouts``."""

    def __init__(self, database: Database, access: Access, faults: Faults, fulfilment: Job) -> None:
        self._database = database
        self._access = access
        self._faults = faults
        self._fulfilment = fulfilment

    async def create(self, request: Request) -> Response:
        """Open a checkout for a product: 201."""
        org_id = await self._access.org(request)
        body = request.read(NewCheckout)
        checkout_id = str(uuid.uuid4())
        async with self._database.write() as tx:
            product = await tx.row(
                "SELECT amount FROM products WHERE id = ? AND org_id = ?",
                str(body.product_id),
                org_id,
            )
            if product is None:
                raise Refusal(422, "unknown_product", f"product_id: there is no {body.product_id}")
            await tx.execute(
                "INSERT INTO checkouts (id, org_id, product_id, status, client_secret, amount, customer_email,"
                " created_at) VALUES (?, ?, ?, 'open', ?, ?, ?, ?)",
                checkout_id,
                org_id,
                str(body.product_id),
                f"cs_{secrets.token_urlsafe(16)}",
                product["amount"],
                body.customer_email,
                now_iso(),
            )
            row = await _load(tx, org_id, checkout_id)
        return json_response(self._shown(row, request.path), status=201)

    async def show(self, request: Request) -> Response:
        """Return a checkout as it stands."""
        org_id = await self._access.org(request)
        async with self._database.read() as tx:
            row = await _load(tx, org_id, request.params["id"])
        shown = self._shown(row, request.path)
        if self._faults.acts(Fault.STATUS_STALE, request.path):
            shown.update(status="open", customer_name=None, customer_country=None)
        return json_response(shown)

    async def update(self, request: Request) -> Response:
        """Fill in the customer's details."""
        org_id = await self._access.org(request)
        details = request.read(Details)
        async with self._database.write() as tx:
            updated = await tx.row(
                "UPDATE checkouts SET customer_name = coalesce(?, customer_name),"
                " customer_email = coalesce(?, customer_email), customer_country = coalesce(?, customer_country)"
                " WHERE id = ? AND org_id = ? AND status = 'open' RETURNING id",
                details.customer_name,
                details.customer_email,
                details.customer_country,
                request.params["id"],
                org_id,
            )
            row = await _load(tx, org_id, request.params["id"])
            if updated is None:
                raise _not_open(row)
        return json_response(self._shown(row, request.path))

    async def confirm(self, request: Request) -> Response:
        """Close the sale: the answer says `confirmed`, the order is made by the job."""
        org_id = await self._access.org(request)
        async with self._database.write() as tx:
            updated = await tx.row(
                "UPDATE checkouts SET status = 'confirmed', fulfilled = 0"
                " WHERE id = ? AND org_id = ? AND status = 'open' RETURNING id",
                request.params["id"],
                org_id,
            )
            row = await _load(tx, org_id, request.params["id"])
            if updated is None:
                raise _not_open(row)
        self._fulfilment.wake()
        return json_response(self._shown(row, request.path))

    async def stats(self, request: Request) -> Response:
        """Return how many checkouts there are, and whether each confirmed one became one order."""
        org_id = await self._access.org(request)
        async with self._database.read() as tx:
            counts = await tx.rows(
                "SELECT status, count(*) AS n FROM checkouts WHERE org_id = ? GROUP BY status",
                org_id,
            )
            doubled = await tx.row(
                "SELECT count(*) AS n FROM (SELECT checkout_id FROM orders WHERE org_id = ?"
                " GROUP BY checkout_id HAVING count(*) > 1) AS doubled",
                org_id,
            )
        by_status = {row["status"]: row["n"] for row in counts}
        return json_response(
            {
                "created": sum(by_status.values()),
                "open": by_status.get("open", 0),
                "awaiting_fulfilment": by_status.get("confirmed", 0),
                "fulfilled": by_status.get("succeeded", 0),
                "fulfilled_twice": doubled["n"] if doubled else 0,
            }
        )

    def _shown(self, row: Row, path: str) -> dict[str, object]:
        shown = {name: row[name] for name in row.keys() if name not in ("org_id", "fulfilled")}  # noqa: SIM118
        host = CHECKOUT_HOST
        if self._faults.acts(Fault.WRONG_CHECKOUT_URL, path):
            host = "wrong.example.test"
        shown["url"] = f"https://{host}/{row['client_secret']}"
        return shown


async def _load(tx: Transaction, org_id: str, checkout_id: str) -> Row:
    row = await tx.row("SELECT * FROM checkouts WHERE id = ? AND org_id = ?", checkout_id, org_id)
    if row is None:
        raise Refusal(404, "unknown_checkout", f"there is no checkout {checkout_id}")
    return row


def _not_open(row: Row) -> Refusal:
    return Refusal(409, "checkout_not_open", f"checkout {row['id']} is {row['status']}, not open")
