"""What the organiser's dashboard shows, and the audit a reconciliation job would run every night.

The audit is how a load test checks the shop's promises: it compares the numbers before and after the run.
"""

from __future__ import annotations

from examples.targets.storage import Database, Row
from examples.targets.tickets.access import KeyRing
from examples.targets.web import Refusal, Request, Response, json_response

SALES = """
SELECT count(*) AS orders,
       coalesce(sum(CASE WHEN status = 'paid' THEN 1 ELSE 0 END), 0) AS paid_orders,
       coalesce(sum(CASE WHEN status = 'paid' THEN total_amount ELSE 0 END), 0) AS revenue
FROM orders WHERE event_id = ?
"""
ATTENDANCE = """
SELECT count(*) AS tickets, coalesce(sum(CASE WHEN admissions > 0 THEN 1 ELSE 0 END), 0) AS admitted
FROM tickets WHERE event_id = ?
"""
# One row each; every column is a count over the whole shop.
AUDIT = (
    """
    SELECT count(*) AS webhook_events, coalesce(sum(deliveries), 0) AS webhook_deliveries,
           coalesce(sum(CASE WHEN processed = 1 THEN 1 ELSE 0 END), 0) AS webhooks_processed_once,
           coalesce(sum(CASE WHEN processed > 1 THEN 1 ELSE 0 END), 0) AS webhooks_processed_twice
    FROM webhook_events
    """,
    """
    SELECT count(*) AS tickets,
           coalesce(sum(CASE WHEN admissions > 0 THEN 1 ELSE 0 END), 0) AS tickets_admitted,
           coalesce(sum(CASE WHEN admissions > 1 THEN 1 ELSE 0 END), 0) AS tickets_admitted_twice
    FROM tickets
    """,
    """
    SELECT count(*) AS orders_with_duplicate_tickets FROM (
        SELECT orders.id FROM orders JOIN tickets ON tickets.order_id = orders.id
        GROUP BY orders.id, orders.quantity HAVING count(*) > orders.quantity
    ) AS doubled
    """,
    "SELECT count(*) AS orders FROM orders",
    """
    SELECT count(*) AS scans,
           coalesce(sum(CASE WHEN outcome = 'admitted' THEN 1 ELSE 0 END), 0) AS scans_admitted,
           coalesce(sum(CASE WHEN outcome = 'already_used' THEN 1 ELSE 0 END), 0) AS scans_refused
    FROM scans
    """,
)


class Reports:
    """The database functions that only read."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        self._database = database
        self._keys = keys

    async def sales_summary(self, request: Request) -> Response:
        """Return orders, revenue (cents) and attendance of one event: ``?p_event_id=...``."""
        self._keys.require_service(request)
        event_id = request.query.get("p_event_id", "")
        async with self._database.read() as tx:
            event = await tx.row("SELECT id, name FROM events WHERE id = ?", event_id)
            if event is None:
                raise Refusal(404, "unknown_event", f"p_event_id: there is no event {event_id!r}")
            sales = await tx.row(SALES, event_id)
            attendance = await tx.row(ATTENDANCE, event_id)
        return json_response(
            {"event_id": event_id, "name": event["name"], **_counts(sales), **_counts(attendance)}
        )

    async def integrity_report(self, request: Request) -> Response:
        """Return the counts of the audit, over everything the shop holds."""
        self._keys.require_service(request)
        counts: dict[str, int] = {}
        async with self._database.read() as tx:
            for query in AUDIT:
                counts.update(_counts(await tx.row(query)))
        return json_response(counts)


def _counts(row: Row | None) -> dict[str, int]:
    # PostgreSQL's sum over BIGINT is NUMERIC, which arrives as Decimal.
    return {name: int(value) for name, value in dict(row or {}).items()}
