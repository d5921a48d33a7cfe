"""The reference of the resource as a page: every field of the CRD with its type and meaning. Written by `make
generate`.

A walk over the CRD's own schema, so that the page cannot say anything else than what the API server accepts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

HEAD = """\
# LoadTest reference

Generated from the models by `make generate`; do not edit. Every field may hold `$(params.name)` where it is
read before the run; texts that are sent may hold any [expression](expressions.md). `required` fields are marked
with a star.

The same in an editor: `kload schema > loadtest.schema.json`, and on the first line of a manifest
`# yaml-language-server: $schema=loadtest.schema.json`.
"""


def reference_page(schema: Schema) -> str:
    """Return the page for a CRD's openAPIV3Schema: `spec`, then `status`."""
    parts = [HEAD]
    told: dict[str, str] = {}
    for top in ("spec", "status"):
        parts.append("\n".join(_section(schema["properties"][top], top, told)))
    return "\n".join(parts)


def _section(schema: Schema, path: str, told: dict[str, str]) -> Iterator[str]:
    """Yield the lines of one object and then of the objects in it; what was told already is only pointed at."""
    fields: Mapping[str, Schema] = schema.get("properties", {})
    yield f"## `{path}`\n"
    same = told.setdefault(repr(fields), path)
    if same != path:
        yield f"The same as [`{same}`](#{_anchor(same)}).\n"
        return
    if schema.get("description"):
        yield f"{_flat(schema['description'])}\n"
    yield "| field | type | meaning |\n|---|---|---|"
    required = set(schema.get("required", ()))
    for name, field in sorted(fields.items()):
        star = " *" if name in required else ""
        yield f"| `{name}`{star} | {_type(field)} | {_cell(field.get('description', ''))} |"
    yield ""
    rules = schema.get("x-kubernetes-validations", ())
    yield from (f"- {_flat(rule.get('message', rule['rule']))}" for rule in rules)
    if rules:
        yield ""
    for name, field in sorted(fields.items()):
        below, suffix = _inside(field)
        if below.get("properties"):
            yield from _section(below, f"{path}.{name}{suffix}", told)


def _anchor(heading: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    return "".join(c for c in heading.lower() if c.isalnum() or c in "-_")


def _inside(field: Schema) -> tuple[Schema, str]:
    """Return what a field holds at its core, through lists and maps, and how that is written in a path."""
    suffix = ""
    while True:
        if "items" in field:
            field, suffix = field["items"], suffix + "[]"
        elif isinstance(field.get("additionalProperties"), Mapping):
            field, suffix = field["additionalProperties"], suffix + ".NAME"
        else:
            return field, suffix


def _type(field: Schema) -> str:
    if field.get("enum"):
        return " · ".join(f"`{value}`" for value in field["enum"])
    if field.get("x-kubernetes-int-or-string"):
        return "number or text"
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), Mapping):
        return f"map of {_type(field['additionalProperties'])}"
    if field.get("x-kubernetes-preserve-unknown-fields") and not field.get("properties"):
        return "any"
    return {
        "object": "object",
        "integer": "whole number",
        "boolean": "true · false",
        "string": "text",
    }.get(field.get("type", ""), str(field.get("type", "any")))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _flat(text).replace("|", "\\|")
