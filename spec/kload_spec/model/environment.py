"""Environment variables as they are written: as in a container, secrets by reference only.

Locally a reference is read from the shell variable of the entry's own name; in a cluster the operator copies the
entry into the runner's container.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from kload_spec.model.scalars import (
    Flag,
    Identifier,
    LooseStaticText,
    StaticName,
    StaticText,
    fault,
)
from kload_spec.model.written import Written, says


class KeyRef(Written):
    """One key of a Secret or ConfigMap in the LoadTest's namespace."""

    name: Annotated[StaticName, says("a name", "Name of the Secret or ConfigMap.", "supabase")]
    key: Annotated[StaticText, says("a key", "Key in it.", "anon")]
    optional: Annotated[
        Flag | None,
        says(
            "true or false",
            "Empty instead of refused where it does not exist. Default false.",
            True,
        ),
    ] = None


class ValueFrom(Written):
    """Where a variable comes from in a cluster."""

    secret_key_ref: Annotated[
        KeyRef | None,
        says(
            "a reference",
            "Key of a Secret; masked everywhere.",
            {"name": "supabase", "key": "anon"},
        ),
    ] = None
    config_map_key_ref: Annotated[
        KeyRef | None,
        says("a reference", "Key of a ConfigMap.", {"name": "shop", "key": "eventId"}),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> ValueFrom:
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise fault("needs one source: `secretKeyRef` or `configMapKeyRef`")
        return self


class EnvVar(Written):
    """A variable the test reads as `env.NAME`."""

    name: Annotated[Identifier, says("a name", "Name of the variable.", "API_KEY")]
    value: Annotated[
        LooseStaticText | None,
        says(
            "text",
            "Its value where nothing else gives one (-e, --env-file, shell).",
            "test-event-id",
        ),
    ] = None
    value_from: Annotated[
        ValueFrom | None,
        says(
            "a reference",
            "Where it comes from in a cluster.",
            {"secretKeyRef": {"name": "supabase", "key": "anon"}},
        ),
    ] = None
    optional: Annotated[
        Flag | None,
        says(
            "true or false",
            "Empty, with one warning, instead of refused where it is missing. Default false.",
            True,
        ),
    ] = None

    @model_validator(mode="after")
    def _one_source(self) -> EnvVar:
        if self.value is not None and self.value_from is not None:
            raise fault("has both `value` and `valueFrom`; keep one")
        return self

    @property
    def is_secret(self) -> bool:
        """Whether the value must be masked."""
        return self.value_from is not None and self.value_from.secret_key_ref is not None

    @property
    def is_optional(self) -> bool:
        """Whether the run may do without it."""
        source = self.value_from and (
            self.value_from.secret_key_ref or self.value_from.config_map_key_ref
        )
        return bool(self.optional or (source and source.optional))
