"""Look names up in a scope: which roots there are, which members they have, what each is known to be.

Turns a name into a typed node, or refuses it with a sentence; knows no operators or functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from kload_spec.expressions.errors import ExpressionError
from kload_spec.expressions.functions.library import FUNCTIONS
from kload_spec.expressions.functions.signature import usage
from kload_spec.expressions.limits import MAX_INT, MIN_INT
from kload_spec.expressions.scope import (
    CHECK_FIELDS,
    REQUEST_FIELDS,
    RUN_FIELDS,
    TIMING_FIELDS,
    Kind,
    Members,
    Scope,
    Sentinel,
    Value,
)
from kload_spec.expressions.suggestions import did_you_mean, foreign_name, listed
from kload_spec.expressions.typed import Constant, Read, Typed

_INFINITY: Final = float("inf")
_VU_ROOTS: Final = {"vu": Kind.INT, "iter": Kind.INT, "scenario": Kind.STRING}
_RESPONSE_ROOTS: Final = {
    "status": Kind.INT,
    "body": Kind.STRING,
    "json": Kind.ANY,
    "headers": Kind.MAP,
    "error": Kind.ANY,
    "duration": Kind.FLOAT,
}
_RECORDS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "run": RUN_FIELDS,
    "checks": CHECK_FIELDS,
    "req": REQUEST_FIELDS,
    "timings": TIMING_FIELDS,
}
_DICTS: Final = {
    "env": Kind.STRING,
    "params": Kind.ANY,
    "vars": Kind.ANY,
    "row": Kind.ANY,
    "totals": Kind.MAP,
}
_WHOLE: Final = frozenset({"row"})  # may be used as a value: a row is a map like any other
ROOTS: Final = frozenset({*_VU_ROOTS, *_RESPONSE_ROOTS, *_RECORDS, *_DICTS})

# Of YAML 1.1, as kubectl has it.
_YAML_TRUTHS: Final = frozenset({"y", "n", "yes", "no", "on", "off"})
_ABSENT: Final = {
    "vu": "no VU runs when this is settled; use params",
    "response": "is known only after a request",
    "checks": "is known only after the checks of a step: in record and save",
    "req": "is known only where a request is rendered (body before headers) or was sent",
    "env": "exists at run time only; load shape and thresholds take params",
    "params": "does not exist here: declare it under spec.params",
    "vars": "does not exist here: nothing is saved or set before",
    "row": "does not exist here: the scenario has no `data`",
    "totals": "is known only in teardown",
}

_DECLARE: Final = {"env": "declare it under spec.env, e.g. [{name: API_KEY}]"}

_KINDS: Final[Mapping[type, Kind]] = {
    type(None): Kind.NULL,
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    str: Kind.STRING,
    list: Kind.LIST,
    dict: Kind.MAP,
}


def constant(value: Value) -> Constant:
    """Return a constant with its kind."""
    return Constant(value, _KINDS[type(value)])


class Names:
    """The names of one scope, for one text."""

    def __init__(self, scope: Scope, text: str) -> None:
        self._scope = scope
        self._text = text

    def root(self, name: str, at: int) -> Typed:
        """Return what a name by itself reads."""
        if name in _RECORDS or (name in _DICTS and name not in _WHOLE):
            self.require(name, at)
            self._fail(f"{name} by itself is no value; name one: {self._example(name)}", at)
        return self.container(name, at)

    def container(self, name: str, at: int) -> Read:
        """Return what a name reads that is indexed, looked into or iterated over."""
        if name not in ROOTS:
            self._unknown(name, at)
        self.require(name, at)
        if name in _DICTS:
            return Read(name, None, False, Kind.MAP)
        kind = _VU_ROOTS.get(name) or _RESPONSE_ROOTS.get(name) or Kind.MAP
        return Read(name, None, False, kind)

    def has_members(self, name: str) -> bool:
        """Tell whether `member` is to be asked about what follows this root."""
        return name in _RECORDS or name in _DICTS

    def member(self, root: str, name: str, at: int) -> Typed:
        """Return what ``root.name`` reads, for a root that `has_members`."""
        self.require(root, at)
        if root == "params" and name in self._scope.constants:
            value = self._scope.constants[name]
            return constant(as_value(value, f"params.{name}"))
        members = self._members(root)
        if members is not Sentinel.ANY and (members is None or name not in members):
            self._no_member(root, name, members, at)
        if root in _RECORDS:
            return Read(root, name, True, _RECORDS[root][name])
        return Read(root, name, False, _DICTS[root])

    def is_dynamic(self, root: str) -> bool:
        """Tell whether the members of a root may be named at run time."""
        return root in ("vars", "row", "totals")

    def require(self, root: str, at: int) -> None:
        """Refuse a root that does not exist in this scope."""
        scope = self._scope
        if root in _VU_ROOTS or root == "run":
            missing, why = not scope.running, "vu"
        elif root in _RESPONSE_ROOTS or root == "timings":
            missing, why = not scope.response, "response"
        elif root == "checks":
            missing, why = not (scope.response and scope.checks), "checks"
        elif root == "params":
            missing, why = scope.params is None and not scope.constants, "params"
        else:
            missing, why = getattr(scope, root) is None, root
        if missing:
            self._fail(f"{root}: {_ABSENT[why]}" if why == "vu" else f"{root} {_ABSENT[why]}", at)

    def _members(self, root: str) -> Members:
        scope = self._scope
        if root == "req":
            return frozenset(_RECORDS[root]) if scope.req is Sentinel.ANY else scope.req
        if root in _RECORDS:
            return frozenset(_RECORDS[root])
        members: Members = getattr(scope, root)
        if root == "params" and members is not Sentinel.ANY:
            return (members or frozenset()) | scope.constants.keys()
        return members

    def _example(self, root: str) -> str:
        members = self._members(root)
        first = "name" if members is Sentinel.ANY or not members else min(members)
        return f"{root}.{first}"

    def _no_member(self, root: str, name: str, members: Members, at: int) -> NoReturn:
        known = frozenset() if members is Sentinel.ANY or members is None else members
        hint = did_you_mean(name, {member: f"{root}.{member}" for member in known})
        if root == "req" and name in REQUEST_FIELDS:
            hint = "; the body is rendered before the headers, and the rest follows"
        elif not hint and known:
            hint = f"; {root} has {listed(known)}"
        elif not known:
            hint = f"; {_DECLARE[root]}" if root in _DECLARE else "; none is declared"
        if name.lower() in _YAML_TRUTHS and known & {"true", "false"}:
            hint = f"; YAML reads a key {name} as {'true' if name.lower() in ('y', 'yes', 'on') else 'false'}: quote it"
        self._fail(f"unknown name {root}.{name}{hint}", at)

    def _unknown(self, name: str, at: int) -> NoReturn:
        said = foreign_name(name)
        if said is not None:
            self._fail(f"unknown name {name}: {said}", at)
        if name in FUNCTIONS:
            self._fail(f"{name} is a function; write {usage(FUNCTIONS[name])}", at)
        for root in ("vars", "params", "row", "env"):
            members = self._members(root)
            if members is not Sentinel.ANY and members is not None and name in members:
                self._fail(f"unknown name {name}; did you mean {root}.{name}?", at)
        hint = did_you_mean(name, {root: root for root in ROOTS})
        if not hint:
            hint = f"; a text needs quotes: '{name}', a variable its root: vars.{name}"
        self._fail(f"unknown name {name}{hint}", at)

    def _fail(self, message: str, at: int) -> NoReturn:
        raise ExpressionError(message, self._text, at + 1)


def as_value(value: object, name: str) -> Value:
    """Return something of a manifest as a value of the language: lists for tuples, nothing that is not JSON-like.

    Raises:
        ExpressionError: it is no JSON value; `name` says what.
    """
    if isinstance(value, list | tuple):
        return [as_value(item, name) for item in value]
    if isinstance(value, Mapping):
        return {str(key): as_value(item, name) for key, item in value.items()}
    if type(value) not in _KINDS:
        raise ExpressionError(f"{name} is a {type(value).__name__}, which is no JSON value")
    if isinstance(value, float) and not -_INFINITY < value < _INFINITY:
        raise ExpressionError(f"{name} is {value}, which is no JSON value")
    if isinstance(value, int) and not MIN_INT <= value <= 2 * MAX_INT + 1:
        raise ExpressionError(
            f"{name} is too large; a number has 64 bits. Quote it to send it as text"
        )
    return value  # type: ignore[return-value] # one of the scalar types
