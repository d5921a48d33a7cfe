"""Cursors: where a page ends, as an opaque text.

A cursor names the last row that was given, not a count of rows: rows that are written meanwhile move nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from examples.targets.web import Refusal

MAX_PAGE_SIZE = 200
DEFAULT_PAGE_SIZE = 50
BEFORE_ALL = 2**62  # newest first: every number is below it


def encode(number: int) -> str:
    """Return the cursor behind the row with this number."""
    return base64.urlsafe_b64encode(f"n:{number}".encode()).decode().rstrip("=")


def decode(cursor: str | None) -> int:
    """Return the number of the last row given; without a cursor, one above all.

    Raises:
        Refusal: 400, the text is no cursor of ours.
    """
    if cursor is None:
        return BEFORE_ALL
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        kind, _, number = text.partition(":")
        if kind == "n":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise Refusal(400, "invalid_cursor", f"cursor: {cursor!r} is not one that was handed out")


def page_size(query: Mapping[str, str]) -> int:
    """Return how many rows are asked for, 1 to `MAX_PAGE_SIZE`.

    Raises:
        Refusal: 400, another number or none at all.
    """
    text = query.get("page_size", str(DEFAULT_PAGE_SIZE))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_PAGE_SIZE:
        raise Refusal(400, "invalid_page_size", f"page_size: {text!r}; give 1 to {MAX_PAGE_SIZE}")
    return int(text)
