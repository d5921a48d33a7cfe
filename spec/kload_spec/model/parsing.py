"""A document to a LoadTest: kind and version, parameters, models; every fault at once.

The parameters are read first, because everything else may be written in terms of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.model.faults import problems_of
from kload_spec.model.loadtest import API_VERSION, GROUP, KIND, MAX_LOADTEST_NAME, LoadTest
from kload_spec.model.scalars import Parameters, show
from kload_spec.parameters import parameters_of

_OBJECT_NAME_CHARS = "a DNS label: lower-case letters, digits and -, a letter or digit at both ends"


def parse(document: Mapping[str, Any], params: Mapping[str, object] | None = None) -> LoadTest:
    """Return the LoadTest a document describes, with parameters put in.

    Args:
        document: the resource as JSON-like data, as `loading` or the API server give it.
        params: values over the document's own; texts are read as the type of the default (``-p peak=5``).

    Raises:
        InvalidSpec: with every fault of form; what expressions and thresholds mean is `planning`'s to check.
    """
    problems = list(_identity_problems(document))
    if any(problem.path in ("apiVersion", "kind") for problem in problems):
        raise InvalidSpec(problems)
    spec = document.get("spec")
    declared = spec.get("params") if isinstance(spec, Mapping) else None
    values: Mapping[str, object] = {}
    try:
        values = parameters_of(declared, params or {})
    except InvalidSpec as error:
        problems += error.problems
        values = parameters_of(declared, {})  # the defaults: one wrong value is one problem
    try:
        test = LoadTest.model_validate(dict(document), context=Parameters(values))
    except ValidationError as error:
        known = {problem.path for problem in problems}
        problems += [
            problem for problem in problems_of(error, LoadTest) if problem.path not in known
        ]
    if problems:
        raise InvalidSpec(problems)
    return test


def _identity_problems(document: Mapping[str, Any]) -> list[Problem]:
    problems = []
    version, kind = document.get("apiVersion"), document.get("kind")
    if version != API_VERSION:
        problems.append(Problem("apiVersion", _wrong_version(version)))
    if kind != KIND:
        problems.append(Problem("kind", _wrong_kind(kind)))
    problems += _name_problems(document.get("metadata"))
    return problems


def _wrong_version(version: object) -> str:
    if version is None:
        return f"is missing; write {API_VERSION}"
    if isinstance(version, str) and version.startswith(GROUP + "/"):
        return f"{show(version)} is a version this kload does not know; it reads {API_VERSION}"
    return f"{show(version)} is not kload's; write {API_VERSION}"


def _wrong_kind(kind: object) -> str:
    if kind is None:
        return f"is missing; write {KIND}"
    if isinstance(kind, str) and get_close_matches(kind.lower(), [KIND.lower()], cutoff=0.7):
        return f"{show(kind)} is not known; did you mean {KIND}?"
    return f"{show(kind)} is not a {KIND}"


def _name_problems(metadata: object) -> list[Problem]:
    if metadata is None:
        return [Problem("metadata.name", "is missing; give the test a name, e.g. checkout")]
    if not isinstance(metadata, Mapping):
        return [Problem("metadata", f"{show(metadata)} is not a map; write {{name: checkout}}")]
    name = metadata.get("name")
    if name is None and metadata.get("generateName"):
        return []
    if not isinstance(name, str) or not name:
        return [
            Problem(
                "metadata.name", f"{show(name)} is no name; give the test a name, e.g. checkout"
            )
        ]
    if len(name) > MAX_LOADTEST_NAME:
        sentence = f"{show(name)} has {len(name)} characters; names of LoadTests have at most {MAX_LOADTEST_NAME}"
        return [
            Problem(
                "metadata.name", sentence + ", because names of Jobs and pods are made from them"
            )
        ]
    if not _is_dns_label(name):
        return [Problem("metadata.name", f"{show(name)} is not {_OBJECT_NAME_CHARS}")]
    return []


def _is_dns_label(name: str) -> bool:
    inner = name.replace("-", "a")
    return (
        inner.isascii()
        and inner.isalnum()
        and inner == inner.lower()
        and "-" not in (name[0], name[-1])
    )
