"""Resolve an expression: look up every name, infer kinds, refuse what can never work, fold what is constant.

Between `parser` (what was written) and `generator` (what runs). After it nothing is left that a user named except keys
and constants. Every fault is an ExpressionError with its column and a sentence that says what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from kload_spec.expressions import calls
from kload_spec.expressions.errors import EvaluationError, ExpressionError
from kload_spec.expressions.folding import folded, folded_presence
from kload_spec.expressions.functions.library import HAS, MACROS
from kload_spec.expressions.kinds import (
    EQUALITY,
    NUMERIC,
    ORDER,
    SCALAR,
    infix_fault,
    infix_result,
    joined,
    spoken,
)
from kload_spec.expressions.names import ROOTS, Names, constant
from kload_spec.expressions.scope import Kind, Scope
from kload_spec.expressions.syntax import (
    Binary,
    Call,
    Conditional,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Member,
    Name,
    Syntax,
    Unary,
)
from kload_spec.expressions.typed import (
    HEADERS,
    REQUEST_HEADERS,
    At,
    Choice,
    Constant,
    Entries,
    Folded,
    Infix,
    Items,
    Junction,
    Local,
    Loop,
    Prefix,
    Present,
    Read,
    Select,
    Typed,
)


def resolve(tree: Syntax, text: str, scope: Scope) -> Typed:
    """Return the typed tree of an expression.

    Raises:
        ExpressionError: a name is unknown, a kind cannot fit, a constant part has no value.
    """
    return _Resolver(text, scope).node(tree)


class _Resolver:
    """Walks one tree; knows the variables of the macros it is in."""

    def __init__(self, text: str, scope: Scope) -> None:
        self._text = text
        self._scope = scope
        self._names = Names(scope, text)
        self._locals: dict[str, Local] = {}
        self._slots = 0
        self._guards = 0

    def node(self, tree: Syntax) -> Typed:
        match tree:
            case Literal():
                return constant(tree.value)
            case Name():
                return self._locals.get(tree.name) or self._names.root(tree.name, tree.at)
            case Member() | Index():
                return self._fold(self._access(tree), tree.at)
            case Unary() | Binary():
                return self._fold(self._operation(tree), tree.at)
            case Logic() | Conditional():
                return self._fold(self._branching(tree), tree.at)
            case ListOf() | MapOf():
                return self._fold(self._collection(tree), tree.at)
            case Call():  # pragma: no branch # exhaustive, mypy holds it
                return self._call(tree)

    # ── constants ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _fold(self, node: Typed, at: int) -> Typed:
        try:
            return folded(node)
        except EvaluationError as exc:
            # In a part that may never be evaluated a fault is left for the run: n == 0 ? 0 : 10 / n
            if self._guards:
                return node
            self._fail(exc.cause, at)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        self._guards += 1
        yield
        self._guards -= 1

    def _fail(self, message: str, at: int) -> NoReturn:
        raise ExpressionError(message, self._text, at + 1)

    # ── access ────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _access(self, tree: Member | Index) -> Typed:
        key = constant(tree.name) if isinstance(tree, Member) else self.node(tree.key)
        at = tree.at if isinstance(tree, Member) else tree.key.at
        owner = tree.operand
        if isinstance(owner, Name) and owner.name not in self._locals:
            if self._names.has_members(owner.name):
                return self._root_member(owner, key, at)
            operand: Typed = self._names.container(owner.name, owner.at)
        else:
            operand = self.node(owner)
        if isinstance(tree, Member) and tree.name == "length":
            self._fail('write size(x); a key that is called length is x["length"]', at)
        self._check_access(operand, key, at)
        is_header = operand in (HEADERS, REQUEST_HEADERS)
        kind = Kind.STRING if is_header else Kind.ANY
        if isinstance(key, Constant) and type(key.value) is str:
            return Select(operand, key.value.lower() if is_header else key.value, kind)
        return At(operand, self._fold(Folded(key), at) if is_header else key, kind)

    def _root_member(self, owner: Name, key: Typed, at: int) -> Typed:
        if isinstance(key, Constant) and type(key.value) is str:
            return self._names.member(owner.name, key.value, at)
        self._names.require(owner.name, owner.at)
        if not self._names.is_dynamic(owner.name) or key.kind not in (Kind.ANY, Kind.STRING):
            self._fail(f"the members of {owner.name} are named: {owner.name}.x", at)
        return At(self._names.container(owner.name, owner.at), key)

    def _check_access(self, operand: Typed, key: Typed, at: int) -> None:
        if operand.kind in SCALAR:
            self._fail(f"a {spoken(operand.kind)} has no members", at)
        is_position = key.kind in NUMERIC
        if operand.kind is Kind.LIST and not is_position and key.kind is not Kind.ANY:
            self._fail("a list has elements: list[0]; for all of them list.map(x, x.name)", at)
        if operand.kind is Kind.MAP and is_position:
            self._fail("a map has members: map.name or map['name']", at)
        if key.kind in (Kind.BOOL, Kind.NULL, Kind.LIST, Kind.MAP):
            self._fail(f"an index is a whole number or a string, not a {spoken(key.kind)}", at)
        if isinstance(key, Constant) and is_position and key.value < 0:  # type: ignore[operator] # a number
            self._fail("elements count from 0; the last one is list[size(list) - 1]", at)

    # ── operators ─────────────────────────────────────────────────────────────────────────────────────────────────────

    def _operation(self, tree: Unary | Binary) -> Typed:
        if isinstance(tree, Unary):
            return self._prefix(tree)
        left, right = self.node(tree.left), self.node(tree.right)
        if tree.operator == "in" and right in (HEADERS, REQUEST_HEADERS):
            left = self._fold(Folded(left), tree.left.at)
        # Two constants of the plan may differ in kind: params.x == null
        both_constant = isinstance(left, Constant) and isinstance(right, Constant)
        if not (both_constant and tree.operator in EQUALITY):
            fault = infix_fault(tree.operator, left.kind, right.kind)
            if fault is not None:
                self._fail(fault, tree.at)
        if tree.operator in ORDER | EQUALITY:
            self._refuse_lost_fraction(left, right, tree.at)
            self._refuse_lost_fraction(right, left, tree.at)
        kind = infix_result(tree.operator, left.kind, right.kind)
        return Infix(tree.operator, left, right, kind)

    def _refuse_lost_fraction(self, quotient: Typed, bound: Typed, at: int) -> None:
        # `failed / total < 0.01` would hold whatever the numbers are: two ints are divided as in CEL.
        if (
            isinstance(quotient, Infix)
            and quotient.operator == "/"
            and quotient.kind is not Kind.FLOAT
            and isinstance(bound, Constant)
            and isinstance(bound.value, float)
            and not bound.value.is_integer()
        ):
            self._fail(
                "the quotient of two ints has no fraction; write double(a) / b to compare it with one",
                at,
            )

    def _prefix(self, tree: Unary) -> Typed:
        operand = self.node(tree.operand)
        if tree.operator == "!":
            self._need_bool(operand, tree.operand.at, "!")
            return Prefix("!", operand, Kind.BOOL)
        if operand.kind is not Kind.ANY and operand.kind not in NUMERIC:
            self._fail(f"- needs a number, not a {spoken(operand.kind)}", tree.operand.at)
        kind = Kind.NUMBER if operand.kind is Kind.ANY else operand.kind
        return Prefix("-", operand, kind)

    def _need_bool(self, node: Typed, at: int, operator: str) -> None:
        if node.kind not in (Kind.BOOL, Kind.ANY):
            what = spoken(node.kind)
            self._fail(
                f"{operator} needs a bool, not a {what}; compare it: x == 1, x != '', size(x) > 0",
                at,
            )

    def _branching(self, tree: Logic | Conditional) -> Typed:
        if isinstance(tree, Logic):
            return self._junction(tree)
        condition = self.node(tree.condition)
        self._need_bool(condition, tree.condition.at, "?")
        if isinstance(condition, Constant):
            # Only the branch that is taken has to have a value; names are checked in both.
            with self._guarded():
                taken, other = tree.then, tree.otherwise
                if not condition.value:
                    taken, other = other, taken
                self.node(other)
            return self.node(taken)
        with self._guarded():
            then, otherwise = self.node(tree.then), self.node(tree.otherwise)
        return Choice(condition, then, otherwise, joined(then.kind, otherwise.kind))

    def _junction(self, tree: Logic) -> Typed:
        terms: list[Typed] = []
        for term in tree.terms:
            if terms:
                with self._guarded():
                    node = self.node(term)
            else:
                node = self.node(term)
            self._need_bool(node, term.at, tree.operator)
            terms.append(node)
        return Junction(tree.operator, tuple(terms))

    def _collection(self, tree: ListOf | MapOf) -> Typed:
        if isinstance(tree, ListOf):
            return Items(tuple(self.node(item) for item in tree.items))
        entries: dict[object, tuple[Typed, Typed]] = {}
        for written_key, written_value in tree.entries:
            key = self.node(written_key)
            if key.kind not in (Kind.STRING, Kind.ANY):
                self._fail(f"a key is a string, not a {spoken(key.kind)}", written_key.at)
            identity = key.value if isinstance(key, Constant) else (len(entries),)
            if identity in entries:
                self._fail(f"the key {identity!r} is there twice", written_key.at)
            entries[identity] = (key, self.node(written_value))
        return Entries(tuple(entries.values()))

    # ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    def _call(self, tree: Call) -> Typed:
        if tree.name == HAS and tree.receiver is None:
            return self._presence(tree)
        if tree.name in MACROS and tree.receiver is not None:
            return self._loop(tree)
        # The receiver comes first: that Math is unknown says more than that floor is no method.
        receiver = () if tree.receiver is None else (self.node(tree.receiver),)
        try:
            function = calls.function_named(tree.name, is_method=bool(receiver))
            if function.source is not None and not self._scope.running:
                raise calls.CallFault(f"{tree.name}() differs at every call; use params instead")
            arguments = (*receiver, *(self.node(argument) for argument in tree.arguments))
            node = calls.call(function, arguments)
        except calls.CallFault as fault:
            at = tree.at
            if fault.argument is not None and fault.argument >= len(receiver):
                at = tree.arguments[fault.argument - len(receiver)].at
            self._fail(fault.message, at)
        return self._fold(node, tree.at)

    def _presence(self, tree: Call) -> Typed:
        if len(tree.arguments) != 1 or not isinstance(tree.arguments[0], Member | Index):
            self._fail("has() takes one member: has(json.x) or has(headers['x'])", tree.at)
        with self._guarded():
            target = self.node(tree.arguments[0])
        match target:
            case Select() | At():
                return folded_presence(Present(target))
            case Read(is_record=False):
                return Present(target)
            case _:
                return constant(True)

    def _loop(self, tree: Call) -> Typed:
        macro, arguments = tree.name, tree.arguments
        example = "x.id" if macro == "map" else "x.price > 10"
        if len(arguments) not in MACROS[macro] or not isinstance(arguments[0], Name):
            self._fail(f"{macro} names its variable first: list.{macro}(x, {example})", tree.at)
        operand = self.node(tree.receiver)  # type: ignore[arg-type] # a macro has a receiver
        if operand.kind in SCALAR:
            self._fail(f"{macro} needs a list or a map, not a {spoken(operand.kind)}", tree.at)
        variable = arguments[0]
        if variable.name in ROOTS or variable.name in self._locals:
            self._fail(f"{variable.name} has a meaning already; name the variable x", variable.at)
        local = Local(self._slots)
        self._slots += 1
        self._locals[variable.name] = local
        with self._guarded():
            rest = [self.node(argument) for argument in arguments[1:]]
        del self._locals[variable.name]
        body = rest.pop() if macro == "map" else None
        condition = rest[0] if rest else None
        if condition is not None:
            self._need_bool(condition, arguments[1].at, macro)
        kind = Kind.LIST if macro in ("map", "filter") else Kind.BOOL
        return Loop(macro, operand, local.slot, condition, body, kind)
