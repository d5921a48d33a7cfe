"""The engine's tables, and what a fresh one holds.

Ids are 16-digit texts, as the engine's own are 64-bit numbers that JavaScript would round.
`usage_events.dedup_key` is the idempotency key under a unique index: one key, one row. `customers.number` counts per
organisation without gaps, so that a list by number shows at a glance whether a row is missing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from examples.targets.clock import now_iso
from examples.targets.storage import Database, Transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS orgs (id TEXT PRIMARY KEY, name TEXT NOT NULL, customer_count BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS api_keys (hash TEXT PRIMARY KEY, org_id TEXT NOT NULL, revoked BIGINT NOT NULL);
CREATE TABLE IF NOT EXISTS memberships (
    user_id TEXT NOT NULL, org_id TEXT NOT NULL, PRIMARY KEY (user_id, org_id)
);
CREATE TABLE IF NOT EXISTS sessions (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL, active_org_id TEXT);
CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS customers_by_number ON customers (org_id, number);
CREATE TABLE IF NOT EXISTS meters (
    org_id TEXT NOT NULL, code TEXT NOT NULL, name TEXT NOT NULL, aggregation TEXT NOT NULL,
    PRIMARY KEY (org_id, code)
);
CREATE TABLE IF NOT EXISTS subscriptions (
    customer_id TEXT PRIMARY KEY, org_id TEXT NOT NULL, plan TEXT NOT NULL, status TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS invoices (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, customer_id TEXT NOT NULL, amount BIGINT NOT NULL,
    status TEXT NOT NULL, issued_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS invoices_by_org ON invoices (org_id, status, amount);
CREATE TABLE IF NOT EXISTS usage_events (
    sequence {serial}, id TEXT NOT NULL, org_id TEXT NOT NULL, customer_id TEXT NOT NULL, meter_code TEXT NOT NULL,
    value BIGINT NOT NULL, idempotency_key TEXT NOT NULL, dedup_key TEXT NOT NULL, recorded_at TEXT NOT NULL,
    rated BIGINT NOT NULL DEFAULT 0, created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS usage_events_once ON usage_events (org_id, dedup_key);
CREATE INDEX IF NOT EXISTS usage_events_by_key ON usage_events (org_id, idempotency_key);
CREATE INDEX IF NOT EXISTS usage_events_by_customer ON usage_events (org_id, customer_id, meter_code, rated, value);
CREATE INDEX IF NOT EXISTS usage_events_unrated ON usage_events (sequence) WHERE rated = 0;
CREATE TABLE IF NOT EXISTS usage_totals (
    org_id TEXT NOT NULL, customer_id TEXT NOT NULL, meter_code TEXT NOT NULL, events BIGINT NOT NULL,
    value BIGINT NOT NULL, PRIMARY KEY (org_id, customer_id, meter_code)
);
CREATE TABLE IF NOT EXISTS payment_events (
    provider TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL, deliveries BIGINT NOT NULL,
    processed BIGINT NOT NULL, received_at TEXT NOT NULL, PRIMARY KEY (provider, event_id)
);
CREATE TABLE IF NOT EXISTS payments (
    id {serial}, provider TEXT NOT NULL, event_id TEXT NOT NULL, amount BIGINT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS payments_by_event ON payments (provider, event_id)
"""

ORG_ID = "1000000000000001"
USER_ID = "1100000000000001"
FOREIGN_ORG_ID = "1000000000000002"  # exists, but the admin is no member of it
SESSION_WITHOUT_ORG = "demo-session-without-org"


def hashed(secret: str) -> str:
    """Return how keys and sessions are stored: a leaked table opens nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


async def seed(database: Database, environment: Mapping[str, str], size: int) -> list[str]:
    """Write two organisations, a key, an admin, a meter and `size` customers; what exists is kept."""
    customer_id, meter = environment["CUSTOMER_ID"], environment["METER_CODE"]
    await _seed_access(database, environment)
    ids = [customer_id, *(str(2_000_000_000_000_000 + number) for number in range(2, size + 1))]
    async with database.write() as tx:
        await tx.insert_many(
            "INSERT INTO meters (org_id, code, name, aggregation) VALUES (?, ?, ?, 'sum') ON CONFLICT DO NOTHING",
            [(ORG_ID, meter, meter.replace("_", " ").capitalize())],
        )
        counted = await tx.row("SELECT customer_count FROM orgs WHERE id = ?", ORG_ID)
        if counted is not None and counted["customer_count"] == 0:
            await _seed_customers(tx, ids, now_iso())
    return [f"seeded org {ORG_ID}, meter {meter}, customer {customer_id} and {size - 1} more"]


async def _seed_access(database: Database, environment: Mapping[str, str]) -> None:
    async with database.write() as tx:
        await tx.insert_many(
            "INSERT INTO orgs (id, name, customer_count) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
            [(ORG_ID, "Demo"), (FOREIGN_ORG_ID, "Somebody else")],
        )
        await tx.execute(
            "INSERT INTO memberships (user_id, org_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            USER_ID,
            ORG_ID,
        )
        await tx.execute(
            "INSERT INTO api_keys (hash, org_id, revoked) VALUES (?, ?, 0) ON CONFLICT DO NOTHING",
            hashed(environment["API_KEY"]),
            ORG_ID,
        )
        await tx.insert_many(
            "INSERT INTO sessions (hash, user_id, active_org_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [
                (hashed(environment["ADMIN_SESSION"]), USER_ID, ORG_ID),
                (hashed(SESSION_WITHOUT_ORG), USER_ID, None),
            ],
        )


async def _seed_customers(tx: Transaction, ids: list[str], now: str) -> None:
    await tx.insert_many(
        "INSERT INTO customers (id, org_id, number, name, created_at) VALUES (?, ?, ?, ?, ?)",
        [(key, ORG_ID, number, f"Customer {number}", now) for number, key in enumerate(ids, 1)],
    )
    await tx.insert_many(
        "INSERT INTO subscriptions (customer_id, org_id, plan, status) VALUES (?, ?, 'pay-as-you-go', 'active')",
        [(key, ORG_ID) for key in ids],
    )
    await tx.insert_many(
        "INSERT INTO invoices (id, org_id, customer_id, amount, status, issued_at) VALUES (?, ?, ?, ?, ?, ?)",
        [
            (f"inv_{key}", ORG_ID, key, 900 + number, "paid" if number % 4 else "open", now)
            for number, key in enumerate(ids, 1)
        ],
    )
    await tx.execute("UPDATE orgs SET customer_count = ? WHERE id = ?", len(ids), ORG_ID)
