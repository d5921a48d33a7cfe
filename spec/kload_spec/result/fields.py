"""Types of the result document's fields that JSON has no word for: histograms, and numbers that may be infinite.

A document is read by other tools, so each type brings its JSON schema along.
"""

from __future__ import annotations

from math import inf
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
# JSON has no infinity; an average over answers that never came is one.
Number = Annotated[
    float,
    BeforeValidator(lambda value: inf if value == "Infinity" else value),
    PlainSerializer(lambda value: "Infinity" if value == inf else value, when_used="json"),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"const": "Infinity"}]}),
]
