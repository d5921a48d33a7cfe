"""Functions with regular expressions, in time linear in the text. The only module that knows RE2.

Python's own `re` backtracks: a pattern such as ``(a+)+$`` would stall every VU of a runner. Constant patterns
are compiled when the manifest is loaded, so that a faulty one is refused there.
"""

from __future__ import annotations

from typing import Final, Protocol

import re2  # type: ignore[import-untyped] # google-re2 ships no types

from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.arguments import as_text
from kload_spec.expressions.functions.signature import Function, text
from kload_spec.expressions.limits import MAX_PATTERN_CHARS, PATTERN_MEMORY_BYTES
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


class Pattern(Protocol):
    """A compiled regular expression."""

    @property
    def groups(self) -> int: ...
    def search(self, text: str, /) -> Match | None: ...


def pattern(source: str) -> Pattern:
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
        compiled: Pattern = re2.compile(source, options)
    except re2.error as exc:
        reason = exc.args[0].decode(errors="replace")
        hint = next((f"; {text}" for sign, text in _HINTS if sign in source), "")
        raise EvaluationError(f"not a regular expression: {reason[:100]}{hint}") from None
    except UnicodeEncodeError:
        raise EvaluationError("not a regular expression: UTF-8 cannot hold it") from None
    return compiled


def _search(value: Value, compiled: Pattern, function: str) -> Match | None:
    try:
        return compiled.search(as_text(value, function))
    except UnicodeEncodeError:
        raise EvaluationError(f"{function} needs text that UTF-8 can hold") from None


def _matches_compiled(value: Value, compiled: Pattern) -> bool:
    return _search(value, compiled, "matches") is not None


def _matches(value: Value, source: Value) -> bool:
    return _matches_compiled(value, pattern(as_text(source, "matches")))


def _find_compiled(value: Value, compiled: Pattern) -> str:
    found = _search(value, compiled, "find")
    return str(found.group(0)) if found else ""


def _find(value: Value, source: Value) -> str:
    return _find_compiled(value, pattern(as_text(source, "find")))


def _one_group(source: str) -> Pattern:
    compiled = pattern(source)
    if compiled.groups < 1:
        raise EvaluationError("capture needs a pattern with a (group)")
    return compiled


def _capture_compiled(value: Value, compiled: Pattern) -> str:
    found = _search(value, compiled, "capture")
    group = found.group(1) if found else None
    if group is None:
        raise EvaluationError("capture: nothing matches the pattern")
    return group


def _capture(value: Value, source: Value) -> str:
    return _capture_compiled(value, _one_group(as_text(source, "capture")))


PATTERN_FUNCTIONS: Final = (
    Function(
        "matches",
        (text(), text("pattern")),
        Kind.BOOL,
        _matches,
        prepare=pattern,
        prepared=_matches_compiled,
    ),
    Function(
        "find",
        (text(), text("pattern")),
        Kind.STRING,
        _find,
        prepare=pattern,
        prepared=_find_compiled,
    ),
    Function(
        "capture",
        (text(), text("pattern")),
        Kind.STRING,
        _capture,
        prepare=_one_group,
        prepared=_capture_compiled,
    ),
)
