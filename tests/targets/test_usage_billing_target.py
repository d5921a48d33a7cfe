"""The billing engine over real HTTP: each rule holds, and each switch breaks exactly its rule."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from examples.targets import stripe
from examples.targets.blueprint import Blueprint
from examples.targets.faults import Setting
from examples.targets.serving import RunningTarget
from examples.targets.usage_billing import ENGINE
from examples.targets.usage_billing.schema import FOREIGN_ORG_ID, ORG_ID, SESSION_WITHOUT_ORG

KEY = {"Authorization": "Bearer demo-api-key"}
ADMIN = {"Cookie": "_sid=demo-admin-session"}
CUSTOMER = "1234567890123456"
SUMMARY = f"/api/usage/summary?customer_id={CUSTOMER}&meter_code=api_calls"
ids = itertools.count(1)


@pytest.fixture(scope="module")
def blueprint() -> Blueprint:
    return ENGINE


def event(**changes: Any) -> dict[str, Any]:
    return {
        "customer_id": CUSTOMER,
        "meter_code": "api_calls",
        "value": 1,
        "idempotency_key": f"key-{next(ids)}",
        **changes,
    }


def post(client: httpx.Client, body: dict[str, Any], **headers: str) -> httpx.Response:
    return client.post("/api/usage", json=body, headers={**KEY, **headers})


def summary(client: httpx.Client) -> dict[str, Any]:
    report: dict[str, Any] = client.get(SUMMARY, headers=KEY).json()
    return report


def eventually(read: Callable[[], Any], wanted: Any) -> None:
    """Read again and again, up to a thousand times, until the answer is the wanted one."""
    for _ in range(1000):
        if read() == wanted:
            return
    assert read() == wanted


def stored_under(client: httpx.Client, key: str) -> list[dict[str, Any]]:
    answer = client.get("/api/usage/events", params={"idempotency_key": key}, headers=KEY)
    rows: list[dict[str, Any]] = answer.json()["events"]
    return rows


# ------------------------------------------------------------------------------------------------ ingestion


def test_an_event_is_accepted_and_rated_later(target: RunningTarget, client: httpx.Client) -> None:
    before = summary(client)
    body = event(value=7)
    answer = post(client, body)
    assert answer.status_code == 202
    assert answer.json()["idempotency_key"] == body["idempotency_key"]
    assert summary(client)["events"] == before["events"] + 1
    eventually(lambda: summary(client)["billed_value"], before["billed_value"] + 7)
    assert summary(client)["pending"] == 0


def test_the_same_key_stores_one_event_and_answers_alike(
    target: RunningTarget, client: httpx.Client
) -> None:
    body = event()
    answers = [post(client, body) for _ in range(4)]
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers] == [
        None,
        *["true"] * 3,
    ]
    assert len(stored_under(client, body["idempotency_key"])) == 1


async def test_the_same_key_at_once_stores_one_event(
    target: RunningTarget, client: httpx.Client
) -> None:
    body = event()
    async with httpx.AsyncClient(base_url=target.url, verify=False, headers=KEY) as many:
        answers = await asyncio.gather(*[many.post("/api/usage", json=body) for _ in range(20)])
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert len(stored_under(client, body["idempotency_key"])) == 1


def test_a_key_used_for_another_event_is_a_conflict(
    target: RunningTarget, client: httpx.Client
) -> None:
    body = event()
    assert post(client, body).status_code == 202
    assert post(client, body | {"value": 2}).status_code == 409


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        pytest.param({"customer_id": 1234567890123456}, 400, id="an id as a number"),
        pytest.param({"customer_id": "12"}, 400, id="an id that is too short"),
        pytest.param({"customer_id": "9999999999999999"}, 422, id="an unknown customer"),
        pytest.param({"meter_code": "nonsense"}, 422, id="an unknown meter"),
        pytest.param({"value": -1}, 400, id="a negative value"),
        pytest.param({"idempotency_key": ""}, 400, id="no key"),
        pytest.param({"org_id": ORG_ID}, 400, id="an organisation in the body"),
    ],
)
def test_an_event_that_cannot_be_is_refused(
    target: RunningTarget, client: httpx.Client, changes: dict[str, Any], status: int
) -> None:
    assert post(client, event(**changes)).status_code == status


@pytest.mark.parametrize("path", ["/api/usage", "/api/meters", SUMMARY])
@pytest.mark.parametrize(
    "headers", [{"X-Org-Id": ORG_ID}, {"org_id": ORG_ID}], ids=["X-Org-Id", "org_id"]
)
def test_the_api_refuses_an_organisation_in_the_request(
    target: RunningTarget, client: httpx.Client, path: str, headers: dict[str, str]
) -> None:
    method = "POST" if path == "/api/usage" else "GET"

    def send() -> int:
        return client.request(method, path, json=event(), headers={**KEY, **headers}).status_code

    assert send() == 400
    target.faults.set("org-header-accepted", Setting())
    assert send() in (200, 202)


def test_the_api_needs_a_key_until_the_switch_is_on(
    target: RunningTarget, client: httpx.Client
) -> None:
    assert client.get("/api/meters").status_code == 401
    assert client.get("/api/meters", headers={"Authorization": "Bearer no"}).status_code == 401
    assert client.get("/api/meters", headers=KEY).json()["meters"][0]["code"] == "api_calls"
    target.faults.set("no-key-accepted", Setting())
    assert client.get("/api/meters").status_code == 200


def test_events_are_lost_at_the_rate_that_was_set(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("events-lost", Setting(rate=0.5))
    before = summary(client)["events"]
    assert {post(client, event()).status_code for _ in range(6)} == {202}
    assert summary(client)["events"] == before + 3


def test_a_repeated_key_is_stored_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-processed-twice", Setting())
    body = event()
    answers = [post(client, body) for _ in range(2)]
    assert answers[0].json()["id"] != answers[1].json()["id"]
    assert len(stored_under(client, body["idempotency_key"])) == 2


def test_a_repeated_key_is_answered_with_an_error_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-answered-with-error", Setting())
    body = event()
    assert [post(client, body).status_code for _ in range(2)] == [202, 409]


def test_nothing_is_rated_while_jobs_are_stalled(
    target: RunningTarget, client: httpx.Client
) -> None:
    eventually(lambda: summary(client)["pending"], 0)
    target.faults.set("jobs-stalled", Setting())
    post(client, event())
    assert summary(client)["pending"] == 1
    target.faults.clear()
    post(client, event())  # wakes the job
    eventually(lambda: summary(client)["pending"], 0)


# ------------------------------------------------------------------------------------------------- webhooks


def deliver(client: httpx.Client, body: bytes, signature: str | None = None) -> httpx.Response:
    header = stripe.sign("whsec_demo", body, 1) if signature is None else signature
    return client.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": header})


def invoice_paid() -> tuple[str, bytes]:
    event_id = f"evt_{next(ids)}"
    body = {"id": event_id, "type": "invoice.paid", "data": {"object": {"amount_paid": 900}}}
    return event_id, json.dumps(body).encode()


def test_a_webhook_is_booked_once_however_old_its_signature(
    target: RunningTarget, client: httpx.Client
) -> None:
    event_id, body = invoice_paid()
    answers = [deliver(client, body) for _ in range(3)]
    assert [answer.json()["duplicate"] for answer in answers] == [False, True, True]
    shown = client.get(f"/webhooks/stripe/events/{event_id}").json()
    assert shown == {"event_id": event_id, "deliveries": 3, "processed": 1, "payments": 1}


def test_a_webhook_is_booked_twice_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-processed-twice", Setting())
    event_id, body = invoice_paid()
    assert {deliver(client, body).status_code for _ in range(2)} == {200}
    shown = client.get(f"/webhooks/stripe/events/{event_id}").json()
    assert (shown["processed"], shown["payments"]) == (2, 2)


def test_a_webhook_delivered_again_is_an_error_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("duplicate-answered-with-error", Setting())
    _, body = invoice_paid()
    assert [deliver(client, body).status_code for _ in range(2)] == [200, 409]


@pytest.mark.parametrize("signature", ["", "t=1,v1=00", "garbage"])
def test_a_webhook_with_a_wrong_signature_is_refused_until_the_switch_is_on(
    target: RunningTarget, client: httpx.Client, signature: str
) -> None:
    event_id, body = invoice_paid()
    assert deliver(client, body, signature).status_code == 400
    assert client.get(f"/webhooks/stripe/events/{event_id}").status_code == 404
    target.faults.set("wrong-signature-accepted", Setting())
    assert deliver(client, body, signature).status_code == 200


def test_an_unknown_provider_is_not_found(target: RunningTarget, client: httpx.Client) -> None:
    assert client.post("/webhooks/nobody", json={}).status_code == 404
    assert client.get("/webhooks/nobody/events/x").status_code == 404


# ---------------------------------------------------------------------------------------------------- admin


@pytest.mark.parametrize(
    "path", ["/admin/overview", "/admin/usage", "/admin/invoices", "/admin/customers"]
)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no session"),
        pytest.param({"Cookie": "_sid=stolen"}, 401, id="an unknown session"),
        pytest.param({"Cookie": "_sid"}, 401, id="a malformed cookie"),
        pytest.param(KEY, 401, id="an API key"),
        pytest.param(ADMIN, 200, id="the session's active organisation"),
        pytest.param({**ADMIN, "X-Org-Id": ORG_ID}, 200, id="an organisation of the admin's"),
        pytest.param({**ADMIN, "X-Org-Id": FOREIGN_ORG_ID}, 403, id="a foreign organisation"),
        pytest.param({"Cookie": f"_sid={SESSION_WITHOUT_ORG}"}, 400, id="no organisation"),
        pytest.param(
            {"Cookie": f"_sid={SESSION_WITHOUT_ORG}", "X-Org-Id": ORG_ID},
            200,
            id="named organisation",
        ),
    ],
)
def test_the_console_needs_a_session_and_an_organisation(
    target: RunningTarget, client: httpx.Client, path: str, headers: dict[str, str], status: int
) -> None:
    assert client.get(path, headers=headers).status_code == status


def test_the_console_opens_without_a_session_when_switched(
    target: RunningTarget, client: httpx.Client
) -> None:
    target.faults.set("no-key-accepted", Setting())
    assert client.get("/admin/overview").status_code == 200


def test_the_overview_counts_customers_and_invoices(
    target: RunningTarget, client: httpx.Client
) -> None:
    overview = client.get("/admin/overview", headers=ADMIN).json()
    assert overview["customers"] >= 800
    assert (overview["active_subscriptions"], overview["open_invoices"]) == (800, 200)


def walk(client: httpx.Client, pages: int, *, write: bool = False) -> list[int]:
    """Return the numbers of the customers on the first pages; with `write`, one is added between pages."""
    numbers: list[int] = []
    cursor: dict[str, str] = {}
    for _ in range(pages):
        page = client.get(
            "/admin/customers", params={"page_size": "50", **cursor}, headers=ADMIN
        ).json()
        numbers += [row["number"] for row in page["customers"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        if write:
            created = client.post("/admin/customers", json={"name": "New"}, headers=ADMIN)
            assert created.status_code == 201
    return numbers


def test_pages_neither_repeat_nor_miss_a_row_while_rows_are_added(
    target: RunningTarget, client: httpx.Client
) -> None:
    numbers = walk(client, 10, write=True)
    assert numbers == list(range(numbers[0], numbers[0] - 500, -1))


def test_the_last_page_has_no_cursor(target: RunningTarget, client: httpx.Client) -> None:
    numbers = walk(client, 1000)
    assert numbers == list(range(numbers[0], 0, -1))


async def test_customers_added_at_once_are_numbered_without_gaps(
    target: RunningTarget, client: httpx.Client
) -> None:
    async with httpx.AsyncClient(base_url=target.url, verify=False, headers=ADMIN) as many:
        posts = [many.post("/admin/customers", json={"name": "New"}) for _ in range(20)]
        numbers = sorted([answer.json()["number"] for answer in await asyncio.gather(*posts)])
    assert numbers == list(range(numbers[0], numbers[0] + 20))


@pytest.mark.parametrize(
    ("fault", "numbers"),
    [
        pytest.param("rows-skipped", [*range(100, 50, -1), *range(49, -1, -1)], id="skipped"),
        pytest.param("rows-repeated", [*range(100, 50, -1), *range(51, 1, -1)], id="repeated"),
    ],
)
def test_a_page_skips_or_repeats_a_row_when_switched(
    target: RunningTarget, client: httpx.Client, fault: str, numbers: list[int]
) -> None:
    target.faults.set(fault, Setting())
    walked = walk(client, 2)
    assert [number - walked[0] + 100 for number in walked] == numbers


@pytest.mark.parametrize(
    "query", ["page_size=0", "page_size=201", "page_size=x", "cursor=x", "cursor=eDox"]
)
def test_pages_that_make_no_sense_are_refused(
    target: RunningTarget, client: httpx.Client, query: str
) -> None:
    assert client.get(f"/admin/customers?{query}", headers=ADMIN).status_code == 400
