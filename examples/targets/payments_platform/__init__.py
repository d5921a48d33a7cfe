"""A payments platform: checkouts step by step, event ingestion in batches, webhooks; the slow work done by jobs.

checkouts  POST /v1/checkouts, GET and PATCH /v1/checkouts/{id}, POST /v1/checkouts/{id}/confirm
events     POST /v1/events/ingest, GET /v1/events/stats
webhooks   POST /v1/webhooks/stripe, GET /v1/webhooks/stats
jobs       confirmed checkouts become orders, ingested events are metered, webhooks are processed
"""

from examples.targets.payments_platform.platform import PLATFORM

__all__ = ["PLATFORM"]
