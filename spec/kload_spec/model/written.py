"""What every part of a LoadTest that a user writes has in common: strict, frozen, camelCase, empty is absent.

The models are the door: everything from outside is parsed here once. They know the form of a manifest, not what it
means; expressions, thresholds and load are checked by `planning`. `faults` turns pydantic's errors into sentences out
of what `says` puts on every field: a noun phrase (`title`), a description, an example.

    YAML -> loading -> dict -> parsing (patches, params) -> these models -> planning -> Plan
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

NAME = r"^[0-9A-Za-z_-]+$"  # of scenarios, blocks, metrics, params, variables ...: k6's rule for scenario names
IDENTIFIER = r"^[A-Za-z_][0-9A-Za-z_]*$"  # what an expression can name after a dot
# What no name may hold: names are labels of series and columns of tables.
UNPRINTABLE = "a line break, control character or invisible character"

# Bounds: the API server estimates the cost of rules from them, and etcd holds objects up to 1.5 MiB.
MAX_NAME = 63
MAX_TEXT = 4_096  # one expression, or one line of text
MAX_BODY = 262_144  # a text that is sent
MAX_STEPS = 100  # in one list
MAX_ENTRIES = 64  # of one map


def written_name(name: str) -> str:
    """Return a field's name as users write it: ``while_`` is while, ``start_vus`` startVUs, ``base_url`` baseURL."""
    camel = to_camel(name.rstrip("_"))
    return (
        camel
        if camel == "vus"
        else camel.replace("Vus", "VUs").replace("Url", "URL").replace("Ttl", "TTL")
    )


class Written(BaseModel):
    """Base of all parts of `spec`.

    An entry without a value (``gracefulStop:``) is absent, as it is for the API server, which drops nulls from
    typed fields. `model_fields_set` therefore tells what was really given.
    """

    model_config = ConfigDict(
        alias_generator=written_name,
        extra="forbid",
        frozen=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )

    @property
    def written(self) -> frozenset[str]:
        """Names of the fields that were written, as written."""
        fields = type(self).model_fields
        return frozenset(fields[name].alias or name for name in self.model_fields_set)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: item for key, item in value.items() if item is not None}
        return value


def says(title: str, description: str, example: object = None, /, **more: Any) -> Any:
    """Describe a field: what it is called in errors, what `kubectl explain` says, and an example.

    Args:
        title: noun phrase that completes "give ...": ``the number of VUs``.
        description: whole sentences, with unit and default.
        example: a value that would be right.
        more: constraints, as for `pydantic.Field`.
    """
    examples = None if example is None else [example]
    return Field(title=title, description=description, examples=examples, **more)
