"""What to write instead: for misspelt names, and for names people bring along from k6, JavaScript and Python.

Sentences only; `names` and `resolver` decide when one is due.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Final

_RESPONSE: Final = "the latest response is read directly: status, body, json, headers, duration"
_MATH: Final = "functions stand alone: abs(x), floor(x), ceil(x), round(x), min(a, b), max(a, b)"

_SENDS: Final = "an expression sends nothing; a request is a step of its own, e.g. - get: /path"

_FOREIGN_NAMES: Final = {
    **dict.fromkeys(("http", "https", "fetch", "axios", "requests", "client", "k6"), _SENDS),
    "res": _RESPONSE,
    "r": _RESPONSE,
    "resp": _RESPONSE,
    "response": _RESPONSE,
    "__VU": "write vu",
    "__ITER": "write iter",
    "__ENV": "write env.NAME",
    "exec": "write vu, iter, scenario, run.id or run.elapsed",
    "Math": _MATH,
    "JSON": "write jsonEncode(x) or jsonDecode(text)",
    "Date": "write nowMs() or unixSeconds()",
    "crypto": "write sha256(text) or hmacSha256(key, text)",
    "undefined": "write null, or has(json.x) for a key that may be missing",
    "None": "write null",
    "nil": "write null",
    "True": "write true",
    "False": "write false",
    "this": "write vars.x for a variable",
    "self": "write vars.x for a variable",
    "process": "write env.NAME",
    "os": "write env.NAME",
    "status_code": "write status",
    "text": "write body",
    "url": "write req.url",
    "request": "write req.method, req.url, req.body or req.headers",
    "response_time": "write duration",
    "elapsed": "write duration, or run.elapsed",
    "cookies": "cookies are kept by the VU; read one from headers['set-cookie']",
}

_SIZE: Final = "write size(x)"
_CONTAINS: Final = "write text.contains('piece'), or x in list"
_FOREIGN_FUNCTIONS: Final = {
    "len": _SIZE,
    "length": _SIZE,
    "count": _SIZE,
    "includes": _CONTAINS,
    "indexOf": _CONTAINS,
    "toString": "write string(x)",
    "str": "write string(x)",
    "String": "write string(x)",
    "parseInt": "write int(x)",
    "Number": "write int(x) or double(x)",
    "number": "write int(x) or double(x)",
    "parseFloat": "write double(x)",
    "float": "write double(x)",
    "toLowerCase": "write text.lowerAscii()",
    "lower": "write text.lowerAscii()",
    "toUpperCase": "write text.upperAscii()",
    "upper": "write text.upperAscii()",
    "strip": "write text.trim()",
    "slice": "write text.substring(start, end)",
    "substr": "write text.substring(start, end)",
    "every": "write list.all(x, condition)",
    "some": "write list.exists(x, condition)",
    "any": "write list.exists(x, condition)",
    "forEach": "use a `foreach` step",
    "existsOne": "write list.exists_one(x, condition)",
    "stringify": "write jsonEncode(x)",
    "parse": "write jsonDecode(text)",
    "test": "write text.matches('pattern')",
    "match": "write text.matches('pattern'), find or capture",
    "regex": "write text.matches('pattern'), find or capture",
    "encodeURIComponent": "write urlencode(x)",
    "btoa": "write base64(text)",
    "atob": "write base64Decode(text)",
    "random": "write uniform(0, 1) or randInt(1, 6)",
    "randomIntBetween": "write randInt(low, high)",
    "randomItem": "write pick(list)",
    "uuidv4": "write uuid()",
    "now": "write nowMs() or unixSeconds()",
    "timestamp": "write isoTime(nowMs())",
    "duration": "write a time as it is: 500ms, 2s, 1m",
    "sleep": "use a `sleep` step",
    "check": "use the step's `checks`",
    "concat": "write a + b",
    "reduce": "write sum(list), min(list), max(list), or list.all and list.exists",
    "typeof": "write kind(x)",
    "type": "write kind(x), which gives 'string', 'int', 'double', 'bool', 'null', 'list' or 'map'",
    "not": "'not' is written !x",
}


def did_you_mean(name: str, candidates: Mapping[str, str]) -> str:
    """Return ``; did you mean x?`` for the closest candidate, as it is to be written, or nothing."""
    by_lower = {candidate.lower(): written for candidate, written in candidates.items()}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]}?" if close else ""


def foreign_name(name: str) -> str | None:
    """Return what to write for a name of another tool."""
    return _FOREIGN_NAMES.get(name)


def foreign_function(name: str) -> str | None:
    """Return what to write for a function of another language."""
    return _FOREIGN_FUNCTIONS.get(name)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Write names as a list for a message: sorted, and not too many."""
    ordered = sorted(names)
    rest = ", ..." if len(ordered) > most else ""
    return ", ".join(ordered[:most]) + rest
