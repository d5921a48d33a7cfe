"""Reads a kustomization as far as it merges patches into LoadTests, so that a suite shares its pieces here as it does
in a cluster: ``kload run suite/*.yaml`` runs what ``kubectl apply -k suite`` applies.

Understood: `resources` (files, and folders with a kustomization of their own), `components`, and `patches` with a file
of JSON merge and a target of kind, name and labels. What names and labels only is passed over; whatever else would
change a LoadTest is refused by name. Knows files and YAML; what a LoadTest is it leaves to the models.

Source: https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kload_runner.cli.output import Refused
from kload_spec.errors import Problem

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
MAX_FOLDERS_ABOVE = 3  # in which a kustomization is looked for that a file may belong to
MAX_DEPTH = 16  # of kustomizations that list kustomizations: one that lists itself would never end

_READ = frozenset({"apiVersion", "kind", "resources", "components", "patches"})
# They name, label or make other objects: the LoadTest that runs here is the same without them.
_PASSED_OVER = frozenset(
    (
        *("metadata", "namespace", "namePrefix", "nameSuffix"),
        *("labels", "commonLabels", "commonAnnotations", "images"),
        *("configMapGenerator", "secretGenerator", "generatorOptions"),
        *("crds", "configurations", "openapi", "buildMetadata", "sortOptions"),
    )
)
_TARGET_FIELDS = frozenset({"group", "version", "kind", "name", "labelSelector"})

# Reads the first document of a file.
Reader = Callable[[Path], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """Which resources a patch is for.

    Attributes:
        kind: None for any.
        name: a regular expression for the whole name, as in kustomize; None for any.
        labels: all of them have to be there with these values.
    """

    kind: str | None = None
    name: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def matches(self, document: Mapping[str, Any]) -> bool:
        """Tell whether a resource is meant."""
        metadata = document.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        labels = metadata.get("labels")
        labels = labels if isinstance(labels, Mapping) else {}
        return (
            self.kind in (None, document.get("kind"))
            and (
                self.name is None or re.fullmatch(self.name, str(metadata.get("name"))) is not None
            )
            and all(labels.get(name) == value for name, value in self.labels.items())
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A patch and what it is for."""

    patch: Path
    target: Target


@dataclass(frozen=True, slots=True)
class Listed:
    """A file of a kustomization, with the rules that concern it, in the order they are merged.

    Attributes:
        named: it was asked for itself; else a kustomization lists it, perhaps beside Deployments and the like.
    """

    file: Path
    rules: tuple[Rule, ...] = ()
    named: bool = field(default=True, compare=False)

    def patches(self, document: Mapping[str, Any]) -> list[Path]:
        """Return the patches for one document of the file."""
        return [rule.patch for rule in self.rules if rule.target.matches(document)]


def find(path: Path) -> Path | None:
    """Return the kustomization that a word of the command line names, by file or folder; None where it names none."""
    if path.is_dir():
        return next((path / name for name in FILE_NAMES if (path / name).is_file()), None)
    return path if path.name in FILE_NAMES else None


def read(path: Path, reader: Reader) -> tuple[Listed, ...]:
    """Return the files a kustomization lists, in its order, with their patches: the innermost first.

    Raises:
        Refused: it has something in it that would change a LoadTest and is not understood here, or a file is missing.
    """
    return tuple(_listed(path, reader, MAX_DEPTH))


def chosen(paths: Sequence[Path], reader: Reader) -> list[Listed]:
    """Return what is to be run, with its patches: kustomizations among `paths` patch the other files, those that they
    list; where there are no others, they stand for all they list.

    So ``kload run suite/*.yaml`` runs the files of the suite, ``kload run suite`` too (in the kustomization's order),
    and ``kload run kustomization.yaml one.yaml`` runs one of them.

    Raises:
        Refused: see `read`.
    """
    listed: list[Listed] = []
    files: list[Path] = []
    for path in paths:
        kustomization = find(path)
        if kustomization is None:
            files.append(path)
        else:
            listed += read(kustomization, reader)
    if not files:
        return listed
    rules = {entry.file.resolve(): entry.rules for entry in listed}
    return [Listed(file, rules.get(file.resolve(), ())) for file in files]


