"""Compile texts of a manifest to plain functions of the state: the three doors of the package.

    text ── parser ──▶ syntax ── resolver ──▶ typed ── generator ──▶ Python function
              ▲                      ▲
        templates ($( ))        scope (names), kinds, folding

Everything that can be known is settled here, before any load; what is left for the run is a function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from kload_spec.expressions.compiled import CompiledValue, Constant, Expression, Template
from kload_spec.expressions.errors import EvaluationError, ExpressionError
from kload_spec.expressions.functions.writing import as_string
from kload_spec.expressions.generator import Generator
from kload_spec.expressions.limits import MAX_VALUE_DEPTH
from kload_spec.expressions.names import as_value, constant
from kload_spec.expressions.parser import parse
from kload_spec.expressions.resolver import resolve
from kload_spec.expressions.scope import MISSING, Evaluate, Kind, Scope, Value
from kload_spec.expressions.templates import parts_of
from kload_spec.expressions.typed import Constant as ConstantNode
from kload_spec.expressions.typed import Text, Typed, names_read

_FEW_LEAVES = 50  # so many values of bounded size make a bounded value


def compile_expression(text: str, scope: Scope) -> Expression:
    """Compile a bare expression, as logic fields hold it.

    Raises:
        ExpressionError: the text is no expression, or uses a name that `scope` does not have.
    """
    return _expression(text, _settled(resolve(parse(text), text, scope), text))


def compile_template(text: str, scope: Scope) -> Template:
    """Compile a text with `$( )` in it; ``$$(`` is a literal ``$(``.

    Raises:
        ExpressionError: as for `compile_expression`; the column counts from the start of the text.
    """
    node, pieces = _template(text, scope)
    parts = tuple(
        _expression(written, piece)
        if written or not isinstance(piece, ConstantNode)
        else as_string(piece.value)
        for written, piece in pieces
    )
    known: Constant = node.value if isinstance(node, ConstantNode) else MISSING
    return Template(text, names_read(node), node.kind, known, parts, _function(node))


def compile_value(value: object, scope: Scope) -> CompiledValue:
    """Compile a nested value: every string in it, keys too, is a template.

    Raises:
        ExpressionError: as for `compile_template`; `entry` says where in the value.
    """
    return _Value(scope).compiled(value)


def _function(node: Typed) -> Evaluate:
    generator = Generator()
    return generator.out.function(generator.expression(node))


def _expression(text: str, node: Typed) -> Expression:
    known: Constant = node.value if isinstance(node, ConstantNode) else MISSING
    return Expression(text, names_read(node), node.kind, known, _function(node))


def _settled(node: Typed, text: str) -> Typed:
    """Return a constant for a tree that reads nothing; what is left of those are macros."""
    if isinstance(node, ConstantNode) or names_read(node):
        return node
    try:
        return constant(_function(node)(None))  # type: ignore[arg-type] # it reads no state
    except EvaluationError as exc:
        raise ExpressionError(exc.cause, text) from None


def _template(text: str, scope: Scope) -> tuple[Typed, list[tuple[str, Typed]]]:
    """Return the tree of a text field, and its pieces as written, constant ones joined."""
    pieces: list[tuple[str, Typed]] = []
    for part in parts_of(text, scope):
        if isinstance(part, tuple):
            pieces.append((part[0], _settled(part[1], text)))
        elif part:
            pieces.append(("", constant(part)))
    if len(pieces) > 1:
        pieces = [
            joined
            for is_constant, run in groupby(
                pieces, lambda piece: isinstance(piece[1], ConstantNode)
            )
            for joined in (_joined(run) if is_constant else run)
        ]
    if len(pieces) == 1:
        return pieces[0][1], pieces
    return Text(tuple(node for _, node in pieces)) if pieces else constant(""), pieces


def _joined(run: Iterable[tuple[str, Typed]]) -> list[tuple[str, Typed]]:
    texts = [as_string(node.value) for _, node in run if isinstance(node, ConstantNode)]
    return [("", constant("".join(texts)))]


class _Value:
    """A nested value under construction: one function that builds all of it."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._generator = Generator()
        self._names: set[str] = set()
        self._leaves = 0

    def compiled(self, value: object) -> CompiledValue:
        written = self._written(value, "", 0)
        if isinstance(written, str):
            result = f"bounded({written})" if self._leaves > _FEW_LEAVES else written
            kind = self._kind(value)
            evaluate = self._generator.out.function(result)
            return CompiledValue(value, frozenset(self._names), kind, MISSING, evaluate)
        return CompiledValue(value, frozenset(), written.kind, written.value, _function(written))

    def _kind(self, value: object) -> Kind:
        if isinstance(value, str):
            return _template(value, self._scope)[0].kind
        return Kind.MAP if isinstance(value, Mapping) else Kind.LIST

    def _written(self, value: object, entry: str, level: int) -> ConstantNode | str:
        """Return a constant, or source text for what is not."""
        if level > MAX_VALUE_DEPTH:
            raise ExpressionError(
                f"the value nests deeper than {MAX_VALUE_DEPTH} levels", entry=entry
            )
        if isinstance(value, str):
            return self._leaf(value, entry)
        if isinstance(value, Mapping):
            return self._map(value, entry, level)
        if isinstance(value, list | tuple):
            return self._list(value, entry, level)
        try:
            return constant(as_value(value, "the value"))
        except ExpressionError as exc:
            raise exc.within(entry) from None

    def _node(self, text: str, entry: str) -> Typed:
        try:
            node, _ = _template(text, self._scope)
        except ExpressionError as exc:
            raise exc.within(entry) from None
        self._names |= names_read(node)
        self._leaves += not isinstance(node, ConstantNode)
        return node

    def _leaf(self, text: str, entry: str) -> ConstantNode | str:
        node = self._node(text, entry)
        return node if isinstance(node, ConstantNode) else self._generator.expression(node)

    def _list(
        self, value: list[object] | tuple[object, ...], entry: str, level: int
    ) -> ConstantNode | str:
        items = [self._written(item, f"{entry}[{at}]", level + 1) for at, item in enumerate(value)]
        if all(isinstance(item, ConstantNode) for item in items):
            return constant([item.value for item in items if isinstance(item, ConstantNode)])
        return f"[{', '.join(map(self._source, items))}]"

    def _map(self, value: Mapping[object, object], entry: str, level: int) -> ConstantNode | str:
        entries: list[tuple[ConstantNode | str, ConstantNode | str]] = []
        for written_key, item in value.items():
            at = f"{entry}.{written_key}"
            entries.append((self._key(written_key, at), self._written(item, at, level + 1)))
        known: dict[str, Value] = {}
        for key, item in entries:
            if isinstance(key, str) or isinstance(item, str):
                sources = (f"{self._source(key)}: {self._source(item)}" for key, item in entries)
                return f"{{{', '.join(sources)}}}"
            known[as_string(key.value)] = item.value
        return constant(known)

    def _key(self, key: object, entry: str) -> ConstantNode | str:
        node = self._node(str(key), entry)
        if isinstance(node, ConstantNode):
            return constant(as_string(node.value))
        return self._generator.text(node)

    def _source(self, part: ConstantNode | str) -> str:
        return part if isinstance(part, str) else self._generator.out.literal(part.value)
