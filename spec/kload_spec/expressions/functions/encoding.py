"""Functions that encode and decode: JSON, base64, URLs, hashes, times."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

import orjson

from kload_spec.expressions.bounds import bounded_text, too_long, weigh
from kload_spec.expressions.errors import EvaluationError
from kload_spec.expressions.functions.arguments import as_bytes, as_number, as_text
from kload_spec.expressions.functions.signature import Function, anything, number, text
from kload_spec.expressions.functions.writing import as_string, json_text
from kload_spec.expressions.limits import MAX_TEXT_CHARS
from kload_spec.expressions.operators import is_number
from kload_spec.expressions.scope import Kind, Value

_MAX_TIME_MS: Final = 253_402_300_800_000  # 10000-01-01; datetime ends there


def _json_decode(value: Value) -> Value:
    source = as_text(value, "jsonDecode")
    if len(source) > MAX_TEXT_CHARS:
        too_long()
    try:
        decoded: Value = orjson.loads(source)
    except orjson.JSONDecodeError:
        raise EvaluationError("jsonDecode: the text is not JSON") from None
    return decoded


def _base64(value: Value) -> str:
    return bounded_text(base64.b64encode(as_bytes(value, "base64")).decode())


def _base64_decode(value: Value) -> str:
    source = as_text(value, "base64Decode")
    # Both alphabets, with or without padding: the parts of a JWT have none.
    standard = source.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        raise EvaluationError("base64Decode: the text is not base64 of UTF-8") from None


def _urlencode(value: Value) -> str:
    if type(value) is dict:
        weigh(value)
        pairs = (f"{_quoted(key)}={_quoted(item)}" for key, item in value.items())
        return bounded_text("&".join(pairs))
    return bounded_text(_quoted(value))


def _quoted(value: Value) -> str:
    plain = as_string(value) if is_number(value) or type(value) is bool else value
    return quote(as_bytes(plain, "urlencode"), safe="")


def _hmac_sha256(key: Value, message: Value) -> str:
    return hmac.digest(as_bytes(key, "hmacSha256"), as_bytes(message, "hmacSha256"), "sha256").hex()


def _sha256(value: Value) -> str:
    return hashlib.sha256(as_bytes(value, "sha256")).hexdigest()


def _iso_time(value: Value) -> str:
    moment_ms = as_number(value, "isoTime")
    if not 0 <= moment_ms < _MAX_TIME_MS:
        raise EvaluationError("isoTime needs milliseconds since 1970, such as nowMs()")
    moment = datetime.fromtimestamp(int(moment_ms) // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{int(moment_ms) % 1000:03d}Z"


ENCODING_FUNCTIONS: Final = (
    Function("jsonEncode", (anything(),), Kind.STRING, json_text),
    Function("jsonDecode", (text(),), Kind.ANY, _json_decode),
    Function("base64", (text(),), Kind.STRING, _base64),
    Function("base64Decode", (text(),), Kind.STRING, _base64_decode),
    Function("urlencode", (anything(but=(Kind.NULL, Kind.LIST)),), Kind.STRING, _urlencode),
    Function("hmacSha256", (text("key"), text()), Kind.STRING, _hmac_sha256, method=False),
    Function("sha256", (text(),), Kind.STRING, _sha256),
    Function("isoTime", (number("milliseconds"),), Kind.STRING, _iso_time, linear=False),
)
