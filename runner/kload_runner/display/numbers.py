"""Numbers as people read them: times, rates, shares, sizes. Used by the live display and by every report.

The verdict's side of a bound is kept by whoever chose the number; here it is only written down.
"""

from __future__ import annotations


def milliseconds(value_ms: float | None) -> str:
    """Write a time: ``0.42 ms``, ``18.3 ms``, ``847 ms``, ``1.24 s``, ``2 m 05 s``; a dash where there is none."""
    if value_ms is None:
        return "-"
    size = abs(value_ms)
    if size < 10:
        return f"{value_ms:.2f} ms"
    if size < 100:
        return f"{value_ms:.1f} ms"
    if size < 1000:
        return f"{value_ms:.0f} ms"
    if size < 60_000:
        return f"{value_ms / 1000:.2f} s"
    return clock(value_ms / 1000)


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
    return f"{per_s:,.0f}/s" if per_s >= 100 or per_s == round(per_s) else f"{per_s:.1f}/s"


def share(part: float) -> str:
    """Write a share of 1 in percent, never rounding a few failures away to 0 % or 100 %: ``0.004 %``, ``99.99 %``."""
    if part in (0.0, 1.0):
        return f"{part * 100:.0f} %"
    percent = part * 100
    for digits in (2, 3, 4, 6):
        text = f"{percent:.{digits}f}"
        if float(text) not in (0.0, 100.0):
            return f"{text} %"
    return "< 0.000001 %" if percent < 50 else "> 99.999999 %"


def size(bytes_: float) -> str:
    """Write an amount of data in powers of 1000: ``512 B``, ``3.4 kB``, ``1.2 GB``."""
    value = float(bytes_)
    for unit in ("B", "kB", "MB", "GB"):
        if abs(value) < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def observed(value: float | None, unit: str) -> str:
    """Write a metric's value by its unit: ``time`` (ms), ``rate`` (a share), ``data`` (bytes), anything else
    as a number.
    """
    if value is None:
        return "no samples"
    match unit:
        case "time":
            return milliseconds(value)
        case "share":
            return share(value)
        case "data":
            return size(value)
        case _:
            return f"{value:,.6g}" if value != round(value) else count(value)
