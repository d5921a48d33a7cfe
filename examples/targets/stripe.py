"""Stripe's webhook signatures: made for tests and tools, verified by the servers.

Source: https://docs.stripe.com/webhooks#verify-manually (scheme v1, HMAC-SHA256 over ``<t>.<payload>``).
Knows nothing of HTTP; the clock comes in as an argument.
"""

from __future__ import annotations

import hashlib
import hmac

TOLERANCE_S = 300  # Stripe's own libraries refuse older signatures, against replays


class InvalidSignature(ValueError):
    """The header does not prove that the payload came from the holder of the secret."""


def sign(secret: str, payload: bytes, at_s: int) -> str:
    """Return the header ``Stripe-Signature`` for a payload signed at `at_s` (Unix time)."""
    return f"t={at_s},v1={_digest(secret, payload, str(at_s))}"


def verify(
    secret: str, payload: bytes, header: str, *, now_s: float, tolerance_s: float | None
) -> None:
    """Check a header; several ``v1`` are allowed, as while a secret is being rolled.

    Args:
        tolerance_s: how old or how far ahead the signature may be; None for any age.

    Raises:
        InvalidSignature: malformed, not ours, or too old.
    """
    parts = [item.strip().partition("=")[::2] for item in header.split(",")]
    timestamp = next((value for key, value in parts if key == "t"), "")
    signatures = [value for key, value in parts if key == "v1"]
    if not timestamp.isdecimal() or not signatures:
        raise InvalidSignature("Stripe-Signature must read t=<unix seconds>,v1=<hex>")
    expected = _digest(secret, payload, timestamp)
    # Compared as bytes: compare_digest refuses text beyond ASCII.
    if not any(hmac.compare_digest(expected.encode(), given.encode()) for given in signatures):
        raise InvalidSignature("no v1 signature matches the payload")
    if tolerance_s is not None and abs(now_s - int(timestamp)) > tolerance_s:
        raise InvalidSignature(f"the timestamp is more than {tolerance_s:g} s away")


def _digest(secret: str, payload: bytes, timestamp: str) -> str:
    return hmac.new(
        secret.encode(), timestamp.encode() + b"." + payload, hashlib.sha256
    ).hexdigest()
