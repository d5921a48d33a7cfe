"""The names that generated code may use: a closed table of types, helpers and errors.

Whatever is not here cannot be reached from an expression, whatever it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from kload_spec.expressions import bounds, operators
from kload_spec.expressions.errors import BudgetExceeded, EvaluationError
from kload_spec.expressions.functions.lists import size
from kload_spec.expressions.functions.writing import as_string

RUNTIME: Final[Mapping[str, object]] = MappingProxyType(
    {
        "type": type,
        "len": len,
        "int": int,
        "float": float,
        "bool": bool,
        "str": str,
        "list": list,
        "dict": dict,
        "NO_MEMBER": (KeyError, TypeError),
        "NO_KEY": KeyError,
        "SCALARS": frozenset({type(None), bool, int, float}),
        "BudgetExceeded": BudgetExceeded,
        "EvaluationError": EvaluationError,
        "bounded": bounds.bounded,
        "bounded_number": bounds.bounded_number,
        "bounded_text": bounds.bounded_text,
        "too_long": bounds.too_long,
        "spend": bounds.spend,
        "spend_matching": bounds.spend_matching,
        "exhausted": bounds.exhausted,
        "not_bool": operators.not_bool,
        "not_iterable": operators.not_iterable,
        "absent": operators.absent,
        "unset": operators.unset,
        "equals": operators.equals,
        "less": operators.less,
        "less_or_equal": operators.less_or_equal,
        "greater": operators.greater,
        "greater_or_equal": operators.greater_or_equal,
        "contained": operators.contained,
        "add": operators.add,
        "subtract": operators.subtract,
        "multiply": operators.multiply,
        "divide": operators.divide,
        "modulo": operators.modulo,
        "negate": operators.negate,
        "index": operators.index,
        "member": operators.member,
        "present": operators.present,
        "has_member": operators.has_member,
        "header_name": operators.header_name,
        "map_key": operators.map_key,
        "size": size,
        "as_string": as_string,
    }
)
