"""The reference page tells every field once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kload_spec.crd import custom_resource_definition
from kload_spec.reference import reference_page

SCHEMA = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def field_names(schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of all fields at any depth, names of maps' entries left out."""
    yield from schema.get("properties", {})
    below = [
        *schema.get("properties", {}).values(),
        schema.get("items"),
        schema.get("additionalProperties"),
    ]
    for one in below:
        if isinstance(one, Mapping):
            yield from field_names(one)


def test_every_field_of_the_crd_is_on_the_page() -> None:
    page = reference_page(SCHEMA)
    missing = {
        name for name in field_names(SCHEMA["properties"]["spec"]) if f"| `{name}`" not in page
    }
    assert not missing


def test_what_is_the_same_is_told_once_and_pointed_at() -> None:
    page = reference_page(SCHEMA)
    assert page.count("| `post` |") == 1
    assert "The same as [`spec.blocks.NAME[]`](#specblocksname)" in page
