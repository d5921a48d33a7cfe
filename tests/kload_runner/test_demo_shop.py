"""The bundled target answers like a small shop."""

from __future__ import annotations

import httpx
import pytest

from kload_runner.demo import shop


async def test_an_order_can_be_made_and_read_again() -> None:
    server = await shop.start()
    async with (
        server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{shop.port_of(server)}") as client,
    ):
        made = await client.post("/orders", json={"customer": "ann", "total": 5})
        read = await client.get(f"/orders/{made.json()['id']}")
        assert (made.status_code, read.json()["customer"]) == (201, "ann")
        assert (await client.get("/")).json() == {"shop": "kload demo", "orders": 1}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        pytest.param("POST", "/orders", b"no json", 400, id="body-is-not-json"),
        pytest.param("POST", "/orders", b"{}", 400, id="no-customer"),
        pytest.param("GET", "/orders/unknown", b"", 404, id="unknown-order"),
        pytest.param("DELETE", "/orders", b"", 405, id="method-not-answered"),
        pytest.param("GET", "/elsewhere", b"", 404, id="unknown-path"),
    ],
)
def test_what_is_wrong_is_refused(method: str, path: str, body: bytes, status: int) -> None:
    assert shop.Shop().answer(method, path, body)[0] == status


def test_the_oldest_orders_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shop, "MAX_ORDERS", 2)
    small = shop.Shop()
    for customer in "abc":
        small.answer("POST", "/orders", b'{"customer": "%s"}' % customer.encode())
    assert len(small.orders) == 2
