"""Who may do what: an organisation's token, or a person's, as ``Authorization: Bearer``."""

from __future__ import annotations

from examples.targets.faults import Fault, Faults
from examples.targets.payments_platform.schema import ORG_ID, hashed
from examples.targets.storage import Database
from examples.targets.web import Refusal, Request


class Access:
    """Resolves tokens to organisations."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults

    async def org(self, request: Request) -> str:
        """Return the organisation of the request's token.

        Raises:
            Refusal: 401, no token or an unknown one.
        """
        token = request.bearer
        if token is not None:
            async with self._database.read() as tx:
                row = await tx.row("SELECT org_id FROM tokens WHERE hash = ?", hashed(token))
            if row is not None:
                org_id: str = row["org_id"]
                return org_id
        if self._faults.acts(Fault.NO_KEY_ACCEPTED, request.path):
            return ORG_ID
        raise Refusal(401, "invalid_token", "send Authorization: Bearer <token>")
