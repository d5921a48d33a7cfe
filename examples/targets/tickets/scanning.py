"""At the door: a ticket lets one person in, once.

PostgREST answers a call of a function with 200; what the function decided is in the body:

    {"success": true,  "status": "admitted", ...}
    {"success": false, "status": "already_used", "used_at": ...}
    {"success": false, "status": "unknown_ticket"}
"""

from __future__ import annotations

from typing import Annotated

import pydantic

from examples.targets.clock import now_iso
from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database, Transaction
from examples.targets.tickets.access import KeyRing
from examples.targets.web import Request, Response, json_response

NonEmpty = Annotated[str, pydantic.Field(min_length=1, max_length=200)]


class Scan(pydantic.BaseModel):
    """The arguments of ``scan_ticket``."""

    p_ticket_id: NonEmpty
    p_scanned_by: NonEmpty
    p_device_id: NonEmpty
    p_scan_method: str = "qr"


class Door:
    """The database function ``scan_ticket``."""

    def __init__(self, database: Database, keys: KeyRing, faults: Faults) -> None:
        self._database = database
        self._keys = keys
        self._faults = faults

    async def scan(self, request: Request) -> Response:
        """Admit or refuse; every scan is recorded."""
        self._keys.require_service(request)
        scan = request.read(Scan)
        async with self._database.write() as tx:
            outcome = await self._outcome(tx, scan.p_ticket_id, request.path)
            await tx.execute(
                "INSERT INTO scans (ticket_id, scanned_by, device_id, method, outcome, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                scan.p_ticket_id,
                scan.p_scanned_by,
                scan.p_device_id,
                scan.p_scan_method,
                outcome,
                now_iso(),
            )
        return json_response(
            {"success": outcome == "admitted", "status": outcome, "ticket_id": scan.p_ticket_id}
        )

    async def _outcome(self, tx: Transaction, ticket_id: str, path: str) -> str:
        # One statement tests and marks: two doors that scan at the same moment cannot both win.
        won = await tx.row(
            "UPDATE tickets SET status = 'used', admissions = admissions + 1"
            " WHERE id = ? AND status = 'valid' RETURNING id",
            ticket_id,
        )
        if won is not None:
            return "admitted"
        known = await tx.row("SELECT id FROM tickets WHERE id = ?", ticket_id)
        if known is None:
            return "unknown_ticket"
        if self._faults.acts(Fault.TICKET_ADMITTED_TWICE, path):
            await tx.execute(
                "UPDATE tickets SET admissions = admissions + 1 WHERE id = ?", ticket_id
            )
            return "admitted"
        return "already_used"
