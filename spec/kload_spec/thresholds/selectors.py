"""Keys of thresholds: the metric and, in braces, which of its samples; and whether there can be such samples.

::

    key  = metric [ "{" pair { "," pair } "}" ]
    pair = tag ":" value                            all must be equal; no wildcards

A comma always separates pairs, the first colon of a pair separates tag and value, and both are trimmed of spaces and
quotes, as in k6. Knows nothing of expressions: that is `grammar`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from kload_spec.metrics import OUTSIDE_THE_LOAD, SYSTEM_TAGS, MetricDefinition
from kload_spec.thresholds.model import Selector, ThresholdError

_K6_TAGS: Mapping[str, str] = {
    "name": "step", "url": "step", "group": "step", "error_code": "error",
}  # fmt: skip


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


def check_tags(
    definition: MetricDefinition, selector: Selector, tags: Mapping[str, Collection[str] | None]
) -> None:
    """Refuse a selector that can select nothing.

    Args:
        tags: as for `grammar.parse_threshold`.

    Raises:
        ThresholdError: the metric has no such tag, or the tag never such a value.
    """
    known = {*definition.tags, *(tag for tag in tags if tag not in SYSTEM_TAGS)}
    for tag, value in selector:
        if tag not in known:
            renamed = _K6_TAGS.get(tag)
            hint = f"kload calls it {renamed}" if renamed in known else suggestion(tag, known)
            raise ThresholdError(f"{definition.name} has no tag {tag!r}; {hint}")
        values = tags.get(tag)
        outside = tag == "scenario" and value in OUTSIDE_THE_LOAD
        if values is not None and value not in values and not outside:
            raise ThresholdError(f"no {tag} is called {value!r}; {suggestion(value, values)}")


def suggestion(word: str, known: Collection[str]) -> str:
    """Return what may have been meant instead of a word, or what there is."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"there is {', '.join(sorted(known))}" if known else "there is none"
