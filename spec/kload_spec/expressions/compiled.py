"""What compiling gives: plain functions of the state, with what they read and whether they are constant.

Facts only; how they are made is in `compiler`. Immutable, and so are the values they return: a constant part of a
value is shared between evaluations, and nobody may change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from kload_spec.expressions.scope import Evaluate, Kind, Sentinel, Value

Constant: TypeAlias = "Value | Literal[Sentinel.MISSING]"


@dataclass(frozen=True, slots=True)
class Expression:
    """A bare expression, compiled.

    Attributes:
        text: as written.
        names: what it reads: ``status``, ``json``, ``vars.x``, ``env.KEY``, ``timings.waiting``, ``req.body``; a root
            alone (``vars``) where the member is known only at run time. ``headers`` is always there when a
            header is read, ``headers.location`` beside it when the name is known.
            ``clock`` and ``random`` stand for impure functions.
        kind: what is known of the result: `Kind.BOOL` for a condition.
        constant: the value, or `MISSING` where it depends on the state.
        evaluate: a plain function of the state; raises `EvaluationError` and nothing else.
    """

    text: str
    names: frozenset[str]
    kind: Kind
    constant: Constant
    evaluate: Evaluate = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Template:
    """A text with `$( )` in it, compiled. As `Expression`, and:

    Attributes:
        parts: literal pieces and expressions in order. A text that is exactly one ``$(x)`` has that one part and
            keeps its type; any other evaluates to a str.
    """

    text: str
    names: frozenset[str]
    kind: Kind
    constant: Constant
    parts: tuple[str | Expression, ...]
    evaluate: Evaluate = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CompiledValue:
    """A nested value of the manifest whose strings are templates, compiled to one function. As `Expression`.

    Attributes:
        source: the value as written.
    """

    source: object
    names: frozenset[str]
    kind: Kind
    constant: Constant
    evaluate: Evaluate = field(repr=False, compare=False)
