"""Locks between processes: files that are held, alone or together, for as long as a block runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file alone."""
    with _held(path, fcntl.LOCK_EX):
        yield


@contextmanager
def shared(path: Path) -> Iterator[None]:
    """Hold a lock file together with others who share it."""
    with _held(path, fcntl.LOCK_SH):
        yield


@contextmanager
def exclusive_and_removed(path: Path) -> Iterator[None]:
    """Hold a lock file alone, and leave none behind.

    Whoever waited for a file that is gone by then tries again with the one that has taken its place.
    """
    while True:
        with _held(path, fcntl.LOCK_EX) as same:
            if same():
                try:
                    yield
                finally:
                    path.unlink(missing_ok=True)
                return


@contextmanager
def _held(path: Path, kind: int) -> Iterator[Callable[[], bool]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        fcntl.flock(handle, kind)

        def same() -> bool:
            """Tell whether the file held is still the one at the path."""
            try:
                return path.stat().st_ino == os.fstat(handle.fileno()).st_ino
            except FileNotFoundError:
                return False

        yield same
