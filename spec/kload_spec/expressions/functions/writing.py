"""Write values as text: as JSON, and as a text field shows them.

Both directions of the JSON that expressions see go through orjson: here, and in `encoding`.
"""

from __future__ import annotations

from typing import Final

import orjson

from kload_spec.expressions.bounds import bounded_text, weigh
from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.scope import Value

_EXACT_BELOW: Final = 1e21  # as JavaScript: larger whole floats are written with an exponent


def encode_json(value: Value) -> bytes:
    """Encode a value as compact JSON in UTF-8; entries of a map keep their order.

    Values that expressions return are bounded already, so nothing is counted here.

    Raises:
        EvaluationError: the value is nested too deep (254 levels), or holds what JSON cannot.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as exc:
        raise EvaluationError(f"not encodable as JSON: {_plain(exc)}") from None


def _plain(exc: Exception) -> str:
    # orjson's sentences are fixed phrases, without the data.
    return str(exc)[:100]


def json_text(value: Value) -> str:
    """Return `encode_json` of a value that need not be bounded, as text."""
    weigh(value)
    return bounded_text(encode_json(value).decode())


def as_string(value: Value) -> str:
    """Write a value as text: strings as they are, whole floats without ``.0``, lists and maps as JSON."""
    kind = type(value)
    if kind is str:
        return value  # type: ignore[return-value] # it is a str
    if kind is int:
        return str(value)
    if type(value) is float:
        if value.is_integer() and abs(value) < _EXACT_BELOW:
            return str(int(value))
        return repr(value)
    if value is None:
        return "null"
    if type(value) is bool:
        return "true" if value else "false"
    return json_text(value)
