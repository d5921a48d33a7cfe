"""Evaluate the CRD's CEL rules without a cluster: as much of CEL as `kload_spec.crd.rules` uses, by way of Python.

Not CEL: a stand-in that keeps the rules and the models' own checks together in unit tests. The real evaluation is the
API server's, in tests/e2e.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any


class _Self:
    """What `self.x` and `has(self.x)` read."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields = fields

    def __getattr__(self, name: str) -> Any:
        return self._fields[_unescaped(name)]

    def has(self, name: str) -> bool:
        return _unescaped(name) in self._fields


def _unescaped(name: str) -> str:
    return name[2:-2] if name.startswith("__") and name.endswith("__") else name


def broken_rules(rules: Iterable[Mapping[str, str]], value: Mapping[str, Any]) -> list[str]:
    """Return the messages of the rules that a value breaks."""
    return [rule["message"] for rule in rules if not _evaluate(rule["rule"], value)]


def _evaluate(rule: str, value: Mapping[str, Any]) -> bool:
    python = re.sub(r"has\(self\.(\w+)\)", r"this.has('\1')", rule)
    python = re.sub(r"\((this\.has\('\w+'\)) \? 1 : 0\)", r"int(\1)", python)
    python = python.replace("&&", " and ").replace("||", " or ").replace("self.", "this.")
    python = re.sub(r"!(?!=)", " not ", python).strip()
    # Operands of != between two tests are compared as truths, `not` binds looser than that in Python only.
    return bool(
        eval(
            python,
            {"__builtins__": {}},
            {"this": _Self(value), "int": int, "type": type, "size": len},
        )
    )
