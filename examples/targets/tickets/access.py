"""Who may do what: Supabase's two keys.

The anonymous key is public and buys tickets; the service key is the organiser's and may do everything.
Source: https://supabase.com/docs/guides/api/api-keys
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from enum import StrEnum

from examples.targets.faults import Fault, Faults
from examples.targets.web import Refusal, Request


class Role(StrEnum):
    """Whom a key belongs to."""

    ANON = "anon"
    SERVICE = "service_role"


class KeyRing:
    """Tells roles by keys."""

    def __init__(self, environment: Mapping[str, str], faults: Faults) -> None:
        self._keys = (
            (Role.SERVICE, environment["SUPABASE_SERVICE_ROLE_KEY"].encode()),
            (Role.ANON, environment["SUPABASE_ANON_KEY"].encode()),
        )
        self._faults = faults

    def role(self, request: Request) -> Role:
        """Return the role of the request's key, from ``Authorization: Bearer`` or ``apikey``.

        Raises:
            Refusal: 401, no key or an unknown one.
        """
        given = request.bearer or request.headers.get("apikey")
        for role, key in self._keys:
            if given is not None and hmac.compare_digest(given.encode(), key):
                return role
        if self._faults.acts(Fault.NO_KEY_ACCEPTED, request.path):
            return Role.SERVICE
        if given is None:
            raise Refusal(
                401, "no_api_key", "send Authorization: Bearer <key>, or the header apikey"
            )
        raise Refusal(401, "invalid_api_key", "the key is neither the anon nor the service key")

    def require_service(self, request: Request) -> None:
        """Let only the organiser through.

        Raises:
            Refusal: 401 without a valid key, 403 with the anonymous one.
        """
        if self.role(request) is not Role.SERVICE:
            raise Refusal(403, "permission_denied", f"{request.path} needs the service key")
