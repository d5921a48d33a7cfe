"""Threshold text -> Threshold.

::

    threshold   = expression [ "abort" [ "after" duration ] ]
    expression  = aggregation comparison bound
    aggregation = "avg" | "min" | "med" | "max" | "p(" number ")"       of a trend
                | "rate"                                                of a rate, or of a counter (per unit of time)
                | "count"                                               of a counter
    comparison  = "<" | "<=" | ">" | ">=" | "==" | "!="                 "===" is read as "=="
    bound       = number [ unit ]
    unit        = "ns" | "us" | "ms" | "s" | "m" | "h"                  times; without one: milliseconds, as in k6
                | "B" | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB"      sizes
                | "%"                                                   shares; without one: 0 to 1

The key it stands under is read by `selectors`. What k6 users write from habit and what cannot work here is answered
with what to write (`mistakes`). Pure text work; it does not know which scenarios or steps exist unless told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isinf

from kload_spec.metrics import MetricDefinition, MetricType, Unit
from kload_spec.thresholds.mistakes import explain_expression, explain_gauge, explain_metric
from kload_spec.thresholds.model import (
    Aggregation,
    Comparison,
    Selector,
    Threshold,
    ThresholdError,
)
from kload_spec.thresholds.selectors import check_tags, parse_key

_NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?"
_EXPRESSION = re.compile(
    rf"\s*(?P<aggregation>avg|min|med|max|rate|count|p\(\s*(?P<percentile>{_NUMBER})\s*\))"
    rf"\s*(?P<op><=|<|>=|>|===|==|!=)"
    rf"\s*(?P<number>{_NUMBER})\s*(?P<unit>[a-zA-Zµ%]*)\s*"
)
_ABORT = re.compile(
    rf"^(?P<rule>.*?)\s+abort(?:\s+after\s+(?P<number>{_NUMBER})\s*(?P<unit>[a-zµ]+))?\s*$",
    re.DOTALL,
)

TIME_UNITS_S: Mapping[str, float] = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0,
}  # fmt: skip
BYTE_UNITS: Mapping[str, float] = {
    "B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30,
}  # fmt: skip

_BY_TYPE: Mapping[MetricType, tuple[Aggregation, ...]] = {
    MetricType.COUNTER: (Aggregation.COUNT, Aggregation.RATE),
    MetricType.RATE: (Aggregation.RATE,),
    MetricType.TREND: (
        Aggregation.AVG, Aggregation.MIN, Aggregation.MED, Aggregation.MAX, Aggregation.PERCENTILE,
    ),
    MetricType.GAUGE: (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression taken apart, before it is known which metric it is about.

    Attributes:
        number: the bound as written: it is scaled by its unit before it is rounded to a float.
    """

    aggregation: Aggregation
    op: Comparison
    number: str
    unit: str
    percentile: float | None = None
    abort: bool = False
    abort_after_s: float = 0.0


def parse_threshold(
    key: str,
    text: str,
    metrics: Mapping[str, MetricDefinition],
    tags: Mapping[str, Collection[str] | None] | None = None,
) -> Threshold:
    """Return the threshold that `text` states for the metric (and selector) `key`.

    Args:
        key: ``http_req_duration`` or ``http_req_failed{scenario:purchase}``.
        text: ``p(95)<500ms``, ``rate<1% abort after 10s``.
        metrics: the built-in and the declared metrics by name.
        tags: the user's own tags, and the known values of any tag; values None: any. None: nothing is known
            about tags, so that none is refused.

    Raises:
        ThresholdError: with what is wrong, and what would be right.
    """
    name, selector = parse_key(key)
    definition = metrics.get(name)
    if definition is None:
        raise ThresholdError(explain_metric(name, metrics))
    if definition.type is MetricType.GAUGE:
        raise ThresholdError(explain_gauge(name))
    if tags is not None:
        check_tags(definition, selector, tags)
    return build_threshold(definition, selector, parse_expression(text), text)


def parse_expression(text: str) -> Rule:
    """Take an expression and its `abort` apart.

    Raises:
        ThresholdError: with what to write instead.
    """
    rule_text, abort, abort_after_s = _split_abort(text)
    match = _EXPRESSION.fullmatch(rule_text)
    if match is None:
        raise ThresholdError(explain_expression(text, rule_text))
    aggregation, percentile = match["aggregation"], None
    if match["percentile"] is not None:
        aggregation, percentile = "p", _percentile(float(match["percentile"]), text)
    op = "==" if match["op"] == "===" else match["op"]
    if isinf(float(match["number"])):
        raise ThresholdError(f"{text!r}: {match['number']} is too large for a number")
    return Rule(
        Aggregation(aggregation), Comparison(op), match["number"], match["unit"], percentile, abort, abort_after_s,
    )  # fmt: skip


def _split_abort(text: str) -> tuple[str, bool, float]:
    match = _ABORT.match(text)
    if match is None:
        return text, False, 0.0
    if match["number"] is None:
        return match["rule"], True, 0.0
    unit = match["unit"]
    if unit not in TIME_UNITS_S or float(match["number"]) < 0:
        raise ThresholdError(
            f"{text!r}: {match['number']}{unit} is no duration; write e.g. abort after 10s"
        )
    return match["rule"], True, _scaled(match["number"], TIME_UNITS_S[unit])


