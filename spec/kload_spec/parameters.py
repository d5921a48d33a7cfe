"""Parameters: the constants of a plan, and what the command line may say about them.

A parameter's default is its type. Values from outside come as text (``-p peak=5``) and are read as that type.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from difflib import get_close_matches
from json import JSONDecodeError, loads

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.paths import child

PARAMS = "spec.params"


def parameters_of(declared: object, given: Mapping[str, object]) -> dict[str, object]:
    """Return all parameters with their values: the defaults, and what was given over them.

    Args:
        declared: `spec.params` as written; what is wrong with its form is left to the models.
        given: values by name; texts are read as the type of the default, other values must be of it.

    Raises:
        InvalidSpec: a given name is not declared, or its value does not fit the default.
    """
    values = dict(declared) if isinstance(declared, Mapping) else {}
    problems = []
    for name, value in given.items():
        path = child(PARAMS, name)
        if name not in values:
            problems.append(Problem(path, _unknown(name, values)))
            continue
        try:
            values[name] = _typed(value, values[name])
        except ValueError as error:
            problems.append(Problem(path, str(error)))
    if problems:
        raise InvalidSpec(problems)
    return values


def _unknown(name: str, known: Mapping[str, object]) -> str:
    near = get_close_matches(name, list(known), n=1, cutoff=0.6)
    if near:
        return f"there is no parameter {name!r}; did you mean {near[0]!r}?"
    return f"there is no parameter {name!r}; " + (
        f"there are {', '.join(sorted(known))}" if known else "there is none"
    )


def _typed(value: object, default: object) -> object:
    """Return a given value as the type of the default, or raise ValueError with a sentence."""
    if not isinstance(value, str):
        return _same_type(value, default)
    match default:
        case bool():
            return _boolean(value)
        case int():
            return _number(value, int, "a whole number", default)
        case float():
            return _number(value, float, "a number", default)
        case str():
            return value
        case _:
            return _json(value, default)


def _same_type(value: object, default: object) -> object:
    numbers = isinstance(value, int | float) and isinstance(default, float)
    if type(value) is type(default) or (numbers and not isinstance(value, bool)):
        return value
    raise ValueError(f"{value!r} is not of the default's type; the default is {default!r}")


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text == "true"


def _number(text: str, kind: type[int] | type[float], what: str, default: object) -> object:
    try:
        number = kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is not {what}, as the default {default!r} is") from None
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(f"{text!r} is not a finite number")
    return number


def _json(text: str, default: object) -> object:
    kind = "a list" if isinstance(default, list) else "a map"
    try:
        value = loads(text)
    except (JSONDecodeError, RecursionError):
        value = None
    if not isinstance(value, type(default)):
        raise ValueError(f"{text!r} is not {kind} in JSON, as the default is")
    return value
