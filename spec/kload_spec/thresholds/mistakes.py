"""What people write instead of a threshold, and the sentence that tells them what to write.

Only called when the grammar has refused a text; it never accepts anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping

from kload_spec.thresholds.selectors import suggestion

_EXAMPLES = "write e.g. p(95)<500ms, avg<200ms, rate<1%, count>=100, with 'abort after 10s' behind it if needed"

_OTHER_NAMES: Mapping[str, str] = {
    "mean": "avg", "average": "avg", "median": "med", "minimum": "min", "maximum": "max", "sum": "count",
    "total": "count", "percent": "rate", "error_rate": "rate", "percentile": "p(95)", "quantile": "p(95)",
}  # fmt: skip

_HTTP_ONLY = "kload speaks HTTP/1.1 only"
_FOREIGN_METRICS: Mapping[str, str] = {
    "fail_ratio": "write http_req_failed: ['rate<1%']",
    "group_duration": "there are no groups; a step has http_req_duration{step:NAME}, an iteration iteration_duration",
    "ws_": _HTTP_ONLY, "grpc_": _HTTP_ONLY, "browser_": _HTTP_ONLY, "websocket": _HTTP_ONLY,
}  # fmt: skip


def explain_gauge(name: str) -> str:
    """Return why a gauge has no threshold."""
    return (
        f"{name!r} is a gauge: gauges are for graphs, and have no threshold; "
        "declare a trend (max<...) or a counter (count<...) instead"
    )


def explain_metric(name: str, metrics: Collection[str]) -> str:
    """Return what to do about a metric that is not there."""
    for prefix, instead in _FOREIGN_METRICS.items():
        if name.startswith(prefix):
            return f"{name!r} is no metric; {instead}"
    near = suggestion(name, metrics)
    if near.startswith("did you mean"):
        return f"{name!r} is no metric; {near}"
    return f"{name!r} is no metric; declare your own under spec.metrics, e.g. {{{name}: {{type: trend}}}}; {near}"


def explain_expression(text: str, rule: str) -> str:
    """Return what is wrong with an expression and what to write."""
    for pattern, explain in _MISTAKES:
        match = pattern.search(rule)
        if match is not None:
            return f"{text!r}: {explain(match)}"
    return f"{text!r} is no threshold; {_EXAMPLES}"


def _several(match: re.Match[str]) -> str:
    parts = [part.strip() for part in re.split(r"&&|\|\||\band\b|\bor\b", match.string)]
    written = ", ".join(f'"{part}"' for part in parts if part)
    if match[0] in ("||", "or"):
        return "thresholds cannot be joined with 'or': each must hold"
    return f"one comparison each, all must hold; write a list: [{written}]"


def _single_equals(match: re.Match[str]) -> str:
    return f"write {match[1].strip()}=={match[2].strip()}"


def _percentile_without_parentheses(match: re.Match[str]) -> str:
    return f"write p({match[1]}){match[2].strip()}"


def _swapped_operator(match: re.Match[str]) -> str:
    return f"write {match[0][::-1]} instead of {match[0]}"


def _reversed_sides(match: re.Match[str]) -> str:
    flipped = match[2].translate(str.maketrans("<>", "><"))
    return f"the aggregation comes first; write {match[3].strip()}{flipped}{match[1].strip()}"


def _missing_aggregation(match: re.Match[str]) -> str:
    return f"what is compared? write e.g. p(95){match[0].strip()} or rate{match[0].strip()}"


def _unknown_aggregation(match: re.Match[str]) -> str:
    name, rest = match[1], match.string[match.end(1) :].strip()
    rest = re.sub(r"^\([^)]*\)", "", rest)
    if name == "value":
        return "only gauges have a value, and gauges are for graphs; declare a trend or a counter"
    if name in _OTHER_NAMES:
        return f"there is no {name}; write {_OTHER_NAMES[name]}{rest}"
    return f"there is no {name}; there are avg, min, med, max, p(95), rate and count"


def _thousands(match: re.Match[str]) -> str:
    return f"write the number without separators: {match[0].replace(',', '').replace('_', '')}"


def _abort_on_fail(match: re.Match[str]) -> str:
    return "write the rule followed by 'abort', e.g. rate<1% abort after 10s"


def _abort_without_unit(match: re.Match[str]) -> str:
    return f"how long? write abort after {match[1]}s"


_MISTAKES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"&&|\|\||\band\b|\bor\b"), _several),
    (re.compile(r"abortOnFail|delayAbortEval"), _abort_on_fail),
    (re.compile(r"abort\s+after\s+(\d+(?:\.\d+)?)\s*$"), _abort_without_unit),
    (re.compile(r"=<|=>"), _swapped_operator),
    (re.compile(r"^([^=<>!]+)=([^=<>!]+)$"), _single_equals),
    (re.compile(r"^\s*p\s*(\d+(?:\.\d+)?)\s*([<>=!].*)$"), _percentile_without_parentheses),
    (re.compile(r"^\s*([\d.]+\s*[a-z%]*)\s*([<>]=?)\s*([a-z].*)$"), _reversed_sides),
    (re.compile(r"^\s*(?:<=?|>=?|==|!=)\s*[\d.]+.*$"), _missing_aggregation),
    (re.compile(r"\d[\d]*[,_]\d{3}\b"), _thousands),
    (re.compile(r"^\s*(?!(?:avg|min|med|max|rate|count)\b)([a-zA-Z_]\w*)\s*(?=[<>=!(])"), _unknown_aggregation),
)  # fmt: skip
