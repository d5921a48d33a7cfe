"""The ticket shop over real HTTP: each rule holds, and each switch breaks exactly its rule."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from examples.targets import stripe
from examples.targets.blueprint import Blueprint
from examples.targets.faults import Setting
from examples.targets.serving import RunningTarget
from examples.targets.tickets import SHOP

ANON = {"Authorization": "Bearer demo-anon-key", "apikey": "demo-anon-key"}
SERVICE = {"Authorization": "Bearer demo-service-role-key"}
CHECKOUT = "/functions/v1/create-checkout-session"
WEBHOOK = "/functions/v1/stripe-webhook"
SCAN = "/rest/v1/rpc/scan_ticket"
AUDIT = "/rest/v1/rpc/integrity_report"
ids = itertools.count(1)


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return SHOP


def purchase(**changes: Any) -> dict[str, Any]:
    item = {"ticketTypeId": "general-admission", "quantity": 1, "unitPrice": 2500, "unitFee": 500}
    return {
        "eventId": "test-event-id",
        "tickets": [item],
        "customerEmail": "loadtest_1@example.test",
        "customerName": "Load Test 1",
        "totalAmount": 3000,
        **changes,
    }


def paid(event_id: str | None = None, **metadata: str) -> dict[str, Any]:
    uid = next(ids)
    session = {
        "id": f"cs_test_{uid}",
        "payment_intent": f"pi_test_{uid}",
        "payment_status": "paid",
        "amount_total": 3000,
        "currency": "usd",
        "customer_email": "loadtest_1@example.test",
        "metadata": {"orderId": f"order_{uid}", "eventId": "test-event-id", **metadata},
    }
    return {
        "id": event_id or f"evt_loadtest_{uid}",
        "type": "checkout.session.completed",
        "created": 1,
        "data": {"object": session},
    }


def scan(ticket_id: str) -> dict[str, str]:
    return {
        "p_ticket_id": ticket_id,
        "p_scanned_by": "0-1",
        "p_device_id": "d1",
        "p_scan_method": "qr",
    }


def audit(client: httpx.Client) -> Mapping[str, int]:
    report: Mapping[str, int] = client.get(AUDIT, headers=SERVICE).json()
    return report


def growth(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


def bought_ticket(client: httpx.Client) -> str:
    event = paid()
    client.post(WEBHOOK, json=event, headers=SERVICE)
    order_id = event["data"]["object"]["metadata"]["orderId"]
    rows = client.get(
        "/rest/v1/tickets", params={"order_id": f"eq.{order_id}"}, headers=SERVICE
    ).json()
    ticket_id: str = rows[0]["id"]
    return ticket_id


# ----------------------------------------------------------------------------------------------- buying


def test_a_purchase_returns_the_url_to_pay_at(target: RunningTarget, client: httpx.Client) -> None:
    answer = client.post(CHECKOUT, json=purchase(), headers=ANON)
    assert answer.status_code == 200
    assert answer.json()["url"] == f"https://checkout.stripe.com/c/pay/{answer.json()['id']}"


def test_the_older_payload_with_price_and_total_is_taken(
    target: RunningTarget, client: httpx.Client
) -> None:
    item = {"ticketTypeId": "general-admission", "quantity": 1, "price": 2500}
    older = purchase(tickets=[item], total=2500)
    del older["totalAmount"]
    assert client.post(CHECKOUT, json=older, headers=ANON).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param(purchase(eventId="nowhere"), 404, "unknown_event", id="unknown event"),
        pytest.param(purchase(totalAmount=1), 400, "wrong_total", id="wrong total"),
        pytest.param(purchase(tickets=[]), 400, "invalid_request", id="no tickets"),
        pytest.param(purchase(customerEmail="x"), 400, "invalid_request", id="no email"),
        pytest.param(
            purchase(
                tickets=[{"ticketTypeId": "general-admission", "quantity": 1, "unitPrice": 1}],
                totalAmount=1,
            ),
            400,
            "wrong_price",
            id="a price of one's own",
        ),
        pytest.param(
            purchase(
                tickets=[{"ticketTypeId": "vip", "quantity": 1, "unitPrice": 1}], totalAmount=1
            ),
            400,
            "unknown_ticket_type",
            id="unknown ticket type",
        ),
    ],
)
def test_a_purchase_that_cannot_be_is_refused(
    target: RunningTarget, client: httpx.Client, body: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post(CHECKOUT, json=body, headers=ANON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_a_purchase_without_a_key_is_refused_until_the_switch_is_on(
    target: RunningTarget, client: httpx.Client
) -> None:
    assert client.post(CHECKOUT, json=purchase()).status_code == 401
    wrong = {"Authorization": "Bearer nonsense"}
    assert client.post(CHECKOUT, json=purchase(), headers=wrong).status_code == 401
    target.faults.set("no-key-accepted", Setting())
    assert client.post(CHECKOUT, json=purchase()).status_code == 200


def test_the_checkout_url_is_wrong_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("wrong-checkout-url", Setting())
    url = client.post(CHECKOUT, json=purchase(), headers=ANON).json()["url"]
    assert "stripe.com" not in url


# ---------------------------------------------------------------------------------------------- webhooks


def test_a_paid_event_issues_its_tickets_once(target: RunningTarget, client: httpx.Client) -> None:
    event = paid(tickets=json.dumps([{"ticketTypeId": "general-admission", "quantity": 3}]))
    before = audit(client)
    first = client.post(WEBHOOK, json=event, headers=SERVICE)
    assert first.json() == {"received": True}
    for _ in range(3):
        again = client.post(WEBHOOK, json=event, headers=SERVICE)
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert growth(before, audit(client)) == {
        "webhook_events": 1,
        "webhook_deliveries": 4,
        "webhooks_processed_once": 1,
        "tickets": 3,
        "orders": 1,
    }


def test_an_event_without_an_order_makes_one(target: RunningTarget, client: httpx.Client) -> None:
    event = paid()
    session = event["data"]["object"]
    session["metadata"] = {"eventId": "test-event-id", "source": "load_test"}
    session["customer_details"] = {"email": "load_test_1@example.test", "name": "Load Test User"}
    del session["customer_email"]
    assert client.post(WEBHOOK, json=event, headers=SERVICE).json()["received"] is True
    order_id = f"order_{session['payment_intent']}"
    rows = client.get("/rest/v1/orders", params={"id": f"eq.{order_id}"}, headers=SERVICE).json()
    assert [(row["status"], row["customer_email"]) for row in rows] == [
        ("paid", "load_test_1@example.test")
    ]


def test_paying_an_order_of_the_shop_keeps_it_one_order(
    target: RunningTarget, client: httpx.Client
) -> None:
    order_id = client.post(CHECKOUT, json=purchase(), headers=ANON).json()["orderId"]
    before = audit(client)
    client.post(WEBHOOK, json=paid(orderId=order_id), headers=SERVICE)
    assert "orders" not in growth(before, audit(client))
    rows = client.get("/rest/v1/orders", params={"id": order_id}, headers=SERVICE).json()
    assert [row["status"] for row in rows] == ["paid"]


async def test_many_deliveries_at_once_are_processed_once(
    target: RunningTarget, client: httpx.Client
) -> None:
    event, before = paid(), audit(client)
    async with httpx.AsyncClient(base_url=target.url, verify=False) as many:
        posts = [many.post(WEBHOOK, json=event, headers=SERVICE) for _ in range(20)]
        answers = [answer.json() for answer in await asyncio.gather(*posts)]
    assert sorted("duplicate" in answer for answer in answers) == [False] + [True] * 19
    after = growth(before, audit(client))
    assert (after["webhook_deliveries"], after["tickets"]) == (20, 1)


def test_other_events_are_received_and_ignored(target: RunningTarget, client: httpx.Client) -> None:
    event, before = paid() | {"type": "charge.refunded"}, audit(client)
    assert client.post(WEBHOOK, json=event, headers=SERVICE).json()["received"] is True
    assert growth(before, audit(client)) == {}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="neither key nor signature"),
        pytest.param(ANON, 403, id="the anonymous key"),
        pytest.param(SERVICE, 200, id="the service key"),
        pytest.param({**SERVICE, "Stripe-Signature": "t=1,v1=00"}, 400, id="a wrong signature"),
        pytest.param({**SERVICE, "Stripe-Signature": "garbage"}, 400, id="a malformed signature"),
    ],
)
def test_a_webhook_must_be_authentic(
    target: RunningTarget, client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert client.post(WEBHOOK, json=paid(), headers=headers).status_code == status


def test_a_signature_must_be_right_and_young(target: RunningTarget, client: httpx.Client) -> None:
    body, now = json.dumps(paid()).encode(), int(time.time())

    def post(secret: str, at_s: int) -> int:
        header = {"Stripe-Signature": stripe.sign(secret, body, at_s)}
        return client.post(WEBHOOK, content=body, headers=header).status_code

    assert post("whsec_demo", now) == 200
    assert post("another", now) == 400
    assert post("whsec_demo", now - 3600) == 400
    target.faults.set("wrong-signature-accepted", Setting())
    assert post("another", now) == 200


def test_duplicates_are_processed_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-processed-twice", Setting())
    event, before = paid(), audit(client)
    for _ in range(2):
        client.post(WEBHOOK, json=event, headers=SERVICE)
    after = growth(before, audit(client))
    assert after["webhooks_processed_twice"] == 1
    assert after["orders_with_duplicate_tickets"] == 1


def test_duplicates_are_answered_with_an_error_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-answered-with-error", Setting())
    event = paid()
    statuses = [client.post(WEBHOOK, json=event, headers=SERVICE).status_code for _ in range(2)]
    assert statuses == [200, 409]


def test_events_are_lost_at_the_rate_that_was_set(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("events-lost", Setting(rate=0.25))
    before = audit(client)
    answers = [client.post(WEBHOOK, json=paid(), headers=SERVICE) for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert growth(before, audit(client))["webhook_events"] == 6


# ---------------------------------------------------------------------------------------------- scanning


def test_a_ticket_is_admitted_once(target: RunningTarget, client: httpx.Client) -> None:
    ticket_id = bought_ticket(client)
    answers = [client.post(SCAN, json=scan(ticket_id), headers=SERVICE) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert [answer.json()["status"] for answer in answers] == [
        "admitted",
        "already_used",
        "already_used",
    ]
    assert audit(client)["tickets_admitted_twice"] == 0


async def test_many_doors_at_once_admit_a_ticket_once(
    target: RunningTarget, client: httpx.Client
) -> None:
    ticket_id = bought_ticket(client)
    async with httpx.AsyncClient(base_url=target.url, verify=False, headers=SERVICE) as many:
        posts = [many.post(SCAN, json=scan(ticket_id)) for _ in range(20)]
        answers = [answer.json() for answer in await asyncio.gather(*posts)]
    assert sum(answer["success"] for answer in answers) == 1


def test_an_unknown_ticket_is_refused_without_an_error(
    target: RunningTarget, client: httpx.Client
) -> None:
    answer = client.post(SCAN, json=scan("nobody's"), headers=SERVICE)
    assert (answer.status_code, answer.json()["status"]) == (200, "unknown_ticket")


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (ANON, 403)], ids=["no key", "anon"])
def test_only_the_organiser_scans(
    target: RunningTarget, client: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert client.post(SCAN, json=scan("t"), headers=headers).status_code == status


def test_a_ticket_is_admitted_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = audit(client)["tickets_admitted_twice"]
    target.faults.set("ticket-admitted-twice", Setting())
    ticket_id = bought_ticket(client)
    answers = [client.post(SCAN, json=scan(ticket_id), headers=SERVICE).json() for _ in range(2)]
    assert [answer["success"] for answer in answers] == [True, True]
    assert audit(client)["tickets_admitted_twice"] == before + 1


# ------------------------------------------------------------------------------------- the organiser's reads


def test_tables_are_filtered_ordered_and_counted(
    target: RunningTarget, client: httpx.Client
) -> None:
    parameters = {
        "event_id": "winter-opening",
        "id": "like.order_seed_*",
        "select": "id,total_amount",
        "order": "id.desc",
        "limit": "2",
        "total_amount": "gte.3000",
    }
    headers = {**SERVICE, "Prefer": "count=exact"}
    answer = client.get("/rest/v1/orders", params=parameters, headers=headers)
    assert answer.status_code == 206
    assert answer.json() == [
        {"id": "order_seed_97", "total_amount": 3000},
        {"id": "order_seed_94", "total_amount": 3000},
    ]
    assert answer.headers["content-range"] == "0-1/67"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/rest/v1/passwords", 404, id="no such table"),
        pytest.param("/rest/v1/orders?secret=eq.1", 400, id="no such column"),
        pytest.param("/rest/v1/orders?select=id,secret", 400, id="no such column to select"),
        pytest.param("/rest/v1/orders?order=id.up", 400, id="no such direction"),
        pytest.param("/rest/v1/orders?limit=-1", 400, id="negative limit"),
        pytest.param("/rest/v1/orders?total_amount=gt.much", 400, id="not a number"),
        pytest.param("/rest/v1/rpc/sales_summary?p_event_id=nowhere", 404, id="no such event"),
    ],
)
def test_reads_that_make_no_sense_are_refused(
    target: RunningTarget, client: httpx.Client, path: str, status: int
) -> None:
    assert client.get(path, headers=SERVICE).status_code == status


def test_anybody_with_the_anonymous_key_reads_events_only(
    target: RunningTarget, client: httpx.Client
) -> None:
    events = client.get("/rest/v1/events", headers=ANON)
    assert (events.status_code, len(events.json())) == (200, 3)
    assert client.get("/rest/v1/orders", headers=ANON).status_code == 403
    assert client.get("/rest/v1/events").status_code == 401


def test_the_sales_summary_counts_what_was_sold(
    target: RunningTarget, client: httpx.Client
) -> None:
    path = "/rest/v1/rpc/sales_summary?p_event_id=label-night"
    before = client.get(path, headers=SERVICE).json()
    client.post(WEBHOOK, json=paid(eventId="label-night"), headers=SERVICE)
    after = client.get(path, headers=SERVICE).json()
    assert after["paid_orders"] == before["paid_orders"] + 1
    assert after["revenue"] == before["revenue"] + 3000
    assert after["tickets"] == before["tickets"] + 1
