"""The secret that lets the operator command its runners, and nobody else: HMAC(operator key, run uid).

Nothing is stored per run: an operator that was restarted computes the same token. Runners know its hash alone.
The key is one Secret in the operator's own namespace (`cluster` reads it), made at the first start.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

KEY_SECRET = "kload-operator-key"
KEY_FIELD = "key"
KEY_BYTES = 32


def new_key() -> bytes:
    """Return a fresh operator key."""
    return secrets.token_bytes(KEY_BYTES)


def run_token(key: bytes, run_uid: str) -> str:
    """Return the token that the runners of a run ask for."""
    return hmac.new(key, run_uid.encode(), hashlib.sha256).hexdigest()
