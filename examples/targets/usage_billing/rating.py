"""The background job that turns stored events into what is billed: totals by customer and meter.

An event is marked and added to its total in one transaction, so it counts once even if the process dies in between.
"""

from __future__ import annotations

from collections import Counter

from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database

BATCH = 200  # events; small enough (a few ms) that requests do not notice

TAKE = f"""
UPDATE usage_events SET rated = 1
WHERE rated = 0 AND sequence IN (SELECT sequence FROM usage_events WHERE rated = 0 ORDER BY sequence LIMIT {BATCH})
RETURNING org_id, customer_id, meter_code, value
"""
ADD = """
INSERT INTO usage_totals (org_id, customer_id, meter_code, events, value) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (org_id, customer_id, meter_code) DO UPDATE
SET events = usage_totals.events + excluded.events, value = usage_totals.value + excluded.value
"""


async def rate_batch(database: Database, faults: Faults) -> int:
    """Rate up to `BATCH` events; returns how many."""
    if faults.acts(Fault.JOBS_STALLED):
        return 0
    events: Counter[tuple[str, str, str]] = Counter()
    values: Counter[tuple[str, str, str]] = Counter()
    async with database.write() as tx:
        taken = await tx.rows(TAKE)
        for row in taken:
            key = (row["org_id"], row["customer_id"], row["meter_code"])
            events[key] += 1
            values[key] += row["value"]
        await tx.insert_many(ADD, [(*key, events[key], values[key]) for key in sorted(events)])
    return len(taken)
