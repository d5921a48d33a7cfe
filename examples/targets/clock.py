"""Wall-clock time as the demo servers store and show it."""

from __future__ import annotations

from datetime import UTC, datetime


def now_iso() -> str:
    """Return the time as UTC text with milliseconds; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
