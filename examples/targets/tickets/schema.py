"""The shop's tables, and what a fresh one holds.

`webhook_events` remembers every event by Stripe's id: `deliveries` counts how often it came, `processed` how often it
had an effect, which must be once. `tickets.admissions` counts how often a ticket let somebody in, at most once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from examples.targets.clock import now_iso
from examples.targets.storage import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, venue TEXT NOT NULL, starts_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS ticket_types (
    event_id TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, price BIGINT NOT NULL, fee BIGINT NOT NULL,
    PRIMARY KEY (event_id, id)
);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, event_id TEXT NOT NULL, customer_email TEXT NOT NULL, customer_name TEXT NOT NULL,
    quantity BIGINT NOT NULL, total_amount BIGINT NOT NULL, status TEXT NOT NULL,
    checkout_session_id TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_event ON orders (event_id, status, total_amount);
CREATE INDEX IF NOT EXISTS orders_by_age ON orders (event_id, created_at);
CREATE TABLE IF NOT EXISTS tickets (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL, event_id TEXT NOT NULL, ticket_type_id TEXT NOT NULL,
    customer_email TEXT NOT NULL, status TEXT NOT NULL, admissions BIGINT NOT NULL DEFAULT 0,
    webhook_event_id TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS tickets_by_order ON tickets (order_id);
CREATE INDEX IF NOT EXISTS tickets_by_event ON tickets (event_id, admissions);
CREATE TABLE IF NOT EXISTS scans (
    id {serial}, ticket_id TEXT NOT NULL, scanned_by TEXT NOT NULL, device_id TEXT NOT NULL, method TEXT NOT NULL,
    outcome TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS webhook_events (
    id TEXT PRIMARY KEY, type TEXT NOT NULL, deliveries BIGINT NOT NULL, processed BIGINT NOT NULL,
    received_at TEXT NOT NULL
)
"""

TEST_EVENT_ID = "test-event-id"
TICKET_TYPE = "general-admission"
PRICE = 2500  # cents
FEE = 500
EVENTS = (
    (TEST_EVENT_ID, "Load Test Night", "Main Floor", "2027-01-16T22:00:00.000+00:00"),
    ("winter-opening", "Winter Opening", "Main Floor", "2027-01-23T22:00:00.000+00:00"),
    ("label-night", "Label Night", "Basement", "2027-01-30T23:00:00.000+00:00"),
)


async def seed(database: Database, environment: Mapping[str, str], size: int) -> list[str]:
    """Write events, their ticket types and `size` paid orders of one ticket each; what exists is kept."""
    now = now_iso()
    orders, tickets = [], []
    for number in range(size):
        order_id, event_id = f"order_seed_{number}", EVENTS[number % len(EVENTS)][0]
        email = f"guest_{number}@example.test"
        orders.append((order_id, event_id, email, f"Guest {number}", f"cs_test_seed_{number}", now))
        ticket_id = str(uuid.uuid5(uuid.NAMESPACE_URL, order_id))
        tickets.append((ticket_id, order_id, event_id, TICKET_TYPE, email, now))
    async with database.write() as tx:
        await tx.insert_many(
            "INSERT INTO events (id, name, venue, starts_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            EVENTS,
        )
        await tx.insert_many(
            "INSERT INTO ticket_types (event_id, id, name, price, fee) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            [(event[0], TICKET_TYPE, "General Admission", PRICE, FEE) for event in EVENTS],
        )
        await tx.insert_many(
            "INSERT INTO orders (id, event_id, customer_email, customer_name, quantity, total_amount, status,"
            f" checkout_session_id, created_at) VALUES (?, ?, ?, ?, 1, {PRICE + FEE}, 'paid', ?, ?)"
            " ON CONFLICT DO NOTHING",
            orders,
        )
        await tx.insert_many(
            "INSERT INTO tickets (id, order_id, event_id, ticket_type_id, customer_email, status,"
            " webhook_event_id, created_at) VALUES (?, ?, ?, ?, ?, 'valid', '', ?) ON CONFLICT DO NOTHING",
            tickets,
        )
    return [f"seeded {len(EVENTS)} events ({TEST_EVENT_ID} ...) and {size} paid orders"]
