"""Paths of a document as messages show them: ``spec.scenarios.buy.steps[0].checks["status is 200"]``.

One spelling for models, planner and line numbers, so that a path found by one is understood by the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from json import dumps

_PLAIN = re.compile(r"[0-9A-Za-z_$-]+")


def child(path: str, key: str | int) -> str:
    """Return the path of an entry of a map or list."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN.fullmatch(key):
        return f"{path}[{dumps(key, ensure_ascii=False)}]"
    return f"{path}.{key}" if path else key


def path_of(keys: Iterable[str | int]) -> str:
    """Return the path that leads along these keys."""
    path = ""
    for key in keys:
        path = child(path, key)
    return path
