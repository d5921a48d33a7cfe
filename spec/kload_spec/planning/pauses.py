"""Pauses: ``1s``, ``0.5s..2.5s``, ``$(params.pause)``, ``$(params.low)..$(params.high)`` to bounds in milliseconds."""

from __future__ import annotations

from kload_spec.expressions import MISSING, Kind, Scope, Template
from kload_spec.planning.compilation import NUMBER, Compiler, Wanted
from kload_spec.quantities import QuantityError, parse_duration

_TIME = Wanted(NUMBER.kinds | {Kind.STRING}, "a time, e.g. 500ms,")


def bounds_of(
    text: str, scope: Scope, path: str, compiler: Compiler
) -> tuple[Template | float, Template | float]:
    """Return the lower and the upper bound of a pause; equal for a fixed one."""
    parts = _parts(text)
    if len(parts) == 1 and "$(" in text:
        whole = compiler.template(text, scope, path, _TIME).constant
        if isinstance(whole, str) and ".." in whole:  # a param that holds a range
            text, parts = whole, whole.split("..")
    if len(parts) > 2:
        compiler.problem(path, f"{text!r} has more than two bounds; write e.g. 0.5s..2.5s")
        return 0.0, 0.0
    bounds = [_bound(part.strip(), scope, path, compiler) for part in parts]
    low, high = bounds[0], bounds[-1]
    if isinstance(low, float) and isinstance(high, float) and low > high:
        compiler.problem(
            path, f"{text!r}: the first bound is above the second; write {parts[1]}..{parts[0]}"
        )
    return low, high


def _parts(text: str) -> list[str]:
    """Split at ``..`` outside of `$( )`."""
    parts, depth, start, index = [], 0, 0, 0
    while index < len(text):
        if text.startswith("$(", index) or (depth and text[index] == "("):
            depth += 1
            index += text[index] == "$"
        elif depth and text[index] == ")":
            depth -= 1
        elif not depth and text.startswith("..", index):
            parts.append(text[start:index])
            index += 1
            start = index + 1
        index += 1
    return [*parts, text[start:]]


def _bound(text: str, scope: Scope, path: str, compiler: Compiler) -> Template | float:
    if "$(" not in text:
        return _fixed(text, path, compiler)
    known = len(compiler.problems)
    template = compiler.template(text, scope, path, _TIME)
    if template.constant is MISSING or len(compiler.problems) > known:
        return template
    value = template.constant
    if isinstance(value, str):
        return _fixed(value, path, compiler)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    compiler.problem(path, f"{text!r} is {value!r}, which is no pause; write e.g. 500ms")
    return 0.0


def _fixed(text: str, path: str, compiler: Compiler) -> float:
    try:
        return parse_duration(text) * 1000
    except QuantityError as error:
        compiler.problem(path, f"{error}; give a duration or a range, e.g. 0.5s..2.5s")
        return 0.0
