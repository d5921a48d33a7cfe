"""Random JSON data and random expressions over it, most of them valid."""

from __future__ import annotations

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

_ATOMS = st.sampled_from(
    [
        *(
            "null",
            "true",
            "false",
            "0",
            "1",
            "-1",
            "2",
            "1.0",
            "0.5",
            "9223372036854775807",
            "500ms",
        ),
        *("''", "'a'", "'ab'", r"'\n'", "[]", "{}", "[1, 2]", "['a', 'b']", "[true, 1, 1.0]"),
        *("json", "json.a", "json.b", "json.a.id", "json[0]", "json[1].a", "json['id']"),
        *("vars.x", "vars.y", "vars.s", "vars.l", "vars.b", "vars.f", "vars.none", "row", "row.a"),
        *("status", "duration", "body", "headers", "headers.location", "headers['X-A']", "error"),
        *("vu", "iter", "scenario", "run.id", "run.elapsed", "checks.ok"),
    ]
)
_BINARY = ("==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%", "&&", "||")
_ONE = (
    *("size", "string", "int", "double", "abs", "floor", "ceil", "round", "kind", "distinct"),
    *("isSorted", "sum", "min", "max", "trim", "lowerAscii", "jsonEncode", "jsonDecode"),
    *("base64", "base64Decode", "urlencode", "sha256", "range", "isoTime", "join"),
)
_TWO = (
    *("contains", "startsWith", "endsWith", "matches", "find", "split", "join", "truncate"),
    *("substring", "missing", "min", "max", "hmacSha256", "isSorted"),
)
_MACROS = ("all", "exists", "exists_one", "filter", "map")


def _extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def write(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return st.tuples(*parts).map(lambda chosen: template.format(*chosen))

    binary = st.sampled_from(_BINARY)
    local = st.sampled_from(
        ["x", "x.id", "x == {0}", "x > 1", "size(x)", "x == 'a'", "!x", "x + x"]
    )
    body = st.tuples(local, inner).map(lambda pair: pair[0].replace("{0}", pair[1]))
    return st.one_of(
        write("({} {} {})", inner, binary, inner),
        write("{} {} {}", inner, binary, inner),
        write("!{}", inner),
        write("-{}", inner),
        write("({} ? {} : {})", inner, inner, inner),
        write("[{}, {}]", inner, inner),
        write("{{'a': {}, 'id': {}}}", inner, inner),
        write("{{{}: {}}}", inner, inner),
        write("({})[{}]", inner, inner),
        write("({}).id", inner),
        write("has(({}).a)", inner),
        write("has(({})[{}])", inner, inner),
        write("{}({})", st.sampled_from(_ONE), inner),
        write("({}).{}()", inner, st.sampled_from(_ONE)),
        write("{}({}, {})", st.sampled_from(_TWO), inner, inner),
        write("({}).{}(x, {})", inner, st.sampled_from(_MACROS), body),
        write("({}).map(x, {}, {})", inner, body, body),
    )


EXPRESSIONS = st.recursive(_ATOMS, _extended, max_leaves=8)
