"""The same iteration as orders.yaml, as a Python script."""

from __future__ import annotations

from typing import Any


async def order(vu: Any) -> None:
    """Send one POST with a body of its own and check status and a field."""
    response = await vu.post(
        "/orders",
        name="create-order",
        json={"customer": f"load-{vu.id}-{vu.iter}", "event": "evt-1", "total": 3000},
    )
    vu.check("status is 201", response.status == 201)
    vu.check("has an id", response.json["id"] != "")
