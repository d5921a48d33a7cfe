"""Check that a schema is structural, as the API server does before it takes a CustomResourceDefinition.

The rules are those of the Kubernetes documentation ("Specifying a structural schema") and of the validation behind it,
as far as kload's schema could break them: a type everywhere (or int-or-string, or open), no references and unions, no
`additionalProperties` beside `properties`, nothing unbounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ALLOWED = frozenset(
    {
        "type",
        "format",
        "description",
        "properties",
        "required",
        "items",
        "additionalProperties",
        "enum",
        "pattern",
    }
    | {
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "default",
    }
    | {
        "x-kubernetes-int-or-string",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    }
    | {"x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
)
TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean"})
_OPEN = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"


def structural_faults(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield what keeps a schema from being structural and bounded."""
    unknown = schema.keys() - ALLOWED
    if unknown:
        yield f"{path}: {sorted(unknown)} cannot stand in a structural schema"
    yield from _untyped(schema, path)
    yield from _unbounded(schema, path)
    if "properties" in schema and "additionalProperties" in schema:
        yield f"{path}: properties and additionalProperties exclude each other"
    for key in set(schema.get("required", ())) - schema.get("properties", {}).keys():
        yield f"{path}: requires {key}, which it does not describe"
    for entry, where in _below(schema, path):
        yield from structural_faults(entry, where)


def _below(schema: Mapping[str, Any], path: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield the schemas inside a schema, with their paths."""
    for name, entry in schema.get("properties", {}).items():
        yield entry, f"{path}.{name}"
    for key, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if key in schema:
            yield schema[key], f"{path}{mark}"


def _untyped(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    kind = schema.get("type")
    if _EITHER in schema:
        if kind is not None or schema[_EITHER] is not True:
            yield f"{path}: int-or-string has no type"
    elif kind is None and schema.get(_OPEN) is not True:
        yield f"{path}: has no type and is not open"
    elif kind is not None and kind not in TYPES:
        yield f"{path}: type {kind}"


def _unbounded(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    match schema.get("type"):
        case "array" if "maxItems" not in schema or "items" not in schema:
            yield f"{path}: a list without items or maxItems"
        case "string" if not {"maxLength", "enum"} & schema.keys() and path not in (
            ".apiVersion",
            ".kind",
        ):
            yield f"{path}: a text without maxLength"
        case "object" if "additionalProperties" in schema and "maxProperties" not in schema:
            yield f"{path}: a map without maxProperties"


def defaults_in(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the paths that have a default."""
    if "default" in schema:
        yield path
    for entry, where in _below(schema, path):
        yield from defaults_in(entry, where)


def undescribed(schema: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Yield the fields without a description."""
    for entry, where in _below(schema, path):
        if (
            not where.endswith(("[]", "{}"))
            and not entry.get("description")
            and where != ".metadata"
        ):
            yield where
        yield from undescribed(entry, where)


def json_schema_of(schema: Any) -> Any:
    """Return a structural schema as plain JSON schema, so that documents can be checked against it."""
    if isinstance(schema, list):
        return [json_schema_of(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    converted = {
        key: {name: json_schema_of(item) for name, item in value.items()}
        if key == "properties"
        else json_schema_of(value)
        for key, value in schema.items()
        if key not in ("format", "default", "description")
    }
    if converted.pop(_EITHER, False):
        converted["type"] = ["integer", "string"]
    if "properties" in converted and _OPEN not in converted:
        converted.setdefault(
            "additionalProperties", False
        )  # the API server prunes; a test should notice
    return converted
