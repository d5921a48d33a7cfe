"""Resolve calls of functions: which function, how many arguments, of which kinds.

Works on resolved arguments; macros and ``has`` are the resolver's, because they see text and not values.
"""

from __future__ import annotations

from typing import Final

from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.library import FUNCTIONS, HAS, MACROS
from kload_spec.expressions.functions.signature import Function, usage
from kload_spec.expressions.kinds import accepts, spoken
from kload_spec.expressions.names import ROOTS
from kload_spec.expressions.scope import Kind
from kload_spec.expressions.suggestions import did_you_mean, foreign_function
from kload_spec.expressions.typed import Apply, Constant, Typed

_KEEP_KIND: Final = frozenset({"abs", "min", "max"})


class CallFault(Exception):
    """Why a call is wrong.

    Attributes:
        argument: index of the argument at fault, the receiver included; None for the call as a whole.
    """

    def __init__(self, message: str, argument: int | None = None) -> None:
        self.message = message
        self.argument = argument
        super().__init__(message)


def function_named(name: str, *, is_method: bool) -> Function:
    """Return a function by name.

    Raises:
        CallFault: there is none, or it is no method.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        raise CallFault(_unknown(name, is_method))
    if is_method and not function.method:
        raise CallFault(f"{name} is no method; write {usage(function)}")
    return function


def _unknown(name: str, is_method: bool) -> str:
    if name in MACROS:
        return f"{name} is a macro; write list.{name}(x, ...), with x for the element"
    if name == HAS:
        return "has is no method; write has(json.x)"
    if name in ROOTS and not is_method:
        return f"{name} is a value, not a function; write it without ( )"
    foreign = foreign_function(name)
    known = {other: other for other in (*FUNCTIONS, *MACROS, HAS)}
    if foreign is not None:
        return f"unknown function {name}; {foreign}"
    return f"unknown function {name}{did_you_mean(name, known)}"


def call(function: Function, arguments: tuple[Typed, ...]) -> Apply:
    """Return the call of a function, its constant pattern prepared.

    Raises:
        CallFault: number or kind of the arguments is wrong, or a pattern is none.
    """
    _check_count(function, len(arguments))
    for at, argument in enumerate(arguments):
        parameter = function.parameters[min(at, len(function.parameters) - 1)]
        if argument.kind in parameter.refused:
            raise CallFault(f"{usage(function)}: not of a {spoken(argument.kind)}", at)
        if not accepts(parameter.kind, argument.kind):
            raise CallFault(
                f"{usage(function)}: {parameter.name} is a {_wanted(parameter.kind)}, "
                f"not {_given(argument.kind)}",
                at,
            )
    kind = function.result
    if function.name in _KEEP_KIND and len({argument.kind for argument in arguments}) == 1:
        kind = arguments[0].kind if arguments[0].kind is not Kind.LIST else kind
    if function.prepare is None:
        return Apply(function, arguments, kind)
    last = arguments[-1]
    if not isinstance(last, Constant):
        raise CallFault("a pattern is constant: a string, or a param", len(arguments) - 1)
    try:
        prepared = function.prepare(str(last.value))
    except EvaluationError as exc:
        raise CallFault(exc.cause, len(arguments) - 1) from None
    return Apply(function, arguments[:-1], kind, prepared)


def _given(kind: Kind) -> str:
    return "a fraction; int(x) cuts it off" if kind is Kind.FLOAT else f"a {spoken(kind)}"


def _wanted(kind: Kind) -> str:
    return "whole number" if kind is Kind.INT else spoken(kind)


def _check_count(function: Function, given: int) -> None:
    most = len(function.parameters)
    least = most - function.optional
    if given < least or (given > most and not function.variadic):
        plural = "" if given == 1 else "s"
        raise CallFault(f"{usage(function)} is called with {given} argument{plural}")
