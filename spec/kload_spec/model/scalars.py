"""The types of fields: whole numbers, durations, flags, texts, conditions.

Two families: static values are settled before the run and may hold `$(params.x)` only; texts and conditions are
evaluated by the VU, so they are kept as written and compiled by `planning`. Each type reads what a user wrote, and
states its schema once, in the dialect both the CRD and the editor schema are made from (`x-kload-editor` holds what an
editor sees where the API server must take anything).
"""

from __future__ import annotations

from typing import Annotated, Any

from kload_spec.model.inlining import FAULT, JsonSchema, Parameters, fault, show
from kload_spec.model.kept import (
    BodyOf,
    ConditionOf,
    IdentifierOf,
    OneOf,
    OpenOf,
    PauseOf,
    RoundsOf,
    TextOf,
    no_encoded_json,
)
from kload_spec.model.keys import Keys
from kload_spec.model.settled import Bytes, Portion, Rate, Settled, Span, Truth, Whole
from kload_spec.model.written import MAX_BODY

Duration = Annotated[float, Span()]
PositiveDuration = Annotated[float, Span(above_zero=True)]
Share = Annotated[float, Portion()]
Size = Annotated[int, Bytes()]
Flag = Annotated[bool, Truth()]
StaticText = Annotated[str, Settled()]
LooseStaticText = Annotated[str, Settled(empty=True)]
Identifier = Annotated[str, IdentifierOf()]
StaticName = Annotated[str, Settled(most=120, printable=True)]
Text = Annotated[str, TextOf()]
Pause = Annotated[str, PauseOf()]
LooseText = Annotated[str, TextOf(empty=True)]
BodyText = Annotated[str, BodyOf(most=MAX_BODY, empty=True)]
Condition = Annotated[str, ConditionOf()]
Formula = Annotated[str, ConditionOf(numbers=True)]
AnyValue = Annotated[Any, OpenOf()]
JsonValue = Annotated[Any, OpenOf(accept=no_encoded_json)]
Rounds = Annotated[int | str, RoundsOf()]

__all__ = [
    "FAULT",
    "AnyValue",
    "BodyText",
    "Condition",
    "Duration",
    "Flag",
    "Formula",
    "Identifier",
    "JsonSchema",
    "JsonValue",
    "Keys",
    "LooseStaticText",
    "LooseText",
    "OneOf",
    "OpenOf",
    "Parameters",
    "Pause",
    "PositiveDuration",
    "Rate",
    "Rounds",
    "Settled",
    "Share",
    "Size",
    "StaticName",
    "StaticText",
    "Text",
    "Whole",
    "fault",
    "show",
]
