"""The payments platform put together: its routes, its jobs, its credentials, its switches."""

from __future__ import annotations

from collections.abc import Mapping

from examples.targets.blueprint import Blueprint, Parts
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.payments_platform.access import Access
from examples.targets.payments_platform.background import Background
from examples.targets.payments_platform.checkouts import Checkouts
from examples.targets.payments_platform.events import Events
from examples.targets.payments_platform.schema import SCHEMA, seed
from examples.targets.payments_platform.webhooks import Webhooks
from examples.targets.storage import Database
from examples.targets.web import Request, Response, Route, json_response


def build(database: Database, faults: Faults, environment: Mapping[str, str]) -> Parts:
    """Wire the platform over an open database."""
    access = Access(database, faults)
    background = Background(database, faults)
    fulfilment = Job("fulfilment", background.fulfil)
    metering = Job("metering", background.meter)
    processing = Job("webhooks", background.process_webhooks)
    checkouts = Checkouts(database, access, faults, fulfilment)
    events = Events(database, access, faults, metering)
    webhooks = Webhooks(database, access, faults, environment, processing)
    return Parts(
        routes=(
            Route("GET", "/healthz", _healthy),
            Route("POST", "/v1/checkouts", checkouts.create),
            Route("GET", "/v1/checkouts/stats", checkouts.stats),
            Route("GET", "/v1/checkouts/{id}", checkouts.show),
            Route("PATCH", "/v1/checkouts/{id}", checkouts.update),
            Route("POST", "/v1/checkouts/{id}/confirm", checkouts.confirm),
            Route("POST", "/v1/events/ingest", events.ingest),
            Route("GET", "/v1/events/stats", events.stats),
            Route("POST", "/v1/webhooks/stripe", webhooks.receive),
            Route("GET", "/v1/webhooks/stats", webhooks.stats),
        ),
        jobs=(fulfilment, metering, processing),
    )


async def _healthy(_: Request) -> Response:
    return json_response({"status": "ok"})


PLATFORM = Blueprint(
    name="payments_platform",
    summary="A payments platform: checkouts, event ingestion in batches, webhooks, background jobs.",
    port=8000,
    schema=SCHEMA,
    environment={
        "LOAD_TEST_API_TOKEN": "demo-api-token",
        "LOAD_TEST_PRODUCT_ID": "5c0ffee0-0000-4000-8000-00000000beef",
        "LOAD_TEST_EVENT_EXTERNAL_CUSTOMER_IDS": "customer-1,customer-2,customer-3",
        "STRIPE_WEBHOOK_SECRET": "whsec_demo",
    },
    build=build,
    seed=seed,
    seed_size=20,
    seed_unit="customers",
    faults=frozenset(
        {
            Fault.DUPLICATE_PROCESSED_TWICE,
            Fault.DUPLICATE_ANSWERED_WITH_ERROR,
            Fault.ORDER_FULFILLED_TWICE,
            Fault.EVENTS_LOST,
            Fault.WRONG_SIGNATURE_ACCEPTED,
            Fault.NO_KEY_ACCEPTED,
            Fault.WRONG_CHECKOUT_URL,
            Fault.STATUS_STALE,
            Fault.SLOW_ANSWERS,
            Fault.SERVER_ERRORS,
            Fault.JOBS_STALLED,
        }
    ),
)
