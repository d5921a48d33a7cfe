"""Take text fields apart: literal pieces, and the expressions in `$( )`.

Gives typed trees; `compiler` makes functions of them. ``$$(`` is a literal ``$(``, as in Kubernetes' own `$(VAR)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from kload_spec.expressions.errors import ExpressionError
from kload_spec.expressions.limits import MAX_TEMPLATE_CHARS, MAX_TEMPLATE_PARTS
from kload_spec.expressions.names import ROOTS
from kload_spec.expressions.parser import parse_interpolation
from kload_spec.expressions.resolver import resolve
from kload_spec.expressions.scope import ANY, Scope
from kload_spec.expressions.typed import Typed

_K6_NAMES: Final = {"__VU": "vu", "__ITER": "iter", "__ENV": "env"}
_OPENING: Final = re.compile(r"\$?\$\(")
_FOREIGN: Final = re.compile(
    rf"(?P<dollar>\$\{{)\s*(?:{'|'.join(sorted(ROOTS))}|__VU|__ITER|__ENV)\b[^{{}}]*\}}"
    rf"|(?P<braces>\{{\{{-?)\s*\.?(?:{'|'.join(sorted(ROOTS))}|__VU|__ITER|__ENV)\b[^{{}}]*\}}\}}"
    r"|(?P<shell>\$)(?:vars|env|params|row)\.[A-Za-z_]\w*"
)

_BARE: Final = re.compile(r"(?:(?P<dollar>\$\{)|(?P<braces>\{\{))\s*(?P<name>[A-Za-z_]\w*)\s*\}\}?")


def parts_of(text: str, scope: Scope) -> Iterator[str | tuple[str, Typed]]:
    """Yield literal pieces, and expressions as they are written with their typed trees.

    Raises:
        ExpressionError: an interpolation is faulty, or looks like that of another tool.
    """
    if len(text) > MAX_TEMPLATE_CHARS:
        raise ExpressionError(
            f"the text has {len(text)} characters; {MAX_TEMPLATE_CHARS} is the limit"
        )
    at = 0
    count = 0
    while (opening := _OPENING.search(text, at)) is not None:
        yield _literal(text, at, opening.start(), scope)
        if opening[0] == "$$(":
            yield "$("
            at = opening.end()
            continue
        count += 1
        if count > MAX_TEMPLATE_PARTS:
            raise ExpressionError(f"the text has more than {MAX_TEMPLATE_PARTS} interpolations")
        tree, at = parse_interpolation(text, opening.end())
        yield text[opening.end() : at - 1].strip(), resolve(tree, text, scope)
    yield _literal(text, at, len(text), scope)


def _literal(text: str, start: int, end: int, scope: Scope) -> str:
    """Return a piece as it is, unless it seems to be meant as an interpolation."""
    foreign = _FOREIGN.search(text, start, end) or _bare(text, start, end, scope)
    if foreign is None:
        return text[start:end]
    sign = next(filter(None, map(foreign.groupdict().get, ("dollar", "braces", "shell"))))
    inner = foreign[0][len(sign) :].rstrip("}").strip(" .-")
    for k6_name, name in _K6_NAMES.items():
        inner = inner.replace(k6_name, name)
    inner = _rooted(inner, scope)
    raise ExpressionError(
        f"{foreign[0][:60]} is not interpolated; write $({inner[:60]}), "
        f"or $('{sign}') for a literal {sign}",
        text,
        foreign.start() + 1,
    )


def _bare(text: str, start: int, end: int, scope: Scope) -> re.Match[str] | None:
    """Find ``${id}`` or ``{{ id }}`` where id is a variable, column, param or environment variable of this place.

    Other names are left as they are: a body may well hold the templates of somebody else.
    """
    return next(
        (
            found
            for found in _BARE.finditer(text, start, end)
            if _rooted(found["name"], scope) != found["name"]
        ),
        None,
    )


def _rooted(name: str, scope: Scope) -> str:
    """Return a name with the root it is known under, or as it is."""
    for root in ("vars", "row", "params", "env"):
        known = getattr(scope, root)
        if known is not None and known is not ANY and name in known:
            return f"{root}.{name}"
    return f"params.{name}" if name in scope.constants else name
