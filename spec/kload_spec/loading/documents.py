"""LoadTests out of a file: several documents, lists, other kinds beside them; and patches over them.

What a LoadTest must hold is not known here; `planning` checks it and `Document.located` gives its faults their lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.loading.reader import RawDocument, read_yaml
from kload_spec.paths import child

_GROUP, _KIND = "kload.dev/", "LoadTest"


@dataclass(frozen=True, slots=True)
class Document:
    """A LoadTest as JSON-like data, with where it came from.

    Attributes:
        value: keys sorted, scalars as kubectl reads them.
        source: name of the file, for messages.
        lines: 1-based line of every path in it.
    """

    value: Mapping[str, Any]
    source: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """metadata.name, or nothing."""
        metadata = self.value.get("metadata")
        name = metadata.get("name") if isinstance(metadata, Mapping) else None
        return name if isinstance(name, str) else ""

    def line_of(self, path: str) -> int | None:
        """Return the line of a path, or of the nearest part of the file that holds it."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = _parent(path)
        return self.lines.get("")

    def located(self, error: InvalidSpec) -> InvalidSpec:
        """Return the same faults with their lines, in the order of the file."""
        problems = [self._located(problem) for problem in error.problems]
        return InvalidSpec(sorted(problems, key=lambda problem: problem.line or 0))

    def _located(self, problem: Problem) -> Problem:
        if problem.line is not None or problem.path.startswith("--"):  # an option has no line
            return problem
        return problem.at_line(self.line_of(problem.path))


def _parent(path: str) -> str:
    """Return a path without its last part: after the last dot or bracket that is not inside a quoted key."""
    if path.endswith('"]'):
        start = path.rfind('["')
        return path[:start] if start >= 0 else ""
    if path.endswith("]"):
        return path[: path.rfind("[")]
    return path[: path.rfind(".")] if "." in path else ""


def load_text(text: str, source: str = "") -> tuple[Document, ...]:
    """Return the LoadTests of a file, in order. Other kinds beside them are passed over, as kubectl applies them.

    Raises:
        InvalidSpec: no YAML, an empty file, or no LoadTest in it.
    """
    documents = read_documents(text, source)
    tests = [document for document in documents if is_loadtest(document.value)]
    if tests:
        return tuple(tests)
    if not documents:
        raise InvalidSpec(
            [Problem("", "the file is empty; `kload new` writes a test to start from")]
        )
    kinds = ", ".join(dict.fromkeys(_kind_of(document.value) for document in documents))
    foreign = any(
        str(document.value.get("apiVersion", "")).startswith("k6.io/") for document in documents
    )
    hint = "; docs/from-k6.md shows how to carry it over" if foreign else ""
    said = f"the file holds {kinds}, but no LoadTest (apiVersion: kload.dev/v1alpha1){hint}"
    raise InvalidSpec([Problem("", said, 1)])


def read_documents(text: str, source: str = "") -> tuple[Document, ...]:
    """Return every map of a file as a document, lists taken apart; for patches, which need no kind.

    Raises:
        InvalidSpec: no YAML, or a document that is no map.
    """
    documents: list[Document] = []
    for raw in read_yaml(text):
        documents += _flattened(raw, source)
    return tuple(documents)


def _flattened(raw: RawDocument, source: str) -> Iterable[Document]:
    value = raw.value
    if not isinstance(value, dict):
        what = "a list" if isinstance(value, list) else f"{value!r}"
        sentence = f"a document is {what}, not a map; a LoadTest begins with apiVersion and kind"
        raise InvalidSpec([Problem("", sentence, raw.lines[""])])
    items = value.get("items")
    if not (isinstance(items, list) and str(value.get("kind", "")).endswith("List")):
        return [Document(value, source, raw.lines)]
    documents: list[Document] = []
    for index, item in enumerate(items):
        prefix = f"items[{index}]"
        inside = ((path, line) for path, line in raw.lines.items() if path.startswith(prefix))
        lines = {path.removeprefix(prefix).removeprefix("."): line for path, line in inside}
        documents += _flattened(RawDocument(item, lines or {"": 1}), source)
    return documents


def is_loadtest(value: Mapping[str, Any]) -> bool:
    """Tell a LoadTest, also one with a slip in kind or apiVersion, from other resources."""
    version, kind = value.get("apiVersion"), value.get("kind")
    if isinstance(version, str) and version.startswith(_GROUP):
        return True
    if isinstance(kind, str) and kind.lower() == _KIND.lower():
        return True
    spec = value.get("spec")
    return (version is None or kind is None) and isinstance(spec, Mapping) and "scenarios" in spec


def _kind_of(value: Mapping[str, Any]) -> str:
    kind, version = value.get("kind"), value.get("apiVersion")
    if kind is None:
        return "a map without a kind"
    return f"{kind} ({version})" if version else str(kind)


def patched(document: Document, patch: Document) -> Document:
    """Return a document with a patch merged over it: JSON merge patch of spec, labels and annotations.

    A null takes away; a list replaces a list. Name and kind of the patch are not looked at, as with kustomize's target.
    Lines of what the patch changed are given up.

    Source: RFC 7386.
    """
    value = dict(document.value)
    over = dict(patch.value)
    metadata = over.pop("metadata", None)
    kept = {key: item for key, item in over.items() if key not in ("apiVersion", "kind", "status")}
    unknown = sorted(set(kept) - {"spec"})
    if unknown:
        raise InvalidSpec(
            [Problem(unknown[0], "cannot be patched; a patch holds spec (and metadata)")]
        )
    if isinstance(metadata, Mapping):
        own = value.get("metadata")
        labels = {key: metadata[key] for key in ("labels", "annotations") if key in metadata}
        value["metadata"] = merge_patch(own if isinstance(own, Mapping) else {}, labels)
    value = dict(merge_patch(value, kept))
    touched = tuple(_leaves(kept, ""))
    lines = {
        path: line
        for path, line in document.lines.items()
        if not (touched and path.startswith(touched))
    }
    return replace(document, value=value, lines=lines)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return the target with a JSON merge patch applied; both stay as they are."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return {key: merged[key] for key in sorted(merged)}


def _leaves(patch: Mapping[str, Any], path: str) -> Iterable[str]:
    for key, value in patch.items():
        where = child(path, key)
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, where)
        else:
            yield where
