"""Stripe's signature scheme, against an example computed by hand and against tampering."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from examples.targets.stripe import InvalidSignature, sign, verify

BODY = b'{"id": "evt_1"}'


def test_a_signature_is_the_hmac_of_time_dot_payload() -> None:
    digest = hmac.new(b"whsec", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    assert sign("whsec", BODY, 1700000000) == f"t=1700000000,v1={digest}"


@pytest.mark.parametrize("age_s", [0, 300, -300])
def test_a_signature_within_the_tolerance_holds(age_s: int) -> None:
    verify("whsec", BODY, sign("whsec", BODY, 1000), now_s=1000 + age_s, tolerance_s=300)


def test_one_right_signature_among_several_is_enough() -> None:
    header = sign("whsec", BODY, 1000).replace("v1=", "v1=00,v0=ff,v1=")
    verify("whsec", BODY, header, now_s=1000, tolerance_s=300)


def test_without_a_tolerance_any_age_holds() -> None:
    verify("whsec", BODY, sign("whsec", BODY, 1), now_s=1e9, tolerance_s=None)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(sign("another", BODY, 1000), id="another secret"),
        pytest.param(sign("whsec", BODY + b" ", 1000), id="another payload"),
        pytest.param(sign("whsec", BODY, 1000).replace("t=1000", "t=1001"), id="another time"),
        pytest.param(sign("whsec", BODY, 600), id="too old"),
        pytest.param(sign("whsec", BODY, 1400), id="too far ahead"),
        pytest.param("", id="empty"),
        pytest.param("t=1000", id="no signature"),
        pytest.param("v1=00", id="no time"),
        pytest.param("t=now,v1=00", id="time that is no number"),
        pytest.param("t=1000,v1=ü", id="not ASCII"),
    ],
)
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(InvalidSignature):
        verify("whsec", BODY, header, now_s=1000, tolerance_s=300)