def lister(file: Path, reader: Reader) -> Path | None:
    """Return the nearest kustomization above a file that lists it with patches: those it may not do without."""
    for folder in list(file.resolve().parents)[:MAX_FOLDERS_ABOVE]:
        path = find(folder)
        if path is None:
            continue
        try:
            entries = read(path, reader)
        except Refused:
            return None
        if any(entry.rules and entry.file.resolve() == file.resolve() for entry in entries):
            return path
    return None


def _listed(path: Path, reader: Reader, depth: int) -> Iterator[Listed]:
    if depth == 0:
        raise _refused(path, "resources", f"more than {MAX_DEPTH} kustomizations list each other")
    document = _checked(path, reader)
    rules: list[Rule] = []  # components first, then our own, as kustomize does
    for entry in _texts(path, document, "components"):
        component = find(path.parent / entry)
        if component is None:
            raise _refused(path, "components", f"{entry!r} has no kustomization.yaml")
        rules += _rules(component, _checked(component, reader), reader)
    rules += _rules(path, document, reader)
    for entry in _texts(path, document, "resources"):
        resource = path.parent / entry
        inner = find(resource)
        if inner is not None:
            for listed in _listed(inner, reader, depth - 1):
                yield Listed(listed.file, (*listed.rules, *rules), named=False)
        elif resource.is_file():
            yield Listed(resource, tuple(rules), named=False)
        else:
            raise _refused(
                path, "resources", f"{entry!r} is no file, and no folder with a kustomization.yaml"
            )


def _checked(path: Path, reader: Reader) -> Mapping[str, Any]:
    document = reader(path)
    unknown = sorted(set(document) - _READ - _PASSED_OVER)
    if unknown:
        raise _refused(
            path,
            unknown[0],
            "is not understood here; kload reads resources, components and patches."
            " Let `kubectl kustomize` write the LoadTests to a file and run that",
        )
    return document


def _rules(path: Path, document: Mapping[str, Any], reader: Reader) -> Iterator[Rule]:
    patches = document.get("patches") or []
    for number, entry in enumerate(patches if isinstance(patches, list) else [patches]):
        place = f"patches[{number}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("path"), str):
            raise _refused(path, place, "only patches in files are understood here: path: FILE")
        file = path.parent / entry["path"]
        if not file.is_file():
            raise _refused(path, f"{place}.path", f"there is no file {entry['path']!r}")
        target = entry.get("target")
        if target is None:
            yield Rule(file, _target_of_patch(path, place, reader(file)))
        else:
            yield Rule(file, _target(path, f"{place}.target", target))


def _target_of_patch(path: Path, place: str, patch: Mapping[str, Any]) -> Target:
    metadata = patch.get("metadata")
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str):
        raise _refused(path, place, "needs a target, or a patch with kind and metadata.name")
    return Target(patch.get("kind"), re.escape(metadata["name"]))


def _target(path: Path, place: str, target: object) -> Target:
    if not isinstance(target, Mapping) or set(target) - _TARGET_FIELDS:
        raise _refused(path, place, f"only {', '.join(sorted(_TARGET_FIELDS))} are understood here")
    selector = target.get("labelSelector") or ""
    labels = {}
    for term in filter(None, (part.strip() for part in str(selector).split(","))):
        match = re.fullmatch(r"([\w./-]+)\s*==?\s*([\w.-]*)", term)
        if match is None:
            raise _refused(
                path, f"{place}.labelSelector", f"{term!r}: only label=value is understood here"
            )
        labels[match[1]] = match[2]
    return Target(target.get("kind"), target.get("name"), labels)


def _texts(path: Path, document: Mapping[str, Any], key: str) -> list[str]:
    entries = document.get(key) or []
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise _refused(path, key, "is no list of paths")
    return entries


def _refused(path: Path, place: str, message: str) -> Refused:
    return Refused((Problem(place, message),), str(path))
