"""Wait for what a cluster does in its own time: one helper with a deadline, instead of sleeps."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    look: Callable[[], T],
    *,
    within_s: float = 30.0,
    every_s: float = 0.1,
    until: Callable[[T], bool] = bool,
    unless: Callable[[T], bool] | None = None,
    what: str = "",
) -> T:
    """Look again and again until what is seen is as wanted, and return it.

    Args:
        look: what to look at; an AssertionError of it means "not yet".
        within_s: how long to wait at most.
        every_s: pause between two looks.
        until: what is wanted of the value; by default that it is true.
        unless: what cannot come right any more; ends the wait at once.
        what: names the thing in the message.

    Raises:
        AssertionError: it did not come; the text holds what was seen last.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            seen = look()
        except AssertionError as error:
            last = str(error)
        else:
            if until(seen):
                return seen
            last = f"saw {seen!r}"
            if unless is not None and unless(seen):
                raise AssertionError(f"{what or 'the wait'} cannot come right: {last}")
        if time.monotonic() > deadline:
            raise AssertionError(f"{what or 'it'} did not come within {within_s:g} s: {last}")
        time.sleep(every_s)
