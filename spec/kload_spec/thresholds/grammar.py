"""Threshold text -> Threshold.

::

    key         = metric [ "{" pair { "," pair } "}" ]        pair = tag ":" value   (all must be equal; no wildcards)
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

A comma always separates pairs, the first colon of a pair separates tag and value, and both are trimmed of spaces and
quotes, as in k6.
What k6 users write from habit and what cannot work here is answered with what to write (`mistakes`).
Pure text work; it does not know which scenarios or steps exist unless told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fractions import Fraction

from kload_spec.metrics import MetricDefinition, MetricType, Unit
from kload_spec.thresholds.mistakes import explain_expression, explain_gauge
from kload_spec.thresholds.model import Aggregation, Comparison, Selector, Threshold

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


class ThresholdError(ValueError):
    """A threshold that cannot be read; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """An expression taken apart, before it is known which metric it is about."""

    aggregation: Aggregation
    op: Comparison
    number: float
    number_text: str
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
        raise ThresholdError(f"{name!r} is no metric; {_suggestion(name, metrics)}")
    if definition.type is MetricType.GAUGE:
        raise ThresholdError(explain_gauge(name))
    if tags is not None:
        _check_tags(definition, selector, tags)
    return build_threshold(definition, selector, parse_expression(text), text)


def parse_key(key: str) -> tuple[str, Selector]:
    """Split a key into the metric's name and its selector, sorted by tag.

    Raises:
        ThresholdError: if braces or pairs are malformed.
    """
    name, brace, rest = key.partition("{")
    name, rest = name.strip(), rest.rstrip()
    if not name:
        raise ThresholdError(
            f"{key!r} names no metric; write e.g. http_req_duration{{scenario:purchase}}"
        )
    if not brace:
        if "}" in key:
            raise ThresholdError(
                f"{key!r} closes a brace it never opened; write metric{{tag:value}}"
            )
        return name, ()
    if not rest.endswith("}"):
        raise ThresholdError(f"{key!r} has no closing brace; write {name}{{tag:value}}")
    pairs = [_parse_pair(pair, key) for pair in rest[:-1].split(",")]
    repeated = [tag for tag, _ in pairs if [other for other, _ in pairs].count(tag) > 1]
    if repeated:
        raise ThresholdError(
            f"{key!r} selects {repeated[0]!r} twice; all pairs must hold, so give one value"
        )
    return name, tuple(sorted(pairs))


def _parse_pair(pair: str, key: str) -> tuple[str, str]:
    tag, colon, value = pair.partition(":")
    tag, value = tag.strip(" \t\n'\""), value.strip(" \t\n'\"")
    if not colon and "=" in pair:
        raise ThresholdError(f"{key!r}: write {pair.replace('=', ':', 1).strip()!r}, with a colon")
    if tag.startswith("!") or tag.endswith("!"):
        raise ThresholdError(
            f"{key!r}: only equality can be selected, not {pair.strip()!r}; write tag:value"
        )
    if not colon:
        raise ThresholdError(
            f"{key!r}: {pair.strip()!r} is not tag:value (a comma always separates pairs; a value cannot hold one)"
        )
    if not tag or not value:
        raise ThresholdError(f"{key!r}: {pair.strip()!r} selects an empty tag; write tag:value")
    return tag, value


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
    number = float(match["number"])
    if number in (float("inf"), float("-inf")):
        raise ThresholdError(f"{text!r}: {match['number']} is too large for a number")
    return Rule(
        Aggregation(aggregation), Comparison(op), number, match["number"], match["unit"],
        percentile, abort, abort_after_s,
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
        share = _scaled(rule.number_text, 0.01 if rule.unit else 1.0)
        if not 0.0 <= share <= 1.0:
            raise ThresholdError(
                f"{text!r}: {definition.name} is a share from 0 to 1; {rule.number_text}{rule.unit} is outside."
                f" Write {rule.number_text}% if you mean percent"
            )
        return share
    units = _units(definition)
    if rule.unit not in units:
        known = " ".join(unit for unit in units if unit) or "none: a plain number"
        raise ThresholdError(
            f"{text!r}: {rule.unit!r} is no unit of {definition.name}; its units: {known}"
        )
    return _scaled(rule.number_text, units[rule.unit])


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


def _check_tags(
    definition: MetricDefinition, selector: Selector, tags: Mapping[str, Collection[str] | None]
) -> None:
    known = {*definition.tags, *(tag for tag in tags if tag not in _SYSTEM_TAGS)}
    for tag, value in selector:
        if tag not in known:
            renamed = _K6_TAGS.get(tag)
            hint = f"kload calls it {renamed}" if renamed in known else _suggestion(tag, known)
            raise ThresholdError(f"{definition.name} has no tag {tag!r}; {hint}")
        values = tags.get(tag)
        if (
            values is not None
            and value not in values
            and not (tag == "scenario" and value in _PHASES)
        ):
            raise ThresholdError(f"no {tag} is called {value!r}; {_suggestion(value, values)}")


_SYSTEM_TAGS = frozenset(
    {"scenario", "step", "method", "status", "expected_response", "error", "check"}
)
_K6_TAGS: Mapping[str, str] = {
    "name": "step",
    "url": "step",
    "group": "step",
    "error_code": "error",
}
_PHASES = ("setup", "teardown")


def _suggestion(word: str, known: Collection[str]) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(sorted(known))}" if known else "there is none"


def _identity(definition: MetricDefinition, selector: Selector, rule: Rule, bound: float) -> str:
    """Return metric-xxxxxxxx: a digest of what is judged, not of how it was written or whether it aborts."""
    percentile = "" if rule.percentile is None else repr(rule.percentile)
    parts = [definition.name, repr(selector), rule.aggregation + percentile, rule.op, repr(bound)]
    return f"{definition.name}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"
