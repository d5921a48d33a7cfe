"""The console's back end: an overview, usage by customer, invoices, and the customers page by page, newest first."""

from __future__ import annotations

import secrets
from typing import Annotated

import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database
from examples.targets.usage_billing import paging
from examples.targets.usage_billing.access import Access
from examples.targets.web import Request, Response, json_response

OVERVIEW = """
SELECT (SELECT customer_count FROM orgs WHERE id = ?) AS customers,
       (SELECT count(*) FROM subscriptions WHERE org_id = ? AND status = 'active') AS active_subscriptions,
       (SELECT coalesce(sum(amount), 0) FROM invoices WHERE org_id = ? AND status = 'paid') AS paid_amount,
       (SELECT count(*) FROM invoices WHERE org_id = ? AND status = 'open') AS open_invoices,
       (SELECT coalesce(sum(events), 0) FROM usage_totals WHERE org_id = ?) AS rated_events
"""
TOP_USAGE = """
SELECT customer_id, meter_code, events, value FROM usage_totals WHERE org_id = ?
ORDER BY value DESC, customer_id LIMIT 20
"""


class NewCustomer(pydantic.BaseModel):
    """The body of ``POST /admin/customers``."""

    name: Annotated[str, pydantic.Field(min_length=1, max_length=200)]


class Admin:
    """``/admin``."""

    def __init__(self, database: Database, access: Access, faults: Faults) -> None:
        self._database = database
        self._access = access
        self._faults = faults

    async def overview(self, request: Request) -> Response:
        """Return the headline numbers of the organisation; amounts are cents."""
        org_id = await self._access.admin_org(request)
        async with self._database.read() as tx:
            row = await tx.row(OVERVIEW, *[org_id] * 5)
        return json_response({name: int(value) for name, value in dict(row or {}).items()})

    async def usage(self, request: Request) -> Response:
        """Return the customers with the highest usage."""
        org_id = await self._access.admin_org(request)
        async with self._database.read() as tx:
            rows = await tx.rows(TOP_USAGE, org_id)
        return json_response({"usage": [dict(row) for row in rows]})

    async def invoices(self, request: Request) -> Response:
        """Return the open invoices with the highest amounts."""
        org_id = await self._access.admin_org(request)
        async with self._database.read() as tx:
            rows = await tx.rows(
                "SELECT id, customer_id, amount, status, issued_at FROM invoices"
                " WHERE org_id = ? AND status = 'open' ORDER BY amount DESC, id LIMIT ?",
                org_id,
                paging.page_size(request.query),
            )
        return json_response({"invoices": [dict(row) for row in rows]})

    async def customers(self, request: Request) -> Response:
        """Return one page of customers, newest first, and the cursor of the next (null after the last)."""
        org_id = await self._access.admin_org(request)
        size = paging.page_size(request.query)
        below = paging.decode(request.query.get("cursor"))
        if "cursor" in request.query:
            if self._faults.acts(Fault.ROWS_SKIPPED, request.path):
                below -= 1
            if self._faults.acts(Fault.ROWS_REPEATED, request.path):
                below += 1
        async with self._database.read() as tx:
            rows = await tx.rows(
                "SELECT id, number, name, created_at FROM customers WHERE org_id = ? AND number < ?"
                " ORDER BY number DESC LIMIT ?",
                org_id,
                below,
                size + 1,
            )
        page = [dict(row) for row in rows[:size]]
        more = len(rows) > size
        return json_response(
            {"customers": page, "next_cursor": paging.encode(page[-1]["number"]) if more else None}
        )

    async def create_customer(self, request: Request) -> Response:
        """Add a customer under the organisation's next number: 201."""
        org_id = await self._access.admin_org(request)
        name = request.read(NewCustomer).name
        customer_id = str(3 * 10**15 + secrets.randbelow(10**15))
        async with self._database.write() as tx:
            # The organisation's row is locked until the commit: numbers appear in order and without gaps.
            counted = await tx.row(
                "UPDATE orgs SET customer_count = customer_count + 1 WHERE id = ? RETURNING customer_count",
                org_id,
            )
            assert counted is not None, "an organisation with members exists"
            number = counted["customer_count"]
            await tx.execute(
                "INSERT INTO customers (id, org_id, number, name, created_at) VALUES (?, ?, ?, ?, ?)",
                customer_id,
                org_id,
                number,
                name,
                now_iso(),
            )
        return json_response({"id": customer_id, "number": number, "name": name}, status=201)
