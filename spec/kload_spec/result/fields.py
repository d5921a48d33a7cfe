"""Types of the result document's fields that JSON has no word for: histograms, and numbers that may be infinite.

A document is read by other tools, so each type brings its JSON schema along.
"""

from __future__ import annotations

from math import inf, isfinite, isnan, nan
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from kload_spec.histogram import Histogram


def _read_histogram(value: Any) -> Histogram:
    return value if isinstance(value, Histogram) else Histogram.from_json(value)


_BUCKETS_SCHEMA = {"type": "array", "items": {"type": "integer"}}
HistogramField = Annotated[
    Histogram,
    PlainValidator(_read_histogram),
    PlainSerializer(Histogram.to_json, return_type=dict),
    WithJsonSchema(
        {
            "type": "object",
            "description": "Values by size, 40 buckets to the octave: bucket i holds 2^(i/40) <= v < 2^((i+1)/40)."
            " positive and negative are flat pairs: distance to the next index, its count.",
            "required": ["count"],
            "properties": {
                "count": {"type": "integer"},
                "sum": {"type": "number"},
                "min": {"type": "number"},
                "max": {"type": "number"},
                "zeros": {"type": "integer"},
                "above": {
                    "type": "integer",
                    "description": "values that are infinite: answers that never came",
                },
                "grain": {
                    "type": "integer",
                    "description": "fine buckets to one of these; 1 if absent",
                },
                "positive": _BUCKETS_SCHEMA,
                "negative": _BUCKETS_SCHEMA,
            },
        }
    ),
]


def _word(value: float) -> str:
    return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"


# JSON has no infinity; an average over answers that never came is one. The other two come of metrics of one's own only.
_WORDS = MappingProxyType({"Infinity": inf, "-Infinity": -inf, "NaN": nan})
Number = Annotated[
    float,
    BeforeValidator(lambda value: _WORDS.get(value, value) if isinstance(value, str) else value),
    PlainSerializer(lambda value: value if isfinite(value) else _word(value), when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": list(_WORDS)}]}),
]
