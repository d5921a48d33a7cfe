"""`os._exit` while a script is open: it must not end this process as if the test had passed.

`sys.exit` is an exception and is taken for one; `os._exit(0)` would be the exit code of a test that held.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

EXIT_SCRIPT = 107  # docs/exit-codes.md
MESSAGE = b"kload: the script ended the whole process (os._exit); there is no result\n"


@contextmanager
def exit_codes_guarded() -> Iterator[None]:
    """Let `os._exit(0)` end this process with 107 inside the block; its children exit as they like."""
    leave = os._exit
    os._exit = _guarded(leave, os.getpid())  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = leave


def _guarded(leave: Callable[[int], NoReturn], owner: int) -> Callable[[int], NoReturn]:
    def exit_with_an_error(status: int) -> NoReturn:
        if os.getpid() == owner:
            os.write(2, MESSAGE)
            status = status or EXIT_SCRIPT
        leave(status)

    return exit_with_an_error
