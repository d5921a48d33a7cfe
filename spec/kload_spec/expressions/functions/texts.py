"""Functions on texts. Bounded: nothing here makes a text longer than the limit."""

from __future__ import annotations

from typing import Final

from kload_spec.expressions.bounds import too_long
from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.functions.arguments import as_list, as_text, as_whole
from kload_spec.expressions.functions.signature import Function, items, text, whole
from kload_spec.expressions.functions.writing import as_string
from kload_spec.expressions.limits import MAX_ITEMS, MAX_TEXT_CHARS
from kload_spec.expressions.operators import is_number, word
from kload_spec.expressions.scope import Kind, Value


def _contains(value: Value, piece: Value) -> bool:
    if type(value) is list:
        raise EvaluationError("contains looks into a string; an element of a list is x in list")
    return as_text(piece, "contains") in as_text(value, "contains")


def _starts_with(value: Value, prefix: Value) -> bool:
    return as_text(value, "startsWith").startswith(as_text(prefix, "startsWith"))


def _ends_with(value: Value, suffix: Value) -> bool:
    return as_text(value, "endsWith").endswith(as_text(suffix, "endsWith"))


def _trim(value: Value) -> str:
    return as_text(value, "trim").strip()


def _lower_ascii(value: Value) -> str:
    plain = as_text(value, "lowerAscii")
    return plain.lower() if plain.isascii() else plain.translate(_TO_LOWER)


def _upper_ascii(value: Value) -> str:
    plain = as_text(value, "upperAscii")
    return plain.upper() if plain.isascii() else plain.translate(_TO_UPPER)


_TO_LOWER: Final = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_TO_UPPER: Final = {code + 32: code for code in _TO_LOWER}


def _truncate(value: Value, count: Value) -> str:
    length = as_whole(count, "truncate")
    if length < 0:
        raise EvaluationError("truncate needs a length of 0 or more")
    return as_text(value, "truncate")[:length]


def _substring(value: Value, start: Value, end: Value = None) -> str:
    whole_text = as_text(value, "substring")
    first = as_whole(start, "substring")
    last = len(whole_text) if end is None else as_whole(end, "substring")
    if not 0 <= first <= last <= len(whole_text):
        raise EvaluationError("substring: index out of range")
    return whole_text[first:last]


def _replace(value: Value, old: Value, new: Value) -> str:
    source = as_text(value, "replace")
    piece, other = as_text(old, "replace"), as_text(new, "replace")
    if len(source) + source.count(piece) * (len(other) - len(piece)) > MAX_TEXT_CHARS:
        too_long()
    return source.replace(piece, other)


def _split(value: Value, separator: Value) -> Value:
    source, between = as_text(value, "split"), as_text(separator, "split")
    pieces: list[Value] = []
    pieces += source.split(between, MAX_ITEMS) if between else source[: MAX_ITEMS + 1]
    if len(pieces) > MAX_ITEMS:
        raise BudgetExceeded(f"a list longer than {MAX_ITEMS} items")
    return pieces


def _join(value: Value, separator: Value = "") -> str:
    between = as_text(separator, "join")
    pieces: list[str] = []
    length = 0
    for item in as_list(value, "join"):
        piece = _written(item)
        pieces.append(piece)
        length += len(piece) + len(between)
        if length > MAX_TEXT_CHARS:
            too_long()
    return between.join(pieces)


def _written(item: Value) -> str:
    if type(item) is str:
        return item
    if is_number(item) or type(item) is bool:
        return as_string(item)
    raise EvaluationError(
        f"join needs strings, numbers or booleans, not {word(item)}; list.map(x, string(x)) converts"
    )


TEXT_FUNCTIONS: Final = (
    Function("contains", (text(), text("piece")), Kind.BOOL, _contains, shortcut="{1} in {0}"),
    Function(
        "startsWith",
        (text(), text("prefix")),
        Kind.BOOL,
        _starts_with,
        shortcut="{0}.startswith({1})",
    ),
    Function(
        "endsWith", (text(), text("suffix")), Kind.BOOL, _ends_with, shortcut="{0}.endswith({1})"
    ),
    Function("trim", (text(),), Kind.STRING, _trim),
    Function("lowerAscii", (text(),), Kind.STRING, _lower_ascii),
    Function("upperAscii", (text(),), Kind.STRING, _upper_ascii),
    Function("truncate", (text(), whole("length")), Kind.STRING, _truncate),
    Function(
        "substring", (text(), whole("start"), whole("end")), Kind.STRING, _substring, optional=1
    ),
    Function("replace", (text(), text("old"), text("new")), Kind.STRING, _replace),
    Function("split", (text(), text("separator")), Kind.LIST, _split),
    Function("join", (items(), text("separator")), Kind.STRING, _join, optional=1),
)
