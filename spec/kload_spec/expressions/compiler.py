"""Compile texts of a manifest to plain functions of the state."""

from __future__ import annotations

from kload_spec.expressions.compiled import CompiledValue, Expression, Template
from kload_spec.expressions.scope import Scope


def compile_expression(text: str, scope: Scope) -> Expression:
    """Compile a bare expression, as logic fields hold it.

    Raises:
        ExpressionError: the text is no expression, or uses a name that `scope` does not have.
    """
    raise NotImplementedError


def compile_template(text: str, scope: Scope) -> Template:
    """Compile a text with `$( )` in it; ``$$(`` is a literal ``$(``.

    Raises:
        ExpressionError: as for `compile_expression`; the column counts from the start of the text.
    """
    raise NotImplementedError


def compile_value(value: object, scope: Scope) -> CompiledValue:
    """Compile a nested value: every string in it, keys too, is a template.

    Raises:
        ExpressionError: as for `compile_template`; `entry` says where in the value.
    """
    raise NotImplementedError
