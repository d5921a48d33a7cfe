"""The engine: virtual users, the wire, metrics, the command line. Never imports the operator.

`kload_runner.run(path, **overrides)` runs a LoadTest from Python; see `api`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kload_runner.api import run

__all__ = ["run"]


def __getattr__(name: str) -> Any:
    """Load the engine when it is first asked for: importing one module of it must not import all of it."""
    if name == "run":
        from kload_runner.api import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
