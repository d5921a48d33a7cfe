"""Putting parameters in: what a static value may hold, how `$(params.x)` becomes a value, how faults are raised.

Parameters come as the context of pydantic's validation (`Parameters`), so that a value is settled in the moment it is
read and the models hold plain numbers and texts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema
from typing_extensions import override

from kload_spec.expressions import MISSING, ExpressionError, Scope, compile_template

JsonSchema = dict[str, Any]

FAULT = "kload"  # type of our own validation errors; their message is a sentence of ours already
PARAM_PATTERN = r"\$\(.+\)"  # a value that is put in before the run
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a plan with their values: the validation context of the models."""

    values: Mapping[str, object] = field(default_factory=dict)


def fault(sentence: str) -> PydanticCustomError:
    """Return a validation error that says exactly this; braces in it are taken literally."""
    return PydanticCustomError(FAULT, "{sentence}", {"sentence": sentence})


def show(value: object) -> str:
    """Return a value of a manifest as a message shows it: YAML's words, quoted text, nothing long."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value) if len(value) <= _SHOWN else repr(value[:_SHOWN] + "...")
        case dict():
            return "a map" if value else "an empty map"
        case list() | tuple():
            return "a list" if value else "an empty list"
        case _:
            return str(value)


def inlined(value: object, context: object) -> object:
    """Return a static value with the parameters put in; anything but a text with ``$(`` comes back as it is."""
    if not isinstance(value, str) or "$(" not in value:
        return value
    parameters = context if isinstance(context, Parameters) else Parameters()
    try:
        template = compile_template(value, Scope(running=False, constants=parameters.values))
    except ExpressionError as error:
        raise fault(f"{show(value)}: {_static_hint(value) or error}") from None
    if template.constant is MISSING:
        raise fault(f"{show(value)} is not known before the run; only params can stand here")
    return template.constant


def _static_hint(text: str) -> str:
    if "env." in text:
        return "env exists at run time only; use a param here, set with -p or in a patch"
    return ""


def bounded(value: str, most: int, *, empty: bool) -> str:
    """Return the text if its length is in bounds."""
    if not value and not empty:
        raise fault("is empty")
    if len(value) > most:
        raise fault(f"has {len(value)} characters, more than {most}")
    return value


class Scalar(ABC):
    """A value settled before the run: reads it, puts parameters in, converts it. Metadata of a field's type."""

    @abstractmethod
    def convert(self, value: object) -> object:
        """Return the converted value, or raise `fault`."""

    @abstractmethod
    def schema(self) -> JsonSchema:
        """Return the JSON schema of what may be written."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchema:
        return self.schema()

    def _validate(self, value: object, info: core_schema.ValidationInfo) -> object:
        settled = inlined(value, info.context)
        try:
            return self.convert(settled)
        except PydanticCustomError as error:
            if settled is value or error.type != FAULT:
                raise
            raise fault(f"{error.message()} (from {show(value)})") from None


class Kept(Scalar):
    """A value kept as written, compiled later."""

    @override
    def _validate(self, value: object, info: core_schema.ValidationInfo) -> object:
        return self.convert(value)
