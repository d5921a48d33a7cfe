"""A usage-based billing engine: ingestion on a hot path, rating behind it, provider webhooks, an admin console.

ingestion  POST /api/usage                     by API key; the organisation comes from the key
           GET  /api/usage/summary, /api/usage/events, /api/meters
rating     a background job: stored events become totals
webhook    POST /webhooks/{provider}           by signature
admin      /admin/...                          by session cookie; pages by cursor
"""

from examples.targets.usage_billing.engine import ENGINE

__all__ = ["ENGINE"]
