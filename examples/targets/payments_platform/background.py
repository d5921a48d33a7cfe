"""The platform's jobs: each takes a batch of what waits and finishes it in one transaction."""

from __future__ import annotations

from collections import Counter

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database

BATCH = 200  # rows; small enough (a few ms) that requests do not notice

TAKE_CHECKOUTS = f"""
UPDATE checkouts SET status = 'succeeded', fulfilled = 1
WHERE fulfilled = 0 AND id IN (SELECT id FROM checkouts WHERE fulfilled = 0 LIMIT {BATCH})
RETURNING id, org_id, amount
"""
TAKE_EVENTS = f"""
UPDATE events SET processed = 1
WHERE processed = 0 AND sequence IN (SELECT sequence FROM events WHERE processed = 0 ORDER BY sequence LIMIT {BATCH})
RETURNING org_id, external_customer_id
"""
TAKE_WEBHOOKS = f"""
UPDATE webhook_events SET processed = processed + pending, pending = 0
WHERE pending > 0 AND id IN (SELECT id FROM webhook_events WHERE pending > 0 LIMIT {BATCH})
RETURNING id
"""


class Background:
    """One step per job; each returns how many rows it finished."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults

    async def fulfil(self) -> int:
        """Make an order of every confirmed checkout."""
        if self._faults.acts(Fault.JOBS_STALLED):
            return 0
        now = now_iso()
        async with self._database.write() as tx:
            taken = await tx.rows(TAKE_CHECKOUTS)
            orders = [(row["org_id"], row["id"], row["amount"], now) for row in taken]
            again = [order for order in orders if self._faults.acts(Fault.ORDER_FULFILLED_TWICE)]
            await tx.insert_many(
                "INSERT INTO orders (org_id, checkout_id, amount, created_at) VALUES (?, ?, ?, ?)",
                orders + again,
            )
        return len(taken)

    async def meter(self) -> int:
        """Add stored events to their customers' meters."""
        if self._faults.acts(Fault.JOBS_STALLED):
            return 0
        async with self._database.write() as tx:
            taken = await tx.rows(TAKE_EVENTS)
            counts = Counter((row["org_id"], row["external_customer_id"]) for row in taken)
            await tx.insert_many(
                "UPDATE customers SET metered_events = metered_events + ?"
                " WHERE org_id = ? AND external_id = ?",
                [(count, *key) for key, count in sorted(counts.items())],
            )
        return len(taken)

    async def process_webhooks(self) -> int:
        """Give stored webhooks their effect."""
        if self._faults.acts(Fault.JOBS_STALLED):
            return 0
        async with self._database.write() as tx:
            return len(await tx.rows(TAKE_WEBHOOKS))
