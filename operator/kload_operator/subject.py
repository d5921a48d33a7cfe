"""A LoadTest as the operator reads it: parsed and compiled once per generation, identity and status at every look.

A spec that the schema let through but the compiler refuses is a fact here (`problems`), not an exception: it ends the
run as Error/InvalidSpec, with the field named, and is never tried again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from kload_spec.errors import InvalidSpec
from kload_spec.model import ABORT_ANNOTATION, Spec, Status, parse
from kload_spec.plan import Plan
from kload_spec.planning import plan, spec_hash

DEFAULT_START_TIMEOUT_S = 600.0
CACHED = 512  # compiled specs; one is some 100 KB


class Compiled:
    """What one generation of a spec means; compiled when it is asked for, since finished runs never ask."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.spec_hash = spec_hash(document)

    @cached_property
    def spec(self) -> Spec | None:
        """The spec; None where its form is refused."""
        return self._parsed[0]

    @cached_property
    def plan(self) -> Plan | None:
        """The plan; None where the spec is refused."""
        return self._planned[0]

    @cached_property
    def problems(self) -> str:
        """Why the spec is refused; empty: it is not."""
        return self._parsed[1] or self._planned[1]

    @cached_property
    def _parsed(self) -> tuple[Spec | None, str]:
        try:
            return parse(self._document).spec, ""
        except InvalidSpec as error:
            return None, str(error)

    @cached_property
    def _planned(self) -> tuple[Plan | None, str]:
        try:
            return plan(self._document), ""
        except InvalidSpec as error:
            return None, str(error)


@dataclass(frozen=True, slots=True)
class Subject:
    """One LoadTest at one resourceVersion."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    deleting: bool
    abort: str
    document: Mapping[str, Any]
    status: Status
    compiled: Compiled

    @property
    def suspended(self) -> bool:
        """Whether new runs are kept from starting."""
        return bool(self.compiled.spec and self.compiled.spec.suspend)

    @property
    def start_timeout_s(self) -> float:
        """From the run's acceptance to its first request."""
        spec = self.compiled.spec
        return (spec.start_timeout if spec else None) or DEFAULT_START_TIMEOUT_S

    @property
    def ttl_s(self) -> float | None:
        """How long children of a finished run are kept; None: not said."""
        spec = self.compiled.spec
        ttl = spec.ttl_seconds_after_finished if spec else None
        return float(ttl) if ttl is not None else None

    @property
    def identity(self) -> dict[str, str]:
        """What a status write must still find."""
        return {"uid": self.uid, "resourceVersion": self.resource_version}


class Reader:
    """Reads LoadTests; keeps what was compiled, since a run is looked at every few seconds."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[tuple[str, int], Compiled] = OrderedDict()

    def read(self, manifest: Mapping[str, Any]) -> Subject:
        """Return a LoadTest's manifest as a subject."""
        metadata = manifest["metadata"]
        key = (metadata["uid"], metadata.get("generation", 0))
        compiled = self._compiled.get(key)
        if compiled is None:
            compiled = self._compiled[key] = Compiled(document_of(manifest))
            if len(self._compiled) > CACHED:
                self._compiled.popitem(last=False)
        self._compiled.move_to_end(key)
        return Subject(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata.get("resourceVersion", ""),
            generation=key[1],
            deleting="deletionTimestamp" in metadata,
            abort=(metadata.get("annotations") or {}).get(ABORT_ANNOTATION, ""),
            document=document_of(manifest),
            status=_status(manifest.get("status")),
            compiled=compiled,
        )


def document_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a LoadTest makes its plan: its identity and its spec."""
    metadata = manifest["metadata"]
    return {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": manifest.get("spec", {}),
    }


def _status(written: Mapping[str, Any] | None) -> Status:
    """Return a status; one that nobody can read (written by a stranger) counts as none."""
    try:
        return Status.model_validate(written or {})
    except ValidationError:
        return Status()
