"""Pydantic's errors to our sentences: path, value, and what would be right.

The one place that knows pydantic's error types. Never its words: every type has a sentence of ours, and a type that is
not in the table gets the field's own description. What would be right comes from the field (`says`):

    spec.scenarios.buy.stages[1].target: -5 is below 0; give the number of VUs, e.g. 50
    ^ location                           ^ the fault      ^ title of the field     ^ its example
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from json import dumps
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kload_spec.errors import Problem
from kload_spec.model.habits import foreign_field
from kload_spec.model.scalars import FAULT, show
from kload_spec.model.scenarios import fitting
from kload_spec.paths import path_of

Key = str | int

# `{value}` is what was written, the rest is pydantic's context of the error type.
_SENTENCES: Mapping[str, str] = types.MappingProxyType(
    {
        "missing": "is missing",
        "none_required": "{value} must be left out",
        "string_type": "{value} is not text",
        "string_sub_type": "{value} is not text",
        "string_unicode": "{value} is not valid text",
        "string_too_short": "{value} has fewer than {min_length} characters",
        "string_too_long": "{value} has more than {max_length} characters",
        "string_pattern_mismatch": "{value} does not have the right form",
        "string_not_ascii": "{value} holds characters beyond ASCII",
        "enum": "{value} is not one of {expected}",
        "literal_error": "{value} is not one of {expected}",
        "bool_type": "{value} is neither true nor false",
        "bool_parsing": "{value} is neither true nor false",
        "int_type": "{value} is not a whole number",
        "int_parsing": "{value} is not a whole number",
        "int_parsing_size": "{value} is too large",
        "int_from_float": "{value} is not a whole number",
        "float_type": "{value} is not a number",
        "float_parsing": "{value} is not a number",
        "finite_number": "{value} is not a finite number",
        "multiple_of": "{value} is not a multiple of {multiple_of}",
        "greater_than": "{value} is not above {gt}",
        "greater_than_equal": "{value} is below {ge}",
        "less_than": "{value} is not below {lt}",
        "less_than_equal": "{value} is above {le}",
        "too_short": "has {actual_length} entries, fewer than {min_length}",
        "too_long": "has {actual_length} entries, more than {max_length}",
        "dict_type": "{value} is not a map",
        "mapping_type": "{value} is not a map",
        "model_type": "{value} is not a map",
        "model_attributes_type": "{value} is not a map",
        "dataclass_type": "{value} is not a map",
        "list_type": "{value} is not a list",
        "tuple_type": "{value} is not a list",
        "iterable_type": "{value} is not a list",
        "set_type": "{value} is not a list",
        "frozen_set_type": "{value} is not a list",
        "recursion_loop": "contains itself",
        "json_invalid": "{value} is not valid JSON",
        "value_error": "{error}",
        "assertion_error": "{error}",
    }
)


@dataclass(frozen=True, slots=True)
class _Place:
    """What is known of a location: the model it is in, and its field."""

    model: type[BaseModel] | None
    field: FieldInfo | None


def problems_of(error: ValidationError, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Return every fault of a validation as a problem, in the order of the document, without repetitions."""
    found = (
        _problem(details, model)
        for details in error.errors(include_url=False)
        if not _is_echo(details)
    )
    return tuple(dict.fromkeys(found))


def _is_echo(details: ErrorDetails) -> bool:
    """Tell whether a list is called too short only because pydantic leaves out entries that are wrong."""
    value, least = details.get("input"), details.get("ctx", {}).get("min_length")
    return (
        details["type"] == "too_short"
        and isinstance(value, list | dict)
        and len(value) >= (least or 0)
    )


def _problem(details: ErrorDetails, model: type[BaseModel]) -> Problem:
    keys = tuple(details["loc"])
    place = _place(keys, model)
    path = path_of(key for key in keys if key != "[key]")
    if details["type"] == "extra_forbidden":
        return Problem(path, _unknown(str(keys[-1]), _place(keys[:-1], model).model))
    if details["type"] == "missing" and place.model is None and keys[-1] == "executor":
        guess = fitting(details["input"])
        if guess:
            return Problem(path, f"is missing; {guess[0]}")
    whole = details["type"] == FAULT and place.model is not None and _is_map(details)
    return Problem(path, sentence(details, None if whole else place.field))


