"""The payment processor's webhooks: verified and stored at once, processed by a job, once per event."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated

import pydantic

from examples.targets import stripe
from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.jobs import Job
from examples.targets.payments_platform.access import Access
from examples.targets.payments_platform.schema import ORG_ID
from examples.targets.storage import Database
from examples.targets.web import Refusal, Request, Response, json_response


class ProcessorEvent(pydantic.BaseModel):
    """What is read of an event; the rest is the job's business."""

    id: Annotated[str, pydantic.Field(min_length=1, max_length=255)]
    type: str


class Webhooks:
    """``/v1/webhooks``."""

    def __init__(
        self,
        database: Database,
        access: Access,
        faults: Faults,
        environment: Mapping[str, str],
        processing: Job,
    ) -> None:
        self._database = database
        self._access = access
        self._faults = faults
        self._secret = environment["STRIPE_WEBHOOK_SECRET"]
        self._processing = processing

    async def receive(self, request: Request) -> Response:
        """Take one delivery: 202; `duplicate` says whether it had come before."""
        self._authenticate(request)
        event = request.read(ProcessorEvent)
        async with self._database.write() as tx:
            delivery = await tx.row(
                "INSERT INTO webhook_events (id, org_id, type, deliveries, pending, processed, received_at)"
                " VALUES (?, ?, ?, 1, 1, 0, ?)"
                " ON CONFLICT (id) DO UPDATE SET deliveries = webhook_events.deliveries + 1"
                " RETURNING deliveries",
                event.id,
                ORG_ID,
                event.type,
                now_iso(),
            )
            assert delivery is not None, "an upsert returns its row"
            first = delivery["deliveries"] == 1
            if not first and self._faults.acts(Fault.DUPLICATE_PROCESSED_TWICE, request.path):
                await tx.execute(
                    "UPDATE webhook_events SET pending = pending + 1 WHERE id = ?", event.id
                )
        if not first and self._faults.acts(Fault.DUPLICATE_ANSWERED_WITH_ERROR, request.path):
            raise Refusal(409, "duplicate_event", f"{event.id} was received before")
        self._processing.wake()
        return json_response({"received": True, "duplicate": not first}, status=202)

    async def stats(self, request: Request) -> Response:
        """Return how many events came, how often, and what became of them."""
        org_id = await self._access.org(request)
        async with self._database.read() as tx:
            row = await tx.row(
                "SELECT count(*) AS events, coalesce(sum(deliveries), 0) AS deliveries,"
                " coalesce(sum(pending), 0) AS pending,"
                " coalesce(sum(CASE WHEN processed = 1 THEN 1 ELSE 0 END), 0) AS processed_once,"
                " coalesce(sum(CASE WHEN processed > 1 THEN 1 ELSE 0 END), 0) AS processed_twice"
                " FROM webhook_events WHERE org_id = ?",
                org_id,
            )
        return json_response({name: int(value) for name, value in dict(row or {}).items()})

    def _authenticate(self, request: Request) -> None:
        try:
            stripe.verify(
                self._secret,
                request.body,
                request.headers.get("stripe-signature", ""),
                now_s=time.time(),
                tolerance_s=stripe.TOLERANCE_S,
            )
        except stripe.InvalidSignature as error:
            if not self._faults.acts(Fault.WRONG_SIGNATURE_ACCEPTED, request.path):
                raise Refusal(400, "invalid_signature", str(error)) from error
