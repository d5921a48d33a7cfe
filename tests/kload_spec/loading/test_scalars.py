"""Scalars are read as kubectl reads them: the table was made by running sigs.k8s.io/yaml 1.6 (YAMLToJSON)."""

from __future__ import annotations

import pytest

from kload_spec.loading.scalars import UnusableNumber, key_text, resolve_plain

KUBECTL = [
    ('y', True),
    ('Y', True),
    ('yes', True),
    ('no', False),
    ('on', True),
    ('Off', False),
    ('NO', False),
    ('n', False),
    ('N', False),
    ('true', True),
    ('True', True),
    ('TRUE', True),
    ('false', False),
    ('null', None),
    ('Null', None),
    ('~', None),
    ('010', 8),
    ('0o17', 15),
    ('0O17', 15),
    ('017', 15),
    ('08', 8),
    ('09.5', 9.5),
    ('0x1F', 31),
    ('0X1f', 31),
    ('-0x1F', -31),
    ('+5', 5),
    ('-5', -5),
    ('+0', 0),
    ('-0', 0),
    ('0b101', 5),
    ('-0b101', -5),
    ('0B11', 3),
    ('1_000', 1000),
    ('1__0', 10),
    ('_1', '_1'),
    ('1_', 1),
    ('0_8', 8),
    ('+_5', 5),
    ('3.0', 3),
    ('3.', 3),
    ('.5', 0.5),
    ('-.5', -0.5),
    ('+.5', 0.5),
    ('1e3', 1000),
    ('1E3', 1000),
    ('1e-3', 0.001),
    ('1.5e3', 1500),
    ('.5e1', 5),
    ('1e400', '1e400'),
    ('-1e400', '-1e400'),
    ('12:30', '12:30'),
    ('1:30:45', '1:30:45'),
    ('190:20:30', '190:20:30'),
    ('2024-01-01', '2024-01-01'),
    ('2024-1-1', '2024-1-1'),
    ('2024-01-01T10:00:00Z', '2024-01-01T10:00:00Z'),
    ('2024-01-01x', '2024-01-01x'),
    ('2024-13-45', '2024-13-45'),
    ('20240101', 20240101),
    ('1.2.3', '1.2.3'),
    ('1.0.0', '1.0.0'),
    ('v1', 'v1'),
    ('0.1', 0.1),
    ('100', 100),
    ('9223372036854775807', 9223372036854775807),
    ('-9223372036854775808', -9223372036854775808),
    ('1e18', 1000000000000000000),
    ('1e19', 1e19),
    ('1e20', 1e20),
    ('0x', '0x'),
    ('0b', '0b'),
    ('0o', '0o'),
    ('0b2', '0b2'),
    ('0o8', '0o8'),
    ('0xG', '0xG'),
    ('+', '+'),
    ('.', '.'),
    ('..', '..'),
    ('...', '...'),
    ('--', '--'),
    ('++5', '++5'),
    ('+-5', '+-5'),
    ('5%', '5%'),
    ('1/2', '1/2'),
    ('inf', 'inf'),
    ('nan', 'nan'),
    ('Infinity', 'Infinity'),
    ('tRue', 'tRue'),
    ('yEs', 'yEs'),
    ('oN', 'oN'),
    ('1,000', '1,000'),
    ('1e', '1e'),
    ('1e+', '1e+'),
    ('e5', 'e5'),
    ('0.0', 0),
    ('-0.0', 0),
    ('1_0.5', 10.5),
    ('.5_0', 0.5),
    ('._5', '._5'),
    ('0.5e', '0.5e'),
    ('5e5_0', 5e+50),
    ('00', 0),
    ('000', 0),
    ('0_0', 0),
    ('07_7', 63),
    ('0x_1F', 31),
    ('0x1_F', 31),
    ('0b1_0', 2),
    ('0o1_7', 15),
    ('1.5E+3', 1500),
    ('1.7976931348623157e308', 1.7976931348623157e+308),
    ('5e-324', 5e-324),
    ('1e-400', 0),
    ('+.5e3', 500),
    ('0x1p-2', '0x1p-2'),
    ('0x1.8p1', '0x1.8p1'),
    ('-0b_1', -1),
    ('+0b11', 3),
    ('+0x1f', 31),
    ('+017', 15),
    ('-017', -15),
    ('-08', -8),
    ('0e0', 0),
    ('0E5', 0),
    ('1.e5', 100000),
    ('123abc', '123abc'),
    ('2001-12-14t21:59:43.10-05:00', '2001-12-14t21:59:43.10-05:00'),
    ('2001-2-3', '2001-2-3'),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), KUBECTL)
def test_a_plain_scalar_is_what_kubectl_makes_of_it(text: str, value: object) -> None:
    resolved = resolve_plain(text)
    assert (resolved, type(resolved)) == (value, type(value))


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "123456789012345678901234567890",
        ".inf",
        ".nan",
        "+.inf",
        "-.Inf",
        "0xFFFFFFFFFFFFFFFF",
        "0b1111111111111111111111111111111111111111111111111111111111111111",
    ],
)
def test_a_number_that_would_lose_digits_is_refused(text: str) -> None:
    with pytest.raises(UnusableNumber, match="quote it"):
        resolve_plain(text)


def test_an_empty_scalar_is_null() -> None:
    assert resolve_plain("") is None


@pytest.mark.parametrize(
    ("key", "text"), [(True, "true"), (False, "false"), (8080, "8080"), ("a", "a"), (1.5, "1.5")]
)
def test_keys_become_text(key: bool | int | float | str, text: str) -> None:
    assert key_text(key) == text


def test_null_is_no_key() -> None:
    assert key_text(None) is None
