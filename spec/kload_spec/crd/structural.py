"""Models to the structural schema that the API server takes: no references, no unions, everything bounded.

Starts from pydantic's JSON schema of the models, whose scalars already speak Kubernetes (`x-kubernetes-int-or-string`
and the like). What is left: put references in, take nulls, titles and defaults out, cut the recursion of steps after
the first level, attach the rules.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/ (structural
schemas)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from kload_spec.crd.rules import rules_of
from kload_spec.model.faults import shown_example

Schema = dict[str, Any]

PRESERVE = "x-kubernetes-preserve-unknown-fields"
VALIDATIONS = "x-kubernetes-validations"
_RECURSIVE = "Step"
_KEPT = frozenset(
    {
        "type",
        "format",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "required",
    }
    | {
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        VALIDATIONS,
        PRESERVE,
        "x-kubernetes-int-or-string",
    }
    | {"x-kubernetes-list-type", "x-kubernetes-list-map-keys"}
)


def structural_schema(model: type[BaseModel]) -> Schema:
    """Return the structural schema of a model."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _Converter(schema.get("$defs", {})).model(model.__name__, schema, frozenset())


class _Converter:
    """Converts schemas that share their definitions."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions

    def model(self, name: str, schema: Schema, inside: frozenset[str]) -> Schema:
        """Convert the schema of a model; `inside` names the models around it."""
        converted = self.schema(schema, inside | {name})
        rules = rules_of(name)
        if rules:
            converted[VALIDATIONS] = [*converted.get(VALIDATIONS, []), *rules]
        return converted

    def schema(self, schema: Schema, inside: frozenset[str]) -> Schema:
        """Convert any schema."""
        schema = self._without_null(schema)
        if "$ref" in schema:
            return self._reference(schema, inside)
        converted = {key: schema[key] for key in schema if key in _KEPT}
        if description := _description(schema):
            converted["description"] = description
        if schema.get("type") == "integer":
            converted["format"] = "int64"
        if "properties" in schema:
            converted["properties"] = {
                key: self.schema(item, inside) for key, item in sorted(schema["properties"].items())
            }
        if "items" in schema:
            converted["items"] = self.schema(schema["items"], inside)
        entries = schema.get("additionalProperties")
        if isinstance(entries, dict) and "properties" not in schema:
            self._entries(converted, self.schema(entries, inside))
        return converted

    def _reference(self, schema: Schema, inside: frozenset[str]) -> Schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        if name == _RECURSIVE and name in inside:
            return {"type": "object", PRESERVE: True, "description": "A step; checked by kload."}
        converted = self.model(name, self._definitions[name], inside)
        if description := _description(schema):
            converted["description"] = description
        return converted

    @staticmethod
    def _entries(converted: Schema, entry: Schema) -> None:
        """Set the schema of a map's entries; of open ones the whole map is open, so that rules can still see it."""
        if entry.get(PRESERVE) and "type" not in entry:
            converted[PRESERVE] = True
            converted.pop(VALIDATIONS, None)  # names of entries are not visible in an open map
            return
        converted["additionalProperties"] = entry

    @staticmethod
    def _without_null(schema: Schema) -> Schema:
        """Return `X` for pydantic's `X or null`."""
        options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
        if "anyOf" not in schema:
            return schema
        if len(options) != 1:
            raise ValueError(f"a union cannot stand in a structural schema: {schema}")
        outer = {key: value for key, value in schema.items() if key != "anyOf"}
        return {**options[0], **outer}


def _description(schema: Schema) -> str:
    """Return the description, with the example that errors also show."""
    text = " ".join(str(schema.get("description", "")).split("\n\n")[0].split())
    examples = schema.get("examples")
    return f"{text} Example: {shown_example(examples[0])}" if text and examples else text
