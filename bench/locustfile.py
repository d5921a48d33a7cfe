"""The same iteration as orders.yaml, for Locust's fast client."""

import os

from locust import FastHttpUser, constant, constant_pacing, task


class Customer(FastHttpUser):
    """Send one POST with a body of its own and check status and a field."""

    wait_time = constant_pacing(1) if os.environ.get("PACED") == "1" else constant(0)

    def on_start(self) -> None:
        self.n = 0

    @task
    def create_order(self) -> None:
        self.n += 1
        body = {"customer": f"load-{id(self)}-{self.n}", "event": "evt-1", "total": 3000}
        with self.client.post(
            "/orders", json=body, name="create order", catch_response=True
        ) as response:
            if response.status_code != 201:
                response.failure("status")
            elif response.json()["id"] == "":
                response.failure("no id")
