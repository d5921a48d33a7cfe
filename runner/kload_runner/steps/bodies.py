"""Bodies of requests: from the values of a step to bytes. Pure; files were read when the run was prepared.

Source: RFC 7578 (multipart/form-data), the URL standard's form encoding.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from urllib.parse import quote_plus

import orjson

from kload_runner.steps.state import State
from kload_spec.expressions import EvaluationError, Value
from kload_spec.program import Body, FormBody, JsonBody, MultipartBody, TextBody

Render = Callable[[State], bytes]

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
TEXT_TYPE = "text/plain; charset=utf-8"
# One boundary for every message: what makes it unlikely to stand in a file is its length, not its freshness.
BOUNDARY = "kload-5f3a7c1e9b2d4806a1c3e5f708192a3b"
MULTIPART_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def content_type(body: Body) -> str:
    """Return the Content-Type that goes with a body unless a header says otherwise."""
    match body:
        case JsonBody():
            return JSON_TYPE
        case FormBody():
            return FORM_TYPE
        case TextBody():
            return TEXT_TYPE
        case MultipartBody():
            return MULTIPART_TYPE


def bind_body(body: Body, read_file: Callable[[str], bytes]) -> Render:
    """Return the function that renders a body for one state.

    Args:
        read_file: gives the content of a file by its path in the manifest.
    """
    match body:
        case JsonBody(value):
            return _bind_json(value.evaluate)
        case TextBody(text):
            evaluate = text.evaluate
            return lambda state: text_of(evaluate(state)).encode()
        case FormBody(fields):
            evaluate = fields.evaluate
            return lambda state: form_text(evaluate(state)).encode()
        case MultipartBody(fields, files):
            parts = b"".join(_file_part(name, path, read_file(path)) for name, path in files)
            evaluate = fields.evaluate
            return lambda state: multipart_bytes(evaluate(state), parts)


def _bind_json(evaluate: Callable[[State], Value]) -> Render:
    dumps = orjson.dumps

    def render(state: State) -> bytes:
        value = evaluate(state)
        try:
            return dumps(value)  # as `json_bytes` would, without the call
        except TypeError:
            return json_bytes(value)

    return render


def body_names(body: Body | None) -> frozenset[str]:
    """Return what a body reads of the state."""
    match body:
        case None:
            return frozenset()
        case JsonBody(value):
            return value.names
        case TextBody(text):
            return text.names
        case FormBody(fields) | MultipartBody(fields):
            return fields.names


def json_bytes(value: Value) -> bytes:
    """Render JSON without blanks. Integers of any size: orjson stops at 64 bits."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(
            "utf-8", "replace"
        )


def text_of(value: Value) -> str:
    """Return a value as the text that templates make of it: JSON for lists and maps, nothing for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json_bytes(value).decode()


def form_text(fields: Value) -> str:
    """Encode a map as `name=value&...`: a list repeats its name, null leaves the field out.

    Raises:
        EvaluationError: it is no map.
    """
    return "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in _pairs(fields))


def multipart_bytes(fields: Value, files: bytes) -> bytes:
    """Encode fields and ready-made file parts.

    Raises:
        EvaluationError: `fields` is no map.
    """
    parts = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
        for name, value in _pairs(fields)
    )
    return parts.encode() + files + f"--{BOUNDARY}--\r\n".encode()


def _pairs(fields: Value) -> list[tuple[str, str]]:
    if not isinstance(fields, Mapping):
        raise EvaluationError("the fields are not a map")
    pairs: list[tuple[str, str]] = []
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text_of(item)) for item in values if item is not None]
    return pairs


def _file_part(name: str, path: str, content: bytes) -> bytes:
    shown = _quoted(PurePosixPath(path).name)
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="{shown}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return head.encode() + content + b"\r\n"


def _quoted(name: str) -> str:
    # RFC 7578 leaves the escaping open; browsers percent-encode exactly these three.
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
