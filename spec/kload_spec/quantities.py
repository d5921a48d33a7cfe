"""Quantities as people write them: durations, shares and sizes, to numbers in base units and back.

Pure text work, used by the models for every bare number that travels: ``1m30s`` is 90.0 seconds, ``1%`` is 0.01,
``64MiB`` is 67108864 bytes. A number without a unit is never a quantity: k6 reads it as milliseconds, Kubernetes as
seconds, so it is refused with both readings.

    duration = part { part }        part = number unit        unit = "d" | "h" | "m" | "s" | "ms" | "us" | "µs" | "ns"
    share    = number "%" | number  0% to 100%, 0 to 1
    size     = number unit          unit = "B" | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB"

Source: Go's time.ParseDuration (with k6's ``d``), Kubernetes' resource.Quantity for the idea of unit words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_PART = re.compile(rf"({_NUMBER})(d|h|ms|m|s|us|µs|μs|ns)")  # both micro signs, as in Go
_SHARE = re.compile(rf"({_NUMBER})\s*(%?)")
_SIZE = re.compile(rf"({_NUMBER})\s*([A-Za-z]+)")
_BARE = re.compile(rf"[+-]?{_NUMBER}")

_MAX_CHARS = 64  # no sane quantity is longer; bounds the work
MAX_DURATION_S = 366 * 86_400.0  # a year: longer is a slip of the pen

SECONDS_PER: Mapping[str, Fraction] = MappingProxyType(
    {
        "d": Fraction(86_400), "h": Fraction(3_600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 10**3),
        "us": Fraction(1, 10**6), "µs": Fraction(1, 10**6), "μs": Fraction(1, 10**6), "ns": Fraction(1, 10**9),
    }
)  # fmt: skip
BYTES_PER: Mapping[str, int] = MappingProxyType(
    {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
)


class QuantityError(ValueError):
    """A text that is no quantity; the message says why and names the text."""


def parse_duration(text: str) -> float:
    """Return a duration in seconds: ``1m30s`` is 90.0, ``500ms`` 0.5, ``0s`` 0.0.

    Raises:
        QuantityError: no duration, without a unit, negative, or longer than a year.
    """
    trimmed = text.strip()
    if trimmed.startswith("-"):
        raise QuantityError(f"{text!r} is negative")
    if _BARE.fullmatch(trimmed) and len(trimmed) <= _MAX_CHARS:
        raise QuantityError(f"{text!r} has no unit; write {trimmed}s or {trimmed}ms")
    position, total = 0, Fraction(0)
    while len(trimmed) <= _MAX_CHARS and (part := _PART.match(trimmed, position)):
        total += Fraction(part[1] if part[1][-1] != "." else part[1] + "0") * SECONDS_PER[part[2]]
        position = part.end()
    if not trimmed or position != len(trimmed):
        raise QuantityError(
            f"{text[:_MAX_CHARS]!r} is no duration; write a number and a unit (d h m s ms)"
        )
    if total > MAX_DURATION_S:
        raise QuantityError(f"{text!r} is longer than a year")
    return float(total)


def format_duration(seconds: float) -> str:
    """Return a duration as people write it: 90.0 is ``1m30s``, 0.5 is ``500ms``, 0.0 is ``0s``."""
    if seconds < 0:
        return f"-{format_duration(-seconds)}"
    if seconds < 1:
        milliseconds = f"{seconds * 1000:.3f}".rstrip("0").rstrip(".")
        return "0s" if milliseconds == "0" else f"{milliseconds}ms"
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    shown = f"{hours}h" if hours else ""
    shown += f"{minutes}m" if minutes else ""
    return shown + (f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s" if rest or not shown else "")


def parse_share(text: str) -> float:
    """Return a share from 0 to 1: ``1%`` and ``0.01`` are 0.01.

    Raises:
        QuantityError: no share, or outside 0 to 1.
    """
    match = _SHARE.fullmatch(text.strip()) if len(text) <= _MAX_CHARS else None
    if match is None:
        raise QuantityError(f"{text[:_MAX_CHARS]!r} is no share; write a percentage")
    share = float(Fraction(match[1].rstrip(".")) / (100 if match[2] else 1))
    if share > 1:
        hint = "" if match[2] else f"; write {match[1]}% if you mean percent"
        raise QuantityError(f"{text!r} is more than the whole{hint}")
    return share


def parse_size(text: str) -> int:
    """Return a size in bytes: ``64MiB`` is 67108864.

    Raises:
        QuantityError: no size, or an unknown unit.
    """
    match = _SIZE.fullmatch(text.strip()) if len(text) <= _MAX_CHARS else None
    if match is None or match[2] not in BYTES_PER:
        raise QuantityError(
            f"{text[:_MAX_CHARS]!r} is no size; write a number and a unit (B kB MB GB KiB MiB GiB)"
        )
    return int(Fraction(match[1].rstrip(".")) * BYTES_PER[match[2]])
