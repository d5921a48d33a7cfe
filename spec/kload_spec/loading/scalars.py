"""What a plain scalar is to kubectl: the rules of Go's YAML parser and of JSON, not those of Python's.

`kubectl apply` turns YAML into JSON with sigs.k8s.io/yaml (go-yaml v2) before it sends anything, and the API server
reads JSON numbers without a fraction as integers. So ``yes`` is true, ``010`` is 8, ``1_000`` is 1000, ``3.0`` is 3,
``08`` is 8, and ``2024-01-01``, ``12:30`` and ``1e400`` are texts.

Source: resolve.go of go.yaml.in/yaml v2.4, yaml.go of sigs.k8s.io/yaml 1.6; the table of tests/kload_spec/loading was
made by running them.
"""

from __future__ import annotations

import math
import re

Scalar = None | bool | int | float | str

_TRUE = frozenset({"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_NOT_FINITE = frozenset(
    {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
    | {".nan", ".NaN", ".NAN"}
)
_INTEGER = re.compile(
    r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|0([0-7]+)|(0|[1-9][0-9]*))"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?", re.DOTALL)
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])_(?=[0-9])")
MAX_INT = 2**63 - 1


class UnusableNumber(ValueError):
    """A number that JSON or 64 bits cannot hold; the message says what to write."""


def resolve_plain(text: str) -> Scalar:
    """Return what an unquoted scalar is.

    Raises:
        UnusableNumber: infinity, not-a-number, or an integer that would lose digits.
    """
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text in _NOT_FINITE:
        raise UnusableNumber(
            f"{text} is no number that can be sent as JSON; quote it if it is text"
        )
    if text[0] not in "+-.0123456789" or _TIMESTAMP.fullmatch(text):
        return text
    plain = _BETWEEN_DIGITS.sub("", text) if text[0] == "." else text.replace("_", "")
    number: int | float | None = _integer(plain)
    if number is None and _FLOAT.fullmatch(plain):
        number = _as_json(float(plain))
    return text if number is None else number


def _integer(text: str) -> int | None:
    match = _INTEGER.fullmatch(text)
    if match is None:
        return None
    sign, hexadecimal, octal, binary, old_octal, decimal = match.groups()
    digits, base = next(
        (digits, base)
        for digits, base in (
            (hexadecimal, 16),
            (octal, 8),
            (binary, 2),
            (old_octal, 8),
            (decimal, 10),
        )
        if digits is not None
    )
    value = int(sign + digits, base)
    if not -MAX_INT - 1 <= value <= MAX_INT:
        raise UnusableNumber(
            f"{text} has too many digits for a number; quote it to keep all of them"
        )
    return value


def _as_json(value: float) -> int | float | None:
    """Return a float as it comes back from JSON: without a fraction an integer. None: out of range, so text."""
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() and abs(value) < 2**63 else value


def key_text(key: Scalar) -> str | None:
    """Return a resolved key as the text it becomes in JSON; None for null, which cannot be a key."""
    match key:
        case None:
            return None
        case bool():
            return "true" if key else "false"
        case _:
            return str(key)
