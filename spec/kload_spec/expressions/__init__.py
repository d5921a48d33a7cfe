"""The expression language: a documented subset of CEL with time literals, compiled to Python functions.

Does no I/O and reads neither clock nor randomness: both come from the `State` that the runner supplies.
docs/expressions.md is the reference for users.
"""

from kload_spec.expressions.compiled import CompiledValue, Expression, Template
from kload_spec.expressions.compiler import compile_expression, compile_template, compile_value
from kload_spec.expressions.errors import BudgetExceeded, EvaluationError, ExpressionError
from kload_spec.expressions.functions.writing import encode_json
from kload_spec.expressions.scope import ANY, MISSING, Kind, Members, Scope, State, Value

__all__ = [
    "ANY",
    "MISSING",
    "BudgetExceeded",
    "CompiledValue",
    "EvaluationError",
    "Expression",
    "ExpressionError",
    "Kind",
    "Members",
    "Scope",
    "State",
    "Template",
    "Value",
    "compile_expression",
    "compile_template",
    "compile_value",
    "encode_json",
]
