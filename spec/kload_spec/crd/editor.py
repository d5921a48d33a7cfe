"""A JSON schema of LoadTest for editors: completion, descriptions and red lines while a manifest is written.

From the same models as the CRD, but without the API server's restrictions: steps in steps are typed, values that may
be a number or `$(params.x)` say so. What it accepts may still be refused by kload, never the other way round.

Use: ``# yaml-language-server: $schema=.../loadtest.schema.json`` as the first line of a manifest.
"""

from __future__ import annotations

from typing import Any

from kload_spec.model import API_VERSION, KIND, LoadTest
from kload_spec.model.scalars import JsonSchema

DIALECT = "http://json-schema.org/draft-07/schema#"  # what YAML language servers implement
_KEPT_EXAMPLES = "examples"


def editor_schema() -> dict[str, Any]:
    """Return the schema as JSON-like data."""
    schema = LoadTest.model_json_schema(
        by_alias=True, mode="validation", ref_template="#/definitions/{model}"
    )
    definitions = {name: _convert(item) for name, item in sorted(schema.pop("$defs").items())}
    converted = _convert(schema)
    converted["properties"] |= {
        "apiVersion": {"const": API_VERSION, "description": "Version of this resource."},
        "kind": {"const": KIND, "description": "LoadTest."},
        "metadata": {
            "type": "object",
            "description": "Name, namespace, labels.",
            "required": ["name"],
        },
        "status": {"type": "object", "description": "Written by the operator."},
    }
    converted["required"] = ["apiVersion", "kind", "metadata", "spec"]
    used = {
        name: item
        for name, item in definitions.items()
        if name in _reachable(converted, definitions)
    }
    return {"$schema": DIALECT, "title": "kload LoadTest", **converted, "definitions": used}


def _convert(value: Any) -> Any:
    if isinstance(value, list):
        return [_convert(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "x-kload-editor" in value:
        words = {key: value[key] for key in ("description", _KEPT_EXAMPLES) if key in value}
        return {**words, **value["x-kload-editor"]}
    if value.get("x-kubernetes-int-or-string"):
        return _number_or_text(value)
    options = [option for option in value.get("anyOf", ()) if option.get("type") != "null"]
    if "anyOf" in value and len(options) == 1:
        outer = {
            key: item for key, item in value.items() if key not in ("anyOf", "default", "title")
        }
        inner = _convert(options[0])
        return (
            {**_convert(outer), "allOf": [inner]}
            if "$ref" in inner
            else {**inner, **_convert(outer)}
        )
    return {
        key: _properties(item) if key == "properties" else _convert(item)
        for key, item in value.items()
        if key not in ("title", "default") and not key.startswith("x-")
    }


def _properties(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: _convert(item) for name, item in properties.items()}


def _number_or_text(schema: JsonSchema) -> JsonSchema:
    number: JsonSchema = {
        "type": "integer",
        **{key: schema[key] for key in ("minimum", "maximum") if key in schema},
    }
    text: JsonSchema = {
        "type": "string",
        **{key: schema[key] for key in ("pattern", "maxLength", "minLength") if key in schema},
    }
    words = {key: schema[key] for key in ("description", _KEPT_EXAMPLES) if key in schema}
    return {**words, "anyOf": [number, text]}


def _reachable(schema: Any, definitions: dict[str, Any]) -> set[str]:
    """Return the names of the definitions a schema needs."""
    found: set[str] = set()
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = str(value.get("$ref", "")).rpartition("/")[2]
            if name and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return found
