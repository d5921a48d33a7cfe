"""Values that are settled before the run: numbers, durations, shares, sizes, flags, texts; or `$(params.x)`.

Each says in its own words what is wrong; `faults` adds what would be right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic_core import core_schema
from typing_extensions import override

from kload_spec.model.inlining import (
    PARAM_PATTERN,
    JsonSchema,
    Scalar,
    bounded,
    fault,
    inlined,
    show,
)
from kload_spec.model.written import MAX_TEXT, UNPRINTABLE
from kload_spec.quantities import QuantityError, parse_duration, parse_share, parse_size

_RATE = re.compile(r"(\d+)\s*/\s*(s|m|h)")  # the habit of writing 10/s


@dataclass(frozen=True, slots=True)
class Whole(Scalar):
    """A whole number within bounds, both included."""

    least: int
    most: int

    @override
    def convert(self, value: object) -> int:
        """Return the number."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise fault(_not_whole(value))
        if value < self.least:
            raise fault(f"{value} is below {self.least}")
        if value > self.most:
            raise fault(f"{value} is above {self.most}")
        return value

    @override
    def schema(self) -> JsonSchema:
        """Return an int-or-string schema whose text form is a parameter."""
        return {
            "x-kubernetes-int-or-string": True,
            "minimum": self.least,
            "maximum": self.most,
            "maxLength": MAX_TEXT,
            "pattern": PARAM_PATTERN,
        }


def _not_whole(value: object) -> str:
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return f"{show(value)} is text; write {value} without quotes"
    if isinstance(value, float):
        return f"{value} is not a whole number"
    return f"{show(value)} is not a number"


@dataclass(frozen=True, slots=True)
class Rate(Whole):
    """A whole number of iterations per timeUnit."""

    @override
    def convert(self, value: object) -> int:
        """Return the number, or say how a unit or a fraction is written."""
        if isinstance(value, str) and (written := _RATE.fullmatch(value)) is not None:
            raise fault(
                f"{show(value)} is not a number; write {written[1]}, and timeUnit: 1{written[2]}"
            )
        if isinstance(value, float) and 0 < value < 1:
            raise fault(f"{value} is not a whole number; write 1, and timeUnit: {1 / value:.3g}s")
        return Whole.convert(self, value)


@dataclass(frozen=True, slots=True)
class Span(Scalar):
    """A duration with its unit; seconds inside."""

    above_zero: bool = False

    @override
    def convert(self, value: object) -> float:
        """Return seconds."""
        if not isinstance(value, str):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            raise fault(
                f"{value} has no unit; write {value}s or {value}ms"
                if number
                else f"{show(value)} is no duration"
            )
        try:
            seconds = parse_duration(value)
        except QuantityError as error:
            raise fault(str(error)) from None
        if self.above_zero and seconds <= 0:
            raise fault(f"{show(value)} is not above 0")
        return seconds

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema: a duration or a parameter."""
        pattern = (
            r"^\s*(([0-9]+(\.[0-9]*)?|\.[0-9]+)(d|h|m|s|ms|us|µs|μs|ns))+\s*$|" + PARAM_PATTERN
        )
        return {"type": "string", "maxLength": MAX_TEXT, "pattern": pattern}


@dataclass(frozen=True, slots=True)
class Portion(Scalar):
    """A share from 0 to 1, written ``1%`` or ``"0.01"``."""

    @override
    def convert(self, value: object) -> float:
        """Return the share."""
        if not isinstance(value, str):
            raise fault(f"{show(value)} is no share; write a percentage")
        try:
            return parse_share(value)
        except QuantityError as error:
            raise fault(str(error)) from None

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema."""
        return {
            "type": "string",
            "maxLength": MAX_TEXT,
            "pattern": r"^\s*[0-9]*\.?[0-9]+\s*%?\s*$|" + PARAM_PATTERN,
        }


@dataclass(frozen=True, slots=True)
class Bytes(Scalar):
    """A size with its unit; bytes inside."""

    @override
    def convert(self, value: object) -> int:
        """Return bytes."""
        if not isinstance(value, str):
            raise fault(f"{show(value)} has no unit; write e.g. 64MiB")
        try:
            return parse_size(value)
        except QuantityError as error:
            raise fault(str(error)) from None

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema."""
        pattern = r"^\s*[0-9]*\.?[0-9]+\s*(B|kB|MB|GB|KiB|MiB|GiB)\s*$|" + PARAM_PATTERN
        return {"type": "string", "maxLength": MAX_TEXT, "pattern": pattern}


@dataclass(frozen=True, slots=True)
class Truth(Scalar):
    """True or false, or a parameter that is; the API server leaves its type open (only int-or-string may be both)."""

    @override
    def convert(self, value: object) -> bool:
        """Return the truth."""
        if not isinstance(value, bool):
            raise fault(f"{show(value)} is neither true nor false")
        return value

    @override
    def schema(self) -> JsonSchema:
        """Return an open schema with the editor's one beside it."""
        return {
            "x-kubernetes-preserve-unknown-fields": True,
            "x-kload-editor": {
                "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": PARAM_PATTERN}]
            },
        }


@dataclass(frozen=True, slots=True)
class Settled(Scalar):
    """A text that is settled before the run."""

    most: int = MAX_TEXT
    empty: bool = False
    printable: bool = False

    @override
    def convert(self, value: object) -> str:
        """Return the text; a parameter may also be a number."""
        if isinstance(value, bool):
            raise fault(
                f"{show(value)} is no text; quote it (YAML reads y, yes, on as true; n, no, off as false)"
            )
        if isinstance(value, int | float):
            raise fault(f'{value} is a number where text belongs; quote it: "{value}"')
        if not isinstance(value, str):
            raise fault(f"{show(value)} is not text")
        if self.printable and not value.isprintable():
            raise fault(f"{value!a} holds {UNPRINTABLE}")
        return bounded(value, self.most, empty=self.empty)

    @override
    def _validate(self, value: object, info: core_schema.ValidationInfo) -> object:
        settled = inlined(value, info.context)
        if settled is not value and isinstance(settled, int | float):
            return str(settled).lower() if isinstance(settled, bool) else str(settled)
        return Scalar._validate(self, value, info)

    @override
    def schema(self) -> JsonSchema:
        """Return a text schema."""
        return {
            "type": "string",
            "maxLength": self.most,
            **({} if self.empty else {"minLength": 1}),
        }