def _percentile(value: float, text: str) -> float:
    if not 0.0 <= value <= 100.0:
        raise ThresholdError(f"{text!r}: p({value:g}) is outside 0 to 100; write e.g. p(95)")
    if 0.0 < value < 1.0:
        raise ThresholdError(f"{text!r}: percentiles go from 0 to 100; write p({value * 100:g})")
    return value


def build_threshold(
    definition: MetricDefinition, selector: Selector, rule: Rule, text: str
) -> Threshold:
    """Join a rule and the metric it is about, with the bound in the metric's base unit.

    Raises:
        ThresholdError: if the aggregation or the unit does not fit the metric, or the rule could never be judged.
    """
    allowed = _BY_TYPE[definition.type]
    if rule.aggregation not in allowed:
        raise ThresholdError(_wrong_aggregation(definition, rule, text))
    bound = _bound(definition, rule, text)
    if rule.abort and _breaks_until_the_end(definition, rule):
        raise ThresholdError(
            f"{text!r}: a count starts at 0 and is below this bound until enough has happened, so `abort` would"
            " stop the run at once; leave `abort` out"
        )
    per_s = definition.per_s if definition.type is MetricType.COUNTER else 1.0
    return Threshold(
        id=_identity(definition, selector, rule, bound),
        metric=definition.name,
        type=definition.type,
        unit=definition.unit,
        selector=selector,
        aggregation=rule.aggregation,
        op=rule.op,
        bound=bound,
        text=text.strip(),
        percentile=rule.percentile,
        per_s=per_s,
        abort=rule.abort,
        abort_after_s=rule.abort_after_s,
    )


def _bound(definition: MetricDefinition, rule: Rule, text: str) -> float:
    """Return the bound in the metric's base unit, or say which units fit."""
    if definition.type is MetricType.RATE:
        if rule.unit not in ("", "%"):
            raise ThresholdError(
                f"{text!r}: {definition.name} is a share of samples, not {rule.unit}; write rate<1%"
            )
        share = _scaled(rule.number, 0.01 if rule.unit else 1.0)
        if not 0.0 <= share <= 1.0:
            raise ThresholdError(
                f"{text!r}: {definition.name} is a share from 0 to 1; {rule.number}{rule.unit} is outside."
                f" Write {rule.number}% if you mean percent"
            )
        return share
    units = _units(definition)
    if rule.unit not in units:
        known = " ".join(unit for unit in units if unit) or "none: a plain number"
        raise ThresholdError(
            f"{text!r}: {rule.unit!r} is no unit of {definition.name}; its units: {known}"
        )
    if definition.unit is Unit.TIME:
        return _seconds(rule.number, units[rule.unit])
    return _scaled(rule.number, units[rule.unit])


def _units(definition: MetricDefinition) -> Mapping[str, float]:
    match definition.unit:
        case Unit.TIME:
            return {"": 1e-3, **TIME_UNITS_S}
        case Unit.BYTES:
            return {"": 1.0, **BYTE_UNITS}
        case Unit.NONE:
            return {"": 1.0}


def _scaled(number: str, factor: float) -> float:
    """Return number x factor, rounded once: 0.1 ms is the float nearest to 0.0001, as the typed value is."""
    return float(Fraction(number) * Fraction(repr(factor)))


def _seconds(number: str, factor: float) -> float:
    """Return a time as the recorder has it: what is recorded comes in milliseconds, and is divided by 1,000."""
    return float(Fraction(number) * Fraction(repr(factor)) * 1000) / 1000.0


def _breaks_until_the_end(definition: MetricDefinition, rule: Rule) -> bool:
    return (
        definition.type is MetricType.COUNTER
        and rule.aggregation is Aggregation.COUNT
        and rule.op in (Comparison.MORE, Comparison.AT_LEAST)
    )


def _wrong_aggregation(definition: MetricDefinition, rule: Rule, text: str) -> str:
    allowed = ", ".join(
        "p(95)" if item is Aggregation.PERCENTILE else item for item in _BY_TYPE[definition.type]
    )
    written = "p()" if rule.aggregation is Aggregation.PERCENTILE else rule.aggregation.value
    hint = ""
    if rule.aggregation is Aggregation.COUNT and definition.name.startswith("http_req"):
        hint = "; the number of requests is http_reqs count"
    return f"{text!r}: {definition.name} is a {definition.type} and has no {written}; it has {allowed}{hint}"


def _identity(definition: MetricDefinition, selector: Selector, rule: Rule, bound: float) -> str:
    """Return metric-xxxxxxxx: a digest of what is judged, not of how it was written or whether it aborts."""
    percentile = "" if rule.percentile is None else repr(rule.percentile)
    parts = [definition.name, repr(selector), rule.aggregation + percentile, rule.op, repr(bound)]
    return f"{definition.name}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"
