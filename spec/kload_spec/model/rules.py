"""Thresholds as they are written: texts in lists, by metric. `thresholds.grammar` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from typing_extensions import override

from kload_spec.model.scalars import Keys, Settled, fault, show


@dataclass(frozen=True, slots=True)
class RuleText(Settled):
    """One rule: text with parameters put in."""

    most: int = 256

    @override
    def convert(self, value: object) -> str:
        """Return the rule, or say how k6's object form is written here."""
        if isinstance(value, dict) and "threshold" in value:
            raise fault(f"is k6's object form; write {_from_k6(value)!r}")
        return Settled.convert(self, value)


def _from_k6(value: Mapping[str, Any]) -> str:
    abort = " abort" if value.get("abortOnFail") else ""
    delay = f" after {value['delayAbortEval']}" if abort and value.get("delayAbortEval") else ""
    return f"{value['threshold']}{abort}{delay}"


def _listed(value: object) -> object:
    if isinstance(value, str):
        raise fault(f"{show(value)} is one rule; write a list of them: [{value!r}]")
    if isinstance(value, dict):
        raise fault(f"{show(value)} is no list of rules; write e.g. ['p(95)<500ms']")
    return value


Rules = Annotated[
    tuple[Annotated[str, RuleText()], ...],
    Field(min_length=1, max_length=16),
    BeforeValidator(_listed),
]
Thresholds = Annotated[dict[str, Rules], Field(max_length=128), Keys("a metric", None, 512)]
