"""Exact time for load shapes: whole nanoseconds inside, seconds as float at the border.

Knows no shape and reads no clock. Shapes are compared over many runners, so two runners must get the very same
instant for the same index; integers leave no rounding to argue about. Rounding is always up to the next nanosecond,
which makes ``instant(k) <= t`` and ``k is due by t`` the same statement for every whole t.
"""

from __future__ import annotations

NS_PER_S = 1_000_000_000


def to_ns(seconds: float) -> int:
    """Convert seconds to the nearest whole nanosecond; exact back and forth for spans up to 26 days."""
    return round(seconds * NS_PER_S)


def to_s(nanoseconds: int) -> float:
    """Convert whole nanoseconds to seconds."""
    return nanoseconds / NS_PER_S


def ceil_div(dividend: int, divisor: int) -> int:
    """Divide whole numbers, rounding up."""
    return -(-dividend // divisor)


def within(t_s: float, duration_s: float) -> bool:
    """Tell whether an instant lies in a shape of this length: its start included, its end excluded."""
    return 0 <= to_ns(t_s) < to_ns(duration_s)
