"""YAML text to JSON-like values, read as kubectl reads it, with the line of every entry.

Built on PyYAML's composer, whose nodes carry marks; `scalars` decides what a scalar is. Knows nothing of LoadTests.
Keys come out sorted, as the API server keeps them. Work is bounded: aliases are expanded up to a number of values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml
from typing_extensions import override

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.loading.scalars import Scalar, UnusableNumber, key_text, resolve_plain
from kload_spec.loading.traps import cut_by_comment, cut_in_flow, syntax_sentence
from kload_spec.paths import child

MAX_CHARS = 4 * 1024 * 1024  # etcd holds objects up to 1.5 MiB
MAX_VALUES = 200_000
MAX_DEPTH = 100

_PLAIN, _TEXT = "plain", "tag:yaml.org,2002:str"
_CORE = "tag:yaml.org,2002:"

Value = Scalar | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class RawDocument:
    """One document of a file: its value, and the 1-based line of every path in it; "" is the document itself."""

    value: Value
    lines: dict[str, int]


class _Composer(yaml.SafeLoader):
    """Composes nodes; a plain scalar keeps the tag `plain` instead of being guessed at."""

    @override
    def resolve(self, kind: type[yaml.Node], value: object, implicit: object) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if isinstance(implicit, tuple) and implicit[0] else _TEXT
        return f"{_CORE}map" if kind is yaml.MappingNode else f"{_CORE}seq"


def read_yaml(text: str) -> tuple[RawDocument, ...]:
    """Return the documents of a text; empty ones are left out.

    Raises:
        InvalidSpec: no YAML, duplicate keys, tags, values that YAML would cut.
    """
    if len(text) > MAX_CHARS:
        raise InvalidSpec(
            [Problem("", f"the file has {len(text)} characters, more than {MAX_CHARS}")]
        )
    documents = []
    for node in _nodes(text):
        conversion = _Conversion(text)
        try:
            value = conversion.value(node, "", 0)
        except RecursionError:
            raise InvalidSpec([Problem("", "values are nested too deeply")]) from None
        if conversion.problems:
            raise InvalidSpec(conversion.problems)
        if value is not None:
            documents.append(RawDocument(value, conversion.lines))
    return tuple(documents)


def _nodes(text: str) -> Iterator[yaml.Node]:
    try:
        loader = _Composer(text)
        while loader.check_node():
            node = loader.get_node()
            if node is not None:
                yield node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.splitlines()
        cause = lines[mark.line] if mark and mark.line < len(lines) else ""
        sentence = syntax_sentence(error.context or "", error.problem or "", cause)
        raise InvalidSpec([Problem("", sentence, mark.line + 1 if mark else None)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise InvalidSpec([Problem("", "the file holds a control character", line)]) from None
    except RecursionError:
        raise InvalidSpec([Problem("", "values are nested too deeply")]) from None
    except ValueError as error:  # PyYAML: a surrogate or number escape out of range
        raise InvalidSpec([Problem("", f"is no valid YAML: {error}")]) from None


@dataclass(slots=True)
class _Conversion:
    """One document on its way from nodes to values."""

    text: str
    lines: dict[str, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _count: int = 0
    _open: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, path: str, depth: int, flow: bool = False) -> Value:
        """Return the value of a node; faults go to `problems`."""
        self._count += 1
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if self._count > MAX_VALUES or depth > MAX_DEPTH or id(node) in self._open:
            raise InvalidSpec([Problem(path, self._too_much(node, depth), line)])
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path, flow)
        if not self._is_core(node):
            self.problems.append(
                Problem(path, f"{node.tag} is a tag; leave it away, or quote the value", line)
            )
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                flow = bool(node.flow_style)
                return [
                    self.value(item, child(path, i), depth + 1, flow)
                    for i, item in enumerate(node.value)
                ]
            assert isinstance(node, yaml.MappingNode)  # the third kind of node
            return self._mapping(node, path, depth)
        finally:
            self._open.discard(id(node))

    def _too_much(self, node: yaml.Node, depth: int) -> str:
        if id(node) in self._open:
            return "contains itself through a reference (*)"
        if depth > MAX_DEPTH:
            return f"is nested more than {MAX_DEPTH} levels deep"
        return f"holds more than {MAX_VALUES} values"

    @staticmethod
    def _is_core(node: yaml.Node) -> bool:
        return str(node.tag) in (f"{_CORE}map", f"{_CORE}seq")

    def _scalar(self, node: yaml.ScalarNode, path: str, flow: bool) -> Scalar:
        if node.tag == _TEXT:
            return str(node.value)
        if node.tag != _PLAIN:
            return self._tagged(node, path)
        try:
            resolved = resolve_plain(node.value)
        except UnusableNumber as error:
            self._note(path, str(error), node)
            return None
        if isinstance(resolved, str):
            rest = self.text[node.end_mark.index : node.end_mark.index + 200]
            cut = cut_by_comment(resolved, rest) or (cut_in_flow(resolved) if flow else None)
            if cut:
                self._note(path, cut, node)
        return resolved

    def _tagged(self, node: yaml.ScalarNode, path: str) -> Scalar:
        """Return a scalar with an explicit tag: those of JSON are allowed if they fit."""
        tag = str(node.tag)
        if tag.startswith("!"):
            written = self.text[node.start_mark.index : node.end_mark.index].strip()
            self._note(
                path, f"begins with !, which YAML takes for a tag; quote it: {written!r}", node
            )
            return None
        kinds = {"bool": bool, "int": int, "float": float | int, "null": type(None)}
        kind = kinds.get(tag.removeprefix(_CORE))
        value = resolve_plain(node.value) if kind else None
        if kind is None or not isinstance(value, kind):
            self._note(path, f"!!{tag.removeprefix(_CORE)} does not fit here; leave it away", node)
        return value

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Value]:
        entries: dict[str, Value] = {}
        own: set[str] = set()
        for key_node, value_node in node.value:
            if (
                isinstance(key_node, yaml.ScalarNode)
                and key_node.tag == _PLAIN
                and key_node.value == "<<"
            ):
                entries.update(self._merged(value_node, path, depth))
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            where = child(path, key)
            if key in own:
                self._note(
                    where,
                    f"is there twice (first in line {self.lines.get(where, 0)}); keep one",
                    key_node,
                )
            own.add(key)
            self.lines[where] = key_node.start_mark.line + 1
            if node.flow_style and self._has_no_value(key_node, value_node):
                cut = f"{key!r} has no value: a comma before it ended a text; quote that or use block style"
                self._note(where, cut, key_node)
            entries[key] = self.value(value_node, where, depth + 1, bool(node.flow_style))
        return {key: entries[key] for key in sorted(entries)}

    def _key(self, node: yaml.Node, path: str) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._note(path, "has a list or map as a key; quote the key", node)
            return None
        key = key_text(self._scalar(node, path, False)) if node.tag == _PLAIN else str(node.value)
        if key is None:
            self._note(path, "has an entry without a key", node)
        return key

    def _has_no_value(self, key: yaml.Node, value: yaml.Node) -> bool:
        """Tell whether an entry of a flow map is a lone word, such as ``b)`` of ``{x: f(a, b)}``."""
        lone = isinstance(value, yaml.ScalarNode) and value.value == "" and value.tag == _PLAIN
        return lone and not self.text[key.end_mark.index :].lstrip(" \t\n").startswith(":")

    def _merged(self, node: yaml.Node, path: str, depth: int) -> dict[str, Value]:
        """Return what ``<<`` brings in; the first of several maps wins."""
        nodes = node.value if isinstance(node, yaml.SequenceNode) else [node]
        merged: dict[str, Value] = {}
        for source in reversed(nodes):
            if not isinstance(source, yaml.MappingNode):
                self._note(path, "<< needs a map, or a list of maps, to merge", source)
                continue
            value = self.value(source, path, depth + 1)
            merged.update(value if isinstance(value, dict) else {})
        return merged

    def _note(self, path: str, message: str, node: yaml.Node) -> None:
        self.problems.append(Problem(path, message, node.start_mark.line + 1))
