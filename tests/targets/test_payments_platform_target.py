"""The payments platform over real HTTP: each rule holds, and each switch breaks exactly its rule."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from examples.targets import stripe
from examples.targets.blueprint import Blueprint
from examples.targets.faults import Setting
from examples.targets.payments_platform import PLATFORM
from examples.targets.serving import RunningTarget

TOKEN = {"Authorization": "Bearer demo-api-token"}
PRODUCT = "5c0ffee0-0000-4000-8000-00000000beef"
ids = itertools.count(1)


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return PLATFORM


def created(client: httpx.Client) -> dict[str, Any]:
    answer = client.post("/v1/checkouts", json={"product_id": PRODUCT}, headers=TOKEN)
    assert answer.status_code == 201
    checkout: dict[str, Any] = answer.json()
    return checkout


def stats(client: httpx.Client, kind: str) -> dict[str, int]:
    report: dict[str, int] = client.get(f"/v1/{kind}/stats", headers=TOKEN).json()
    return report


def eventually(read: Callable[[], Any], wanted: Any) -> None:
    """Read again and again, up to a thousand times, until the answer is the wanted one."""
    for _ in range(1000):
        if read() == wanted:
            return
    assert read() == wanted


def ingest(client: httpx.Client, *events: dict[str, Any]) -> httpx.Response:
    return client.post("/v1/events/ingest", json={"events": list(events)}, headers=TOKEN)


def event(**changes: Any) -> dict[str, Any]:
    return {"name": "api.call", "external_customer_id": "customer-1", **changes}


# ------------------------------------------------------------------------------------------------ checkouts


def test_a_checkout_goes_from_open_to_succeeded(
    target: RunningTarget, client: httpx.Client
) -> None:
    checkout = created(client)
    path = f"/v1/checkouts/{checkout['id']}"
    assert (checkout["status"], checkout["amount"]) == ("open", 4900)
    assert checkout["url"] == f"https://checkout.payments.example/{checkout['client_secret']}"
    details = {
        "customer_name": "Ada",
        "customer_email": "ada@example.test",
        "customer_country": "GB",
    }
    updated = client.patch(path, json=details, headers=TOKEN)
    assert (updated.status_code, updated.json()["customer_name"]) == (200, "Ada")
    assert client.get(path, headers=TOKEN).json() == updated.json()
    confirmed = client.post(f"{path}/confirm", headers=TOKEN)
    assert (confirmed.status_code, confirmed.json()["status"]) == (200, "confirmed")
    eventually(lambda: client.get(path, headers=TOKEN).json()["status"], "succeeded")


def test_details_that_are_left_out_stay(target: RunningTarget, client: httpx.Client) -> None:
    path = f"/v1/checkouts/{created(client)['id']}"
    client.patch(path, json={"customer_name": "Ada"}, headers=TOKEN)
    answer = client.patch(path, json={"customer_country": "GB"}, headers=TOKEN).json()
    assert (answer["customer_name"], answer["customer_country"]) == ("Ada", "GB")


def test_a_confirmed_checkout_is_neither_changed_nor_confirmed_again(
    target: RunningTarget, client: httpx.Client
) -> None:
    path = f"/v1/checkouts/{created(client)['id']}"
    assert client.post(f"{path}/confirm", headers=TOKEN).status_code == 200
    assert client.post(f"{path}/confirm", headers=TOKEN).status_code == 409
    assert client.patch(path, json={"customer_name": "Eve"}, headers=TOKEN).status_code == 409


def test_each_confirmed_checkout_becomes_one_order(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "checkouts")
    for _ in range(5):
        client.post(f"/v1/checkouts/{created(client)['id']}/confirm", headers=TOKEN)
    eventually(lambda: stats(client, "checkouts")["fulfilled"], before["fulfilled"] + 5)
    after = stats(client, "checkouts")
    assert (after["awaiting_fulfilment"], after["fulfilled_twice"]) == (0, 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "/v1/checkouts", {"product_id": "x"}, 400, id="no product id"),
        pytest.param(
            "POST",
            "/v1/checkouts",
            {"product_id": PRODUCT.replace("beef", "cafe")},
            422,
            id="unknown product",
        ),
        pytest.param("GET", "/v1/checkouts/nobody", None, 404, id="unknown checkout"),
        pytest.param("PATCH", "/v1/checkouts/nobody", {}, 404, id="unknown checkout to change"),
        pytest.param(
            "POST", "/v1/checkouts/nobody/confirm", None, 404, id="unknown checkout to confirm"
        ),
    ],
)
def test_what_does_not_exist_is_refused(
    target: RunningTarget, client: httpx.Client, method: str, path: str, body: Any, status: int
) -> None:
    assert client.request(method, path, json=body, headers=TOKEN).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/checkouts"),
        ("GET", "/v1/checkouts/stats"),
        ("GET", "/v1/checkouts/x"),
        ("PATCH", "/v1/checkouts/x"),
        ("POST", "/v1/checkouts/x/confirm"),
        ("POST", "/v1/events/ingest"),
        ("GET", "/v1/events/stats"),
        ("GET", "/v1/webhooks/stats"),
    ],
)
def test_everything_needs_a_token(
    target: RunningTarget, client: httpx.Client, method: str, path: str
) -> None:
    assert client.request(method, path).status_code == 401
    wrong = {"Authorization": "Bearer no"}
    assert client.request(method, path, headers=wrong).status_code == 401


def test_no_token_is_needed_when_switched(target: RunningTarget, client: httpx.Client) -> None:
    target.faults.set("no-key-accepted", Setting())
    assert client.get("/v1/events/stats").status_code == 200


def test_the_checkout_url_is_wrong_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("wrong-checkout-url", Setting())
    assert "checkout.payments.example" not in created(client)["url"]


def test_the_status_is_stale_when_switched(target: RunningTarget, client: httpx.Client) -> None:
    path = f"/v1/checkouts/{created(client)['id']}"
    client.patch(path, json={"customer_name": "Ada"}, headers=TOKEN)
    target.faults.set("status-stale", Setting())
    assert client.get(path, headers=TOKEN).json()["customer_name"] is None


def test_a_checkout_becomes_two_orders_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "checkouts")
    target.faults.set("order-fulfilled-twice", Setting())
    client.post(f"/v1/checkouts/{created(client)['id']}/confirm", headers=TOKEN)
    eventually(lambda: stats(client, "checkouts")["fulfilled_twice"], before["fulfilled_twice"] + 1)


# ------------------------------------------------------------------------------------------------ ingestion


def test_a_batch_is_stored_and_metered(target: RunningTarget, client: httpx.Client) -> None:
    before = stats(client, "events")
    answer = ingest(client, *[event(metadata={"n": n}) for n in range(7)])
    assert (answer.status_code, answer.json()) == (202, {"inserted": 7, "duplicates": 0})
    assert stats(client, "events")["stored"] == before["stored"] + 7
    eventually(lambda: stats(client, "events")["metered"], before["metered"] + 7)
    eventually(lambda: stats(client, "events")["pending"], 0)


def test_an_event_with_an_id_is_stored_once(target: RunningTarget, client: httpx.Client) -> None:
    known = event(external_id=f"e{next(ids)}")
    assert ingest(client, known, known).json() == {"inserted": 1, "duplicates": 1}
    assert ingest(client, known).json() == {"inserted": 0, "duplicates": 1}


def test_a_batch_with_an_unknown_customer_is_refused_whole(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "events")["stored"]
    answer = ingest(client, event(), event(external_customer_id="stranger"))
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "unknown_customer")
    assert "stranger" in answer.json()["error"]["message"]
    assert stats(client, "events")["stored"] == before


def test_an_empty_or_huge_batch_is_refused(target: RunningTarget, client: httpx.Client) -> None:
    assert ingest(client).status_code == 400
    assert ingest(client, *[event()] * 1001).status_code == 400


def test_events_are_lost_at_the_rate_that_was_set(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("events-lost", Setting(rate=0.2))
    before = stats(client, "events")["stored"]
    assert ingest(client, *[event()] * 10).json() == {"inserted": 10, "duplicates": 0}
    assert stats(client, "events")["stored"] == before + 8


def test_an_event_is_stored_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "events")["stored_twice"]
    target.faults.set("duplicate-processed-twice", Setting())
    known = event(external_id=f"e{next(ids)}")
    assert ingest(client, known, known).json() == {"inserted": 2, "duplicates": 0}
    assert stats(client, "events")["stored_twice"] == before + 1


def test_a_repeated_event_is_an_error_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-answered-with-error", Setting())
    known = event(external_id=f"e{next(ids)}")
    assert [ingest(client, known).status_code for _ in range(2)] == [202, 409]


def test_nothing_is_metered_while_jobs_are_stalled(
    target: RunningTarget, client: httpx.Client
) -> None:
    eventually(lambda: stats(client, "events")["pending"], 0)
    target.faults.set("jobs-stalled", Setting())
    ingest(client, event())
    assert stats(client, "events")["pending"] == 1
    target.faults.clear()
    ingest(client, event())  # wakes the job
    eventually(lambda: stats(client, "events")["pending"], 0)


# ------------------------------------------------------------------------------------------------- webhooks


def deliver(client: httpx.Client, body: bytes, secret: str = "whsec_demo") -> httpx.Response:
    header = stripe.sign(secret, body, int(time.time()))
    return client.post("/v1/webhooks/stripe", content=body, headers={"Stripe-Signature": header})


def payment() -> bytes:
    return json.dumps({"id": f"evt_{next(ids)}", "type": "payment_intent.succeeded"}).encode()


def test_a_webhook_is_processed_once_by_the_job(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "webhooks")
    body = payment()
    answers = [deliver(client, body) for _ in range(3)]
    assert [answer.json()["duplicate"] for answer in answers] == [False, True, True]
    eventually(lambda: stats(client, "webhooks")["processed_once"], before["processed_once"] + 1)
    after = stats(client, "webhooks")
    assert after["deliveries"] == before["deliveries"] + 3
    assert after["processed_twice"] == before["processed_twice"]


def test_a_webhook_is_processed_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    before = stats(client, "webhooks")["processed_twice"]
    target.faults.set("duplicate-processed-twice", Setting())
    body = payment()
    for _ in range(2):
        deliver(client, body)
    eventually(lambda: stats(client, "webhooks")["processed_twice"], before + 1)


def test_a_webhook_delivered_again_is_an_error_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-answered-with-error", Setting())
    body = payment()
    assert [deliver(client, body).status_code for _ in range(2)] == [202, 409]


def test_a_wrong_signature_is_refused_until_the_switch_is_on(
    target: RunningTarget, client: httpx.Client
) -> None:
    assert deliver(client, payment(), secret="another").status_code == 400
    target.faults.set("wrong-signature-accepted", Setting())
    assert deliver(client, payment(), secret="another").status_code == 202
