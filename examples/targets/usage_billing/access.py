"""Who may do what: API keys for machines, session cookies for people.

/api      Authorization: Bearer KEY; the key names the organisation, so naming one beside it is refused
/admin    Cookie: _sid=SESSION; the organisation is X-Org-Id, or the one the session has active
"""

from __future__ import annotations

from examples.targets.faults import Fault, Faults
from examples.targets.storage import Database
from examples.targets.usage_billing.schema import ORG_ID, hashed
from examples.targets.web import Refusal, Request

SESSION_COOKIE = "_sid"
ORG_NAMES = ("x-org-id", "org_id")


class Access:
    """Resolves requests to organisations."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults

    async def api_org(self, request: Request) -> str:
        """Return the organisation of the request's API key.

        Raises:
            Refusal: 401, no key or one that is unknown or revoked; 400, the request names an organisation itself.
        """
        org_id = await self._org_of_key(request)
        if not self._faults.acts(Fault.ORG_HEADER_ACCEPTED, request.path):
            named = [name for name in ORG_NAMES if name in request.headers or name in request.query]
            if named:
                message = f"{named[0]}: the organisation comes from the API key; leave it out"
                raise Refusal(400, "org_not_allowed", message)
        return org_id

    async def admin_org(self, request: Request) -> str:
        """Return the organisation an admin's request is about.

        Raises:
            Refusal: 401 without a session, 400 without an organisation, 403 for a foreign one.
        """
        session_id = request.cookie(SESSION_COOKIE)
        if session_id is None:
            if self._faults.acts(Fault.NO_KEY_ACCEPTED, request.path):
                return ORG_ID
            raise Refusal(401, "no_session", f"send the cookie {SESSION_COOKIE}")
        async with self._database.read() as tx:
            session = await tx.row(
                "SELECT user_id, active_org_id FROM sessions WHERE hash = ?", hashed(session_id)
            )
            if session is None:
                raise Refusal(401, "invalid_session", "the session is unknown or has ended")
            org_id: str | None = request.headers.get("x-org-id") or session["active_org_id"]
            if org_id is None:
                raise Refusal(
                    400, "no_org", "the session has no active organisation; send X-Org-Id"
                )
            member = await tx.row(
                "SELECT org_id FROM memberships WHERE user_id = ? AND org_id = ?",
                session["user_id"],
                org_id,
            )
        if member is None:
            raise Refusal(403, "foreign_org", f"you are no member of organisation {org_id}")
        return org_id

    async def _org_of_key(self, request: Request) -> str:
        token = request.bearer
        if token is not None:
            async with self._database.read() as tx:
                key = await tx.row(
                    "SELECT org_id FROM api_keys WHERE hash = ? AND revoked = 0", hashed(token)
                )
            if key is not None:
                org_id: str = key["org_id"]
                return org_id
        if self._faults.acts(Fault.NO_KEY_ACCEPTED, request.path):
            return ORG_ID
        raise Refusal(401, "invalid_api_key", "send Authorization: Bearer <API key>")
