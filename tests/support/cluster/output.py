"""What a person reads while a cluster comes up: one line per step, with its time.

Writes to standard error only, so that commands whose output is data stay usable in a pipe.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line at once."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Print `what` with the seconds it took; nothing is printed when it fails."""
    began = time.monotonic()
    yield
    say(f"  {what}: {time.monotonic() - began:.1f} s")


def duration(seconds: float) -> str:
    """Write seconds as a person would: ``40 s``, ``12 min``."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
