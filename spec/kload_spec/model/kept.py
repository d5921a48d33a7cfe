"""Values kept as they were written: texts and conditions that the planner compiles, names, words, open values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum

from typing_extensions import override

from kload_spec.model.inlining import JsonSchema, Kept, bounded, fault, show
from kload_spec.model.written import IDENTIFIER, MAX_NAME, MAX_TEXT


@dataclass(frozen=True, slots=True)
class IdentifierOf(Kept):
    """The name of something an expression can say."""

    @override
    def convert(self, value: object) -> str:
        """Return the name."""
        if (
            not isinstance(value, str)
            or not re.fullmatch(IDENTIFIER, value)
            or len(value) > MAX_NAME
        ):
            raise fault(
                f"{show(value)} is no name: letters, digits and _, a letter or _ first, at most {MAX_NAME}"
            )
        return value

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema."""
        return {"type": "string", "maxLength": MAX_NAME, "pattern": IDENTIFIER}


@dataclass(frozen=True, slots=True)
class TextOf(Kept):
    """A text with `$( )` in it, evaluated by the VU."""

    most: int = MAX_TEXT
    empty: bool = False

    @override
    def convert(self, value: object) -> str:
        """Return the text as written."""
        match value:
            case str():
                return bounded(value, self.most, empty=self.empty)
            case bool() | int() | float():
                word = show(value)
                raise fault(
                    f'{word} is read as a {_kind(value)} where text belongs; quote it: "{word}"'
                )
            case dict() if len(value) == 1:
                raise fault(
                    f"is a map: the text was cut at a ': ' ({next(iter(value))}: ...); quote all of it"
                )
            case _:
                raise fault(f"{show(value)} is not text")

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema."""
        return {
            "type": "string",
            "maxLength": self.most,
            **({} if self.empty else {"minLength": 1}),
        }


@dataclass(frozen=True, slots=True)
class BodyOf(TextOf):
    """The body of a request; a map or list is one for `json`."""

    @override
    def convert(self, value: object) -> str:
        """Return the text as written."""
        if isinstance(value, dict | list | tuple):
            raise fault(f"{show(value)} is not text; write json: {{...}} to send it as JSON")
        return TextOf.convert(self, value)


@dataclass(frozen=True, slots=True)
class PauseOf(TextOf):
    """A duration or a range of two, evaluated by the VU; a number without a unit is k6's habit."""

    @override
    def convert(self, value: object) -> str:
        """Return the text as written."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise fault(f"{value} has no unit; write {value}s or {value}ms")
        return TextOf.convert(self, value)


@dataclass(frozen=True, slots=True)
class ConditionOf(Kept):
    """A bare expression; a whole number counts as one, since `record: {orders: 1}` is the natural way to write it."""

    numbers: bool = False

    @override
    def convert(self, value: object) -> str:
        """Return the expression as text."""
        if self.numbers and isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if isinstance(value, str) and value.strip().startswith("$("):
            raise fault(
                f"{show(value)} is text with $( ); a bare expression belongs here: leave $( ) away"
            )
        return TextOf().convert(value)

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema, or int-or-string."""
        if self.numbers:
            return {"x-kubernetes-int-or-string": True, "maxLength": MAX_TEXT, "minLength": 1}
        return {"type": "string", "maxLength": MAX_TEXT, "minLength": 1}


def _kind(value: object) -> str:
    return "true/false value" if isinstance(value, bool) else "number"


@dataclass(frozen=True, slots=True)
class OneOf(Kept):
    """One word out of a few."""

    choices: type[StrEnum]
    what: str

    @override
    def convert(self, value: object) -> StrEnum:
        """Return the choice."""
        words = [choice.value for choice in self.choices]
        if isinstance(value, str) and value in words:
            return self.choices(value)
        near = get_close_matches(str(value), words, n=1, cutoff=0.5) or [
            word for word in words if word.lower() == str(value).lower()
        ]
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(words)}"
        raise fault(f"{show(value)} is no {self.what}; {hint}")

    @override
    def schema(self) -> JsonSchema:
        """Return an enumeration."""
        return {"type": "string", "enum": [choice.value for choice in self.choices]}


@dataclass(frozen=True, slots=True, eq=False)  # metadata must be hashable; a schema is not
class OpenOf(Kept):
    """A value of any form, kept as written; `accept` refuses what cannot be meant.

    Attributes:
        editor: schema for editors; the API server takes anything.
    """

    editor: JsonSchema = field(default_factory=dict)
    accept: Callable[[object], object] | None = None

    @override
    def convert(self, value: object) -> object:
        """Return the value as written."""
        return self.accept(value) if self.accept else value

    @override
    def schema(self) -> JsonSchema:
        """Return an open schema with the editor's one beside it."""
        return {"x-kubernetes-preserve-unknown-fields": True, "x-kload-editor": self.editor}


_ENCODED = re.compile(r"""\s*(\{\s*".*\}|\[\s*[{"].*\])\s*""", re.DOTALL)


def no_encoded_json(value: object) -> object:
    """Return what `json` is to hold; refuse text that is JSON already, which would be sent as one string."""
    if isinstance(value, str) and _ENCODED.fullmatch(value):
        raise fault(
            f"{show(value)} is text that holds JSON, and would be sent as one string; write it as YAML without"
            " the quotes, or as body with a Content-Type header"
        )
    return value


@dataclass(frozen=True, slots=True)
class RoundsOf(Kept):
    """How often: a whole number, or a text that gives one."""

    @override
    def convert(self, value: object) -> int | str:
        """Return the number or the text as written."""
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            raise fault(f"{show(value)} is no number of rounds")
        return value

    @override
    def schema(self) -> JsonSchema:
        """Return an int-or-string schema."""
        return {
            "x-kubernetes-int-or-string": True,
            "minimum": 0,
            "maxLength": MAX_TEXT,
            "minLength": 1,
        }
