"""The ticket shop put together: its routes, its credentials, its switches."""

from __future__ import annotations

from collections.abc import Mapping

from examples.targets.blueprint import Blueprint, Parts
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database
from examples.targets.tickets.access import KeyRing
from examples.targets.tickets.checkout import Checkout
from examples.targets.tickets.reports import Reports
from examples.targets.tickets.scanning import Door
from examples.targets.tickets.schema import SCHEMA, seed
from examples.targets.tickets.tables import Tables
from examples.targets.tickets.webhook import Webhook
from examples.targets.web import Request, Response, Route, json_response


def build(database: Database, faults: Faults, environment: Mapping[str, str]) -> Parts:
    """Wire the shop over an open database."""
    keys = KeyRing(environment, faults)
    checkout = Checkout(database, keys, faults)
    webhook = Webhook(database, keys, faults, environment)
    door = Door(database, keys, faults)
    tables = Tables(database, keys)
    reports = Reports(database, keys)
    return Parts(
        routes=(
            Route("GET", "/healthz", _healthy),
            Route("POST", "/functions/v1/create-checkout-session", checkout.create_session),
            Route("POST", "/functions/v1/stripe-webhook", webhook.receive),
            Route("POST", "/rest/v1/rpc/scan_ticket", door.scan),
            Route("GET", "/rest/v1/rpc/sales_summary", reports.sales_summary),
            Route("GET", "/rest/v1/rpc/integrity_report", reports.integrity_report),
            Route("GET", "/rest/v1/{table}", tables.read),
        )
    )


async def _healthy(_: Request) -> Response:
    return json_response({"status": "ok"})


SHOP = Blueprint(
    name="tickets",
    summary="A nightclub's ticket shop: checkout, Stripe's webhook, scanners at the door, the organiser's dashboard.",
    port=54321,
    schema=SCHEMA,
    environment={
        "SUPABASE_ANON_KEY": "demo-anon-key",
        "SUPABASE_SERVICE_ROLE_KEY": "demo-service-role-key",
        "STRIPE_WEBHOOK_SECRET": "whsec_demo",
    },
    build=build,
    seed=seed,
    seed_unit="paid orders",
    faults=frozenset(
        {
            Fault.DUPLICATE_PROCESSED_TWICE,
            Fault.DUPLICATE_ANSWERED_WITH_ERROR,
            Fault.TICKET_ADMITTED_TWICE,
            Fault.EVENTS_LOST,
            Fault.WRONG_SIGNATURE_ACCEPTED,
            Fault.NO_KEY_ACCEPTED,
            Fault.WRONG_CHECKOUT_URL,
            Fault.SLOW_ANSWERS,
            Fault.SERVER_ERRORS,
        }
    ),
)
