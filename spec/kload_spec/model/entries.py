"""Maps and other compound values of steps: headers, conditions, variables, tags, expected statuses.

Types only, shared by steps, target and scenarios; what an entry means is settled by `planning`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from kload_spec.model.scalars import (
    AnyValue,
    Condition,
    Formula,
    Keys,
    OpenOf,
    StaticText,
    Text,
    fault,
    show,
)
from kload_spec.model.written import IDENTIFIER, MAX_ENTRIES, Written, says


def _accept_expected(value: object) -> object:
    parts = value if isinstance(value, list) else [value]
    if not parts:
        raise fault("is an empty list")
    for part in parts:
        _expected_range(part)
    return value


def _expected_range(value: object) -> tuple[int, int]:
    """Return a closed range of statuses out of ``200`` or ``200..399``, or raise `fault`."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    low, dots, high = (part.strip() for part in text.partition(".."))
    if not (low.isdecimal() and (high.isdecimal() or not dots)):
        raise fault(f"{show(value)} is no status")
    first, last = int(low), int(high or low)
    if not 100 <= first <= last <= 599:
        raise fault(f"{show(value)}: statuses go from 100 to 599, the lower one first")
    return first, last


def expected_ranges(value: object) -> tuple[tuple[int, int], ...]:
    """Return what ``expect`` says as closed ranges of statuses."""
    return tuple(_expected_range(part) for part in (value if isinstance(value, list) else [value]))


def _accept_headers(value: object) -> object:
    if isinstance(value, str):
        if value.startswith("$(") and value.endswith(")"):
            return value
        raise fault(f"{show(value)} is text; write a map, or one $( ) that gives a map")
    if not isinstance(value, dict):
        raise fault(f"{show(value)} is no map")
    for name, text in value.items():
        if not isinstance(text, str):
            raise fault(f'{name}: {show(text)} is not text; quote it: "{show(text)}"')
    return value


_STATUS = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
Expected = Annotated[
    Any,
    OpenOf(
        editor={"anyOf": [*_STATUS["anyOf"], {"type": "array", "items": _STATUS, "maxItems": 32}]},
        accept=_accept_expected,
    ),
]
Headers = Annotated[
    Any,
    OpenOf(
        editor={
            "anyOf": [
                {"type": "object", "additionalProperties": {"type": "string"}},
                {"type": "string", "pattern": r"^\$\(.*\)$"},
            ]
        },
        accept=_accept_headers,
    ),
]
Conditions = Annotated[
    dict[str, Condition], Field(max_length=MAX_ENTRIES), Keys("a check", pattern=None, most=120)
]
Formulas = Annotated[
    dict[str, Formula], Field(max_length=MAX_ENTRIES), Keys("a metric", IDENTIFIER)
]
Saved = Annotated[dict[str, Formula], Field(max_length=MAX_ENTRIES), Keys("a variable", IDENTIFIER)]
Values = Annotated[
    dict[str, AnyValue], Field(max_length=MAX_ENTRIES), Keys("a variable", IDENTIFIER)
]
Tags = Annotated[dict[str, StaticText], Field(max_length=16), Keys("a tag", IDENTIFIER)]


class Multipart(Written):
    """A body of several parts."""

    fields: Annotated[
        dict[str, Text],
        Field(max_length=MAX_ENTRIES),
        Keys("a field", None, 120),
        says("a map of texts", "Plain fields.", {"title": "a"}),
    ] = {}  # noqa: RUF012 - pydantic copies defaults
    files: Annotated[
        dict[str, StaticText],
        Field(max_length=16),
        Keys("a field", None, 120),
        says(
            "a map of paths",
            "Files by field: paths next to the manifest.",
            {"photo": "data/photo.png"},
        ),
    ] = {}  # noqa: RUF012 - pydantic copies defaults
