"""Numbers as people read them: times, rates, shares, sizes. The one place that writes them, for verdicts, displays and
every form of report.

A space stands before a unit (SI brochure 5.4.3), also before the percent sign; a rate is written `98/s`. What a user
typed, a threshold or a duration, is shown as it was typed and never comes through here.

A `Figure` also knows what its text says: who must not contradict a verdict asks for finer ones until it says the right
thing (`thresholds.display`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

MOST_FINER = (
    15  # decimals more than usual: with them any two floats that people write can be told apart
)
_PER_S = {1.0: "/s", 60.0: "/min", 3600.0: "/h"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as text, and the number that the text says, in the unit it was given in."""

    text: str
    value: Fraction


Writer = Callable[[float, int], Figure]


def milliseconds(value_ms: float | None) -> str:
    """Write a time: ``0.42 ms``, ``18.3 ms``, ``847 ms``, ``1.24 s``, ``2 m 05 s``; a dash where there is none."""
    return "-" if value_ms is None else time_figure(value_ms).text


def time_figure(value_ms: float, finer: int = 0) -> Figure:
    """Write a time of so many milliseconds, with `finer` more digits than people need."""
    size = abs(value_ms)
    if size >= 59_995 and not finer:
        return Figure(clock(value_ms / 1000), Fraction(round(value_ms / 1000)) * 1000)
    if size >= 999.5:
        return _figure(value_ms / 1000, 2 + finer, " s", Fraction(1000))
    decimals = 2 if size < 9.995 else 1 if size < 99.95 else 0
    return _figure(value_ms, decimals + finer, " ms")


def clock(seconds: float) -> str:
    """Write a length of time for people: ``8 s``, ``2 m 05 s``, ``1 h 02 m``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def count(value: float) -> str:
    """Write a count with thousands separated: ``12,345``."""
    return f"{value:,.0f}"


def rate(per_s: float) -> str:
    """Write a rate per second: ``0.5/s``, ``98/s``, ``12,345/s``."""
    return rate_figure(per_s).text


def rate_figure(value: float, finer: int = 0, *, per_s: float = 1.0) -> Figure:
    """Write a rate, per `per_s` seconds: ``12.5/s``, ``420/min``."""
    coarse = value >= 100 or value == round(value)
    return _figure(value, (0 if coarse else 1) + finer, per(per_s))


def per(seconds: float) -> str:
    """Write what a rate is per: ``/s``, ``/min``, ``/h``, ``/5 s``."""
    return _PER_S.get(seconds, f"/{seconds:g} s")


def share(part: float) -> str:
    """Write a share of 1 in percent, never rounding a few failures away to 0 % or 100 %: ``5 %``, ``0.004 %``."""
    return share_figure(part).text


def progress(part: float) -> str:
    """Write how much of something is done, in whole percent: ``7 %``."""
    return f"{part * 100:.0f} %"


def share_figure(part: float, finer: int = 0) -> Figure:
    """Write a share of 1 in percent."""
    for decimals in (2, 3, 4, 6):
        text = f"{part * 100:.{decimals + finer}f}".rstrip("0").rstrip(".")
        said = _said(text) / 100
        if said not in (0, 1) or said == part:
            return Figure(f"{text} %", said)
    bound = "< 0.000001 %" if part < 0.5 else "> 99.999999 %"
    return Figure(bound, Fraction(part))


def size(bytes_: float) -> str:
    """Write an amount of data in powers of 1000: ``512 B``, ``3.4 kB``, ``1.2 GB``."""
    return size_figure(bytes_).text


def size_figure(bytes_: float, finer: int = 0) -> Figure:
    """Write an amount of data."""
    value, factor = float(bytes_), 1
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return _figure(value, finer + (unit != "B"), f" {unit}", Fraction(factor))
        value, factor = value / 1000, factor * 1000
    return _figure(value, 1 + finer, " TB", Fraction(factor))


def plain(value: float) -> str:
    """Write a number without a unit: ``12``, ``1.5``, ``1,234,568``."""
    return plain_figure(value).text


def plain_figure(value: float, finer: int = 0) -> Figure:
    """Write a number without a unit, with six digits or more."""
    if value == round(value) or (abs(value) >= 1e6 and not finer):
        return _figure(value, 0, "")
    text = f"{value:,.{6 + finer}g}"
    return _figure(value, finer, "") if "e+" in text else Figure(text, _said(text))


def _figure(value: float, decimals: int, unit: str, factor: Fraction | int = 1) -> Figure:
    text = f"{value:,.{decimals}f}"
    return Figure(text + unit, _said(text) * factor)


def _said(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))
