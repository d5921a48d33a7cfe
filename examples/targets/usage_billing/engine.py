"""The billing engine put together: its routes, its job, its credentials, its switches."""

from __future__ import annotations

from collections.abc import Mapping

from examples.targets.blueprint import Blueprint, Parts
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.storage import Database
from examples.targets.usage_billing.access import Access
from examples.targets.usage_billing.admin import Admin
from examples.targets.usage_billing.ingestion import Ingestion
from examples.targets.usage_billing.rating import rate_batch
from examples.targets.usage_billing.schema import SCHEMA, seed
from examples.targets.usage_billing.webhook import Webhook
from examples.targets.web import Request, Response, Route, json_response


def build(database: Database, faults: Faults, environment: Mapping[str, str]) -> Parts:
    """Wire the engine over an open database."""
    access = Access(database, faults)
    rating = Job("rating", lambda: rate_batch(database, faults))
    ingestion = Ingestion(database, access, faults, rating)
    webhook = Webhook(database, faults, environment)
    admin = Admin(database, access, faults)
    return Parts(
        routes=(
            Route("GET", "/healthz", _healthy),
            Route("POST", "/api/usage", ingestion.ingest),
            Route("GET", "/api/usage/summary", ingestion.summary),
            Route("GET", "/api/usage/events", ingestion.events),
            Route("GET", "/api/meters", ingestion.meters),
            Route("POST", "/webhooks/{provider}", webhook.receive),
            Route("GET", "/webhooks/{provider}/events/{event_id}", webhook.show),
            Route("GET", "/admin/overview", admin.overview),
            Route("GET", "/admin/usage", admin.usage),
            Route("GET", "/admin/invoices", admin.invoices),
            Route("GET", "/admin/customers", admin.customers),
            Route("POST", "/admin/customers", admin.create_customer),
        ),
        jobs=(rating,),
    )


async def _healthy(_: Request) -> Response:
    return json_response({"status": "ok"})


ENGINE = Blueprint(
    name="usage_billing",
    summary="A usage-based billing engine: ingestion, rating, provider webhooks, an admin console.",
    port=8080,
    schema=SCHEMA,
    environment={
        "API_KEY": "demo-api-key",
        "ADMIN_SESSION": "demo-admin-session",
        "CUSTOMER_ID": "1234567890123456",
        "METER_CODE": "api_calls",
        "WEBHOOK_SECRET": "whsec_demo",
    },
    build=build,
    seed=seed,
    seed_size=800,
    seed_unit="customers",
    faults=frozenset(
        {
            Fault.DUPLICATE_PROCESSED_TWICE,
            Fault.DUPLICATE_ANSWERED_WITH_ERROR,
            Fault.EVENTS_LOST,
            Fault.ROWS_SKIPPED,
            Fault.ROWS_REPEATED,
            Fault.WRONG_SIGNATURE_ACCEPTED,
            Fault.NO_KEY_ACCEPTED,
            Fault.ORG_HEADER_ACCEPTED,
            Fault.SLOW_ANSWERS,
            Fault.SERVER_ERRORS,
            Fault.JOBS_STALLED,
        }
    ),
)
