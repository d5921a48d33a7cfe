"""The platform's tables, and what a fresh one holds.

What a job still has to do is a column and a partial index (`fulfilled`, `processed` = 0), so that a batch is found
without a search and nothing is lost when the process dies: the table is the queue.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping

from examples.targets.storage import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (hash TEXT PRIMARY KEY, org_id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS products (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, name TEXT NOT NULL, amount BIGINT NOT NULL, currency TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS customers (
    org_id TEXT NOT NULL, external_id TEXT NOT NULL, metered_events BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (org_id, external_id)
);
CREATE TABLE IF NOT EXISTS checkouts (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, product_id TEXT NOT NULL, status TEXT NOT NULL,
    client_secret TEXT NOT NULL, amount BIGINT NOT NULL, customer_email TEXT, customer_name TEXT,
    customer_country TEXT, created_at TEXT NOT NULL, fulfilled BIGINT NOT NULL DEFAULT 1
);
CREATE INDEX IF NOT EXISTS checkouts_to_fulfil ON checkouts (id) WHERE fulfilled = 0;
CREATE INDEX IF NOT EXISTS checkouts_by_status ON checkouts (org_id, status);
CREATE TABLE IF NOT EXISTS orders (
    id {serial}, org_id TEXT NOT NULL, checkout_id TEXT NOT NULL, amount BIGINT NOT NULL, created_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS orders_by_checkout ON orders (org_id, checkout_id);
CREATE TABLE IF NOT EXISTS events (
    sequence {serial}, org_id TEXT NOT NULL, external_customer_id TEXT NOT NULL, name TEXT NOT NULL,
    external_id TEXT, dedup_key TEXT NOT NULL, metadata TEXT NOT NULL, created_at TEXT NOT NULL,
    processed BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS events_once ON events (org_id, dedup_key);
CREATE INDEX IF NOT EXISTS events_to_process ON events (sequence) WHERE processed = 0;
CREATE INDEX IF NOT EXISTS events_by_org ON events (org_id, processed, external_id);
CREATE TABLE IF NOT EXISTS webhook_events (
    id TEXT PRIMARY KEY, org_id TEXT NOT NULL, type TEXT NOT NULL, deliveries BIGINT NOT NULL,
    pending BIGINT NOT NULL, processed BIGINT NOT NULL, received_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS webhook_events_to_process ON webhook_events (id) WHERE pending > 0
"""

ORG_ID = "5c0ffee0-0000-4000-8000-000000000001"
AMOUNT = 4900  # cents


def hashed(token: str) -> str:
    """Return how tokens are stored."""
    return hashlib.sha256(token.encode()).hexdigest()


async def seed(database: Database, environment: Mapping[str, str], size: int) -> list[str]:
    """Write a token, a product and customers: those of the environment, filled up to `size`; what exists is kept."""
    listed = environment["LOAD_TEST_EVENT_EXTERNAL_CUSTOMER_IDS"].split(",")
    customers = [name.strip() for name in listed if name.strip()]
    customers += [f"customer-{number}" for number in range(len(customers) + 1, size + 1)]
    product_id = str(uuid.UUID(environment["LOAD_TEST_PRODUCT_ID"]))
    async with database.write() as tx:
        await tx.execute(
            "INSERT INTO tokens (hash, org_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            hashed(environment["LOAD_TEST_API_TOKEN"]),
            ORG_ID,
        )
        await tx.execute(
            "INSERT INTO products (id, org_id, name, amount, currency) VALUES (?, ?, 'Pro', ?, 'usd')"
            " ON CONFLICT DO NOTHING",
            product_id,
            ORG_ID,
            AMOUNT,
        )
        await tx.insert_many(
            "INSERT INTO customers (org_id, external_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            [(ORG_ID, customer) for customer in customers],
        )
    return [f"seeded product {product_id} and {len(customers)} customers ({customers[0]} ...)"]