def _is_map(details: ErrorDetails) -> bool:
    """Tell whether a map was written: what is wrong is then between its fields, and no other map is the advice."""
    return isinstance(details.get("input"), Mapping)


def sentence(details: ErrorDetails, field: FieldInfo | None) -> str:
    """Return what is wrong and what would be right, for an error of any type."""
    value = show(details.get("input"))
    context: dict[str, Any] = {**details.get("ctx", {}), "value": value}
    if details["type"] == FAULT:
        said = str(context["sentence"])
    else:
        template = _SENTENCES.get(details["type"], "{value} is not valid here")
        said = template.format_map(_Context(context))
    advice = _advice(field)
    return f"{said}; {advice}" if advice and not _says_what_to_do(said) else said


class _Context(dict[str, Any]):
    """A context that has a word for everything."""

    def __missing__(self, key: str) -> str:
        return "the limit" if key != "expected" else "the known values"


def _says_what_to_do(said: str) -> bool:
    return any(
        word in said
        for word in ("write ", "did you mean", "quote ", "keep one", " needs ", "give ", "e.g.")
    )


def _advice(field: FieldInfo | None) -> str:
    if field is None or not field.title:
        return ""
    example = f", e.g. {shown_example(field.examples[0])}" if field.examples else ""
    return f"give {field.title}{example}"


def shown_example(value: object) -> str:
    """Return an example as it is written in YAML, in flow style."""
    match value:
        case bool() | None:
            return show(value)
        case dict():
            return (
                "{"
                + ", ".join(f"{key}: {shown_example(item)}" for key, item in value.items())
                + "}"
            )
        case list():
            return "[" + ", ".join(shown_example(item) for item in value) + "]"
        case str() if value.isdecimal() or value in ("true", "false"):
            return dumps(value)
        case _:
            return str(value)


def _unknown(name: str, model: type[BaseModel] | None) -> str:
    known = [field.alias or key for key, field in model.model_fields.items()] if model else []
    foreign = foreign_field(model, name)
    if foreign is not None:
        return f"there is no field {name!r}; {foreign}"
    near = get_close_matches(name, known, n=1, cutoff=0.6) or [
        word for word in known if word.lower() == name.lower().replace("_", "").replace("-", "")
    ]
    if near:
        return f"there is no field {name!r}; did you mean {near[0]!r}?"
    return (
        f"there is no field {name!r}; there are {', '.join(sorted(known))}"
        if known
        else f"there is no field {name!r}"
    )


def _place(keys: Iterable[Key], model: type[BaseModel]) -> _Place:
    """Walk from the model along the keys of an error."""
    annotation: Any = model
    owner: type[BaseModel] | None = model
    field: FieldInfo | None = None
    for key in keys:
        owner = _model_in(annotation)
        if owner is not None:
            found = next(
                (info for name, info in owner.model_fields.items() if (info.alias or name) == key),
                None,
            )
            if found is None:
                return _Place(owner, None)
            field, annotation = found, found.annotation
        else:
            annotation = _item_of(annotation)
    return _Place(_model_in(annotation), field)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for part in _alternatives(annotation):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
    return None


def _item_of(annotation: Any) -> Any:
    """Return the type of the entries of a map or list."""
    for part in _alternatives(annotation):
        arguments = get_args(part)
        if get_origin(part) is dict:
            return arguments[1]
        if get_origin(part) in (tuple, list):
            return arguments[0]
    return None


def _alternatives(annotation: Any) -> Iterator[Any]:
    """Yield the types an annotation allows, `None` and metadata taken away."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _alternatives(part)
    elif annotation is not None and annotation is not type(None):
        yield annotation
