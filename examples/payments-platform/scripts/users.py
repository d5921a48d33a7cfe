"""The platform's users as code: the classes of the old locustfile, each now one function.

Weighted tasks are a weighted choice, `wait_time = constant_pacing(1)` is `pace: 1s` in users.yaml, `on_start` is what
a user does while its memory (`vu.vars`) is still empty. Load and limits stand in users.yaml and win over this file.
"""

from __future__ import annotations

from kload_runner.script import VU


async def checkout_user(vu: VU) -> None:
    """Do one task, drawn by weight, then wait a moment."""
    tasks = (create_checkout, update_customer_details, get_status, confirm_checkout)
    (task,) = vu.random.choices(tasks, weights=(10, 5, 3, 1))
    await task(vu)
    pause_s = whole_param(vu, "pauseMs") / 1000
    await vu.sleep(0.5 * pause_s, 1.5 * pause_s)


async def create_checkout(vu: VU) -> None:
    """Open a checkout and remember it: later tasks work on the user's own."""
    body = {"product_id": vu.env["LOAD_TEST_PRODUCT_ID"]}
    answer = await vu.post("/v1/checkouts", name="create-checkout", json=body, expect=201)
    created = vu.check("created", answer.status == 201)
    url = "https://checkout.payments.example/"
    if vu.check("has checkout URL", lambda: answer.json["url"].startswith(url)) and created:
        vu.record("checkouts_created", 1)
        own_checkouts(vu).append(answer.json["id"])


async def update_customer_details(vu: VU) -> None:
    """Fill in one of the user's checkouts; the next read must show it."""
    if not own_checkouts(vu):
        return
    path = f"/v1/checkouts/{vu.random.choice(own_checkouts(vu))}"
    details = {
        "customer_name": f"Customer {vu.id}-{vu.iter}",
        "customer_email": f"customer_{vu.id}_{vu.iter}@example.test",
        "customer_country": "US",
    }
    answer = await vu.patch(path, name="update-checkout", json=details)
    vu.check("updated", answer.status == 200)
    read = await vu.get(path, name="read-after-update")
    vu.check(
        "an update is seen by the next read",
        lambda: read.json["customer_name"] == details["customer_name"],
    )


async def get_status(vu: VU) -> None:
    """Look at one of the user's checkouts."""
    if not own_checkouts(vu):
        return
    checkout = vu.random.choice(own_checkouts(vu))
    answer = await vu.get(f"/v1/checkouts/{checkout}", name="get-checkout")
    vu.check("still open", lambda: answer.status == 200 and answer.json["status"] == "open")


async def confirm_checkout(vu: VU) -> None:
    """Confirm one of the user's checkouts and forget it."""
    if not own_checkouts(vu):
        return
    checkout = vu.random.choice(own_checkouts(vu))
    answer = await vu.post(f"/v1/checkouts/{checkout}/confirm", name="confirm-checkout")
    if vu.check("confirmed", answer.status == 200):
        vu.record("checkouts_confirmed", 1)
        own_checkouts(vu).remove(checkout)


async def event_ingestion_user(vu: VU) -> None:
    """Send one batch of events for a customer drawn at random."""
    customers = vu.env["LOAD_TEST_EVENT_EXTERNAL_CUSTOMER_IDS"].split(",")
    customer = vu.random.choice(customers)
    size = whole_param(vu, "batchSize")
    events = [
        {
            "name": "api.call",
            "external_customer_id": customer,
            "external_id": f"{vu.run_id}-{vu.id}-{vu.iter}-{number}",
            "metadata": {"tokens": 10 * (number + 1)},
        }
        for number in range(size)
    ]
    answer = await vu.post(
        "/v1/events/ingest", name="ingest-events", json={"events": events}, expect=202
    )
    if vu.check("accepted", answer.status == 202):
        vu.check("all are new", answer.json["inserted"] == size)
        vu.record("events_ingested", answer.json["inserted"])


def own_checkouts(vu: VU) -> list[str]:
    """Return the user's own list of checkouts."""
    checkouts: list[str] = vu.vars.setdefault("checkouts", [])
    return checkouts


def whole_param(vu: VU, name: str) -> int:
    """Return a param of users.yaml that is a whole number there."""
    value = vu.params[name]
    assert isinstance(value, int), f"params.{name} is a whole number in users.yaml"
    return value
