"""Header fields of a step's requests: those that never change, and those that do.

`headers` are the step's own over the target's; a whole map (`headers: $(...)`) comes on top of them. A field
whose value is null is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kload_runner.steps.bodies import content_type, text_of
from kload_runner.steps.outcomes import IterationFailed
from kload_runner.steps.state import State
from kload_spec.expressions import CompiledValue, EvaluationError, Template, Value
from kload_spec.program import RequestStep

Fields = tuple[tuple[str, str], ...]

_BREAK = re.compile(r"[\x00\r\n]")
_FIXED_ROOTS = frozenset({"env", "params", "totals"})
_FIXED_NAMES = frozenset({"scenario", "run.id"})


def is_fixed(names: frozenset[str]) -> bool:
    """Say whether whatever reads these names is known when the run is prepared."""
    return all(name in _FIXED_NAMES or name.partition(".")[0] in _FIXED_ROOTS for name in names)


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """The fields of one step.

    Attributes:
        fixed: names and values known when the run is prepared.
        varying: names and how their values come about.
        varying_map: a whole map of fields that is known per iteration only.
    """

    fixed: Fields
    varying: tuple[tuple[str, Template], ...]
    varying_map: CompiledValue | None = None

    @property
    def all_fixed(self) -> bool:
        """Whether no field varies."""
        return not self.varying and self.varying_map is None


def plan_fields(step: RequestStep, state: State) -> FieldPlan:
    """Tell fixed from varying fields of a step, and add the Content-Type of its body.

    Raises:
        EvaluationError: a fixed value cannot be worked out.
    """
    plan = plan_headers(step.headers, step.headers_map, state)
    if step.body is None:
        return plan
    names = {name.lower() for name, _ in (*plan.fixed, *plan.varying)}
    if "content-type" in names:
        return plan
    return replace(plan, fixed=(*plan.fixed, ("Content-Type", content_type(step.body))))


def plan_headers(
    headers: Iterable[tuple[str, Template]], more: CompiledValue | None, state: State
) -> FieldPlan:
    """Tell fixed from varying fields.

    Args:
        more: a whole map on top of them.
        state: evaluates what is fixed.

    Raises:
        EvaluationError: a fixed value cannot be worked out.
    """
    fixed: list[tuple[str, str]] = []
    varying: list[tuple[str, Template]] = []
    for name, template in headers:
        if not is_fixed(template.names):
            varying.append((name, template))
        elif (value := template.evaluate(state)) is not None:
            fixed.append((name, text_of(value)))
    if more is None or not is_fixed(more.names):
        return FieldPlan(tuple(fixed), tuple(varying), more)
    mapped = map_fields(more.evaluate(state))
    names = {name.lower() for name, _ in mapped}
    left = tuple((name, value) for name, value in varying if name.lower() not in names)
    return FieldPlan(merged(fixed, mapped), left)


def bind_fields(plan: FieldPlan, where: str) -> Callable[[State], Fields]:
    """Return the function that gives the varying fields of one iteration; it raises IterationFailed."""
    varying = tuple((name, template.evaluate) for name, template in plan.varying)
    more = plan.varying_map.evaluate if plan.varying_map is not None else None

    def render(state: State) -> Fields:
        fields: list[tuple[str, str]] = []
        for name, evaluate in varying:
            value = evaluate(state)
            if value is None:
                continue
            text = value if type(value) is str else text_of(value)
            if _BREAK.search(text):
                raise IterationFailed(f"the value of header {name} holds a line break", where)
            fields.append((name, text))
        return tuple(fields) if more is None else merged(fields, map_fields(more(state)))

    return render


def map_fields(value: Value) -> Fields:
    """Return the fields of a map of headers.

    Raises:
        EvaluationError: it is no map.
    """
    if not isinstance(value, dict):
        raise EvaluationError("the headers are not a map")
    return tuple((name, text_of(item)) for name, item in value.items() if item is not None)


def merged(fields: Iterable[tuple[str, str]], over: Fields) -> Fields:
    """Return fields with others in their place, names compared regardless of case."""
    names = {name.lower() for name, _ in over}
    return (*(field for field in fields if field[0].lower() not in names), *over)
