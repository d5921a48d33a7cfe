"""Functions with regular expressions, in time linear in the text. The only module that knows RE2.

Python's own `re` backtracks: a pattern such as ``(a+)+$`` would stall every VU of a runner. Patterns are constant and
compiled when the manifest is loaded, so that a faulty one is refused there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.functions.arguments import as_text
from kload_spec.expressions.functions.signature import Function, text
from kload_spec.expressions.limits import MAX_MATCH_STEPS, MAX_PATTERN_CHARS, PATTERN_MEMORY_BYTES
from kload_spec.expressions.scope import Kind, Value

_HINTS: Final = (
    ("(?=", "RE2 has no look-around"),
    ("(?!", "RE2 has no look-around"),
    ("(?<=", "RE2 has no look-around"),
    ("(?<!", "RE2 has no look-around"),
    ("\\1", "RE2 has no back-references"),
)


class Match(Protocol):
    """What RE2 found."""

    def group(self, number: int, /) -> str | None: ...


class Regexp(Protocol):
    """A regular expression as RE2 has compiled it."""

    @property
    def groups(self) -> int: ...
    @property
    def programsize(self) -> int: ...
    def search(self, text: str, /) -> Match | None: ...


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """A regular expression, and how many steps a character may cost: the size of RE2's program."""

    regexp: Regexp
    size: int


def pattern(source: str) -> CompiledPattern:
    """Compile a regular expression in RE2's syntax.

    Raises:
        EvaluationError: it is too long, or RE2 does not take it.
    """
    if len(source) > MAX_PATTERN_CHARS:
        raise EvaluationError(f"a pattern longer than {MAX_PATTERN_CHARS} characters")
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY_BYTES
    options.log_errors = False  # it would print to stderr
    try:
        regexp: Regexp = re2.compile(source, options)
    except re2.error as exc:
        reason = exc.args[0].decode(errors="replace")
        hint = next((f"; {advice}" for sign, advice in _HINTS if sign in source), "")
        raise EvaluationError(f"not a regular expression: {reason[:100]}{hint}") from None
    except UnicodeEncodeError:
        raise EvaluationError("not a regular expression: UTF-8 cannot hold it") from None
    return CompiledPattern(regexp, regexp.programsize)


def _pattern_with_group(source: str) -> CompiledPattern:
    compiled = pattern(source)
    if compiled.regexp.groups < 1:
        raise EvaluationError("capture needs a pattern with a (group)")
    return compiled


def _search(value: Value, compiled: CompiledPattern, function: str) -> Match | None:
    searched = as_text(value, function)
    if len(searched) * compiled.size > MAX_MATCH_STEPS:
        raise BudgetExceeded(f"{function}: the text is too long for this pattern")
    try:
        return compiled.regexp.search(searched)
    except UnicodeEncodeError:
        raise EvaluationError(f"{function} needs text that UTF-8 can hold") from None


def _matches(value: Value, compiled: CompiledPattern) -> bool:
    return _search(value, compiled, "matches") is not None


def _find(value: Value, compiled: CompiledPattern) -> str:
    found = _search(value, compiled, "find")
    return str(found.group(0)) if found else ""


def _capture(value: Value, compiled: CompiledPattern) -> str:
    found = _search(value, compiled, "capture")
    group = found.group(1) if found else None
    if group is None:
        raise EvaluationError("capture: nothing matches the pattern")
    return group


PATTERN_FUNCTIONS: Final = (
    Function("matches", (text(), text("pattern")), Kind.BOOL, _matches, prepare=pattern),
    Function("find", (text(), text("pattern")), Kind.STRING, _find, prepare=pattern),
    Function(
        "capture", (text(), text("pattern")), Kind.STRING, _capture, prepare=_pattern_with_group
    ),
)
