"""Random JSON data and random expressions over it, most of them valid."""

from __future__ import annotations

import re

from hypothesis import strategies as st

KEYS = ("a", "b", "id")
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([2**63 - 1, -(2**63), 2**64 - 1, 200])
    | st.sampled_from([0.0, 1.0, -0.5, 0.25, 1e308, 1e-9])
    | st.sampled_from(["", "a", "b", "ab", "1", "Ä", "{}"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner),
    max_leaves=8,
)

# What can be written, by kind of result: b(ool), n(umber), s(tring), l(ist), m(ap). A letter in braces is a hole for an
# expression of that kind, v of any kind, x of the variable of the macro around it.
_ATOMS = {
    "b": ["true", "false", "vars.b", "checks.ok", "json.a", "error == null"],
    "n": [
        *("0", "1", "-1", "2", "1.0", "0.5", "500ms", "9223372036854775807", "vars.y", "vars.f"),
        *("vars.x", "status", "duration", "vu", "run.elapsed", "json.b", "json[0]"),
    ],
    "s": [
        *("''", "'a'", "'ab'", "'1'", r"'\n'", "vars.s", "body", "headers.location", "scenario"),
        *("headers['X-A']", "row.a", "json.id", "json.a.id", "error"),
    ],
    "l": ["[]", "[1, 2]", "['a', 'b']", "[true, 1, 1.0]", "vars.l", "json", "json.a", "range(3)"],
    "m": ["{}", "json", "row", "headers", "{'a': 1}", "json.b", "json[1]"],
    "v": ["null", "json", "vars.x", "vars.none", "json[1].a"],
}
_FORMS = {
    "b": [
        *("{v} == {v}", "{v} != {v}", "{n} == {n}", "{s} == {s}", "{b} == {b}", "{l} != {l}"),
        *("{n} < {n}", "{n} <= {n}", "{s} > {s}", "{n} >= {n}", "{v} < {v}", "{n} > {v}"),
        *("{v} in {l}", "{s} in {m}", "{n} in [1, 2, 200]", "{v} in ['a', 200, 0.5]", "!{b}"),
        *("{b} && {b}", "{b} || {b}", "{b} && {b} && {b}", "{b} ? {b} : {b}", "has({m}.a)"),
        *("has({v}[{v}])", "has({m}.a.id)", "{l}.all(x, {x})", "{l}.exists(x, {x})"),
        *("{m}.exists_one(x, {x})", "{l}.exists_one(x, {x})", "{s}.contains({s})"),
        *("{s}.startsWith({s})", "{s}.endsWith({s})", "{s}.matches('^a|1$')", "isSorted({l})"),
    ],
    "n": [
        *("{n} + {n}", "{n} - {n}", "{n} * {n}", "{n} / {n}", "{n} % {n}", "-{n}", "{v} + {n}"),
        *("size({v})", "size({l})", "int({v})", "double({v})", "abs({n})", "floor({n})"),
        *("ceil({n})", "round({n})", "sum({l})", "min({n}, {n})", "max({l})", "{l}[{n}]"),
        "{b} ? {n} : {n}",
    ],
    "s": [
        *("{s} + {s}", "string({v})", "{s}.trim()", "{s}.lowerAscii()", "jsonEncode({v})"),
        *("{s}.substring({n})", "{s}.truncate({n})", "{l}.join({s})", "{s}.replace({s}, {s})"),
        *("base64({s})", "base64Decode({s})", "urlencode({v})", "sha256({s})", "kind({v})"),
        *("hmacSha256({s}, {s})", "isoTime({n})", "{s}.find('a+')", "{s}.capture('(a)b?')"),
        *("{m}.id", "{m}[{s}]", "{b} ? {s} : {s}", "{l}[{n}]"),
    ],
    "l": [
        *("[{v}, {v}]", "[{n}]", "{l} + {l}", "{v} + {v}", "{l}.filter(x, {x})", "{l}.map(x, {x})"),
        *("{m}.map(x, {x})", "{l}.map(x, {x}, {x})", "{l}.map(x, x)", "distinct({l})"),
        *("missing({l}, {l})", "{s}.split({s})", "range({n})", "{b} ? {l} : {l}"),
    ],
    "m": ["{'a': {v}, 'id': {v}}", "{{s}: {v}}", "{m}['a']", "jsonDecode({s})", "{l}[{n}]"],
    "v": ["{m}.a", "{l}[{n}]", "{v}[{v}]", "{b} ? {v} : {v}", "{m}.id", "{v}.a"],
    "x": [
        *("x == {v}", "x > 1", "x < 'b'", "x.id == {s}", "size(x) > {n}", "x + x", "{b}", "x.a"),
        *("x in {l}", "[x, {v}]", "string(x) + {s}", "x != 1 && {b}", "{l}.exists(y, y == x)"),
    ],
}
_HOLE = re.compile(r"\{([bnslmvx])\}")


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Draw an expression of any kind; now and then a part is of a kind that does not fit."""
    return _drawn(draw, draw(st.sampled_from("bnslmv")), 3)


def _drawn(draw: st.DrawFn, kind: str, depth: int) -> str:
    if kind != "x" and draw(st.integers(0, 11)) == 0:
        kind = draw(st.sampled_from("bnslmv"))
    if kind != "x" and (depth == 0 or draw(st.integers(0, 3)) == 0):
        return draw(st.sampled_from(_ATOMS[kind]))
    form = draw(st.sampled_from(_FORMS[kind]))
    holes = _HOLE.split(form)
    written = [
        piece if at % 2 == 0 else _drawn(draw, piece, max(depth - 1, 0))
        for at, piece in enumerate(holes)
    ]
    text = "".join(written)
    return f"({text})" if kind != "x" else text


EXPRESSIONS = expressions()
