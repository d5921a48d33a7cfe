"""One request as a handler sees it, and the response it returns.

Knows nothing of routes, databases or ASGI; `routing` builds requests and sends responses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from typing import TypeVar
from urllib.parse import parse_qsl

import orjson
import pydantic

Document = TypeVar("Document", bound=pydantic.BaseModel)

JSON = (b"content-type", b"application/json")


class Refusal(Exception):
    """A request that is answered with an error on purpose.

    Args:
        status: HTTP status, 400..599.
        code: stable, for programs: ``invalid_api_key``.
        message: for people; says what would be right.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """Return the answer: ``{"error": {"code": ..., "message": ...}}``."""
        return json_response(
            {"error": {"code": self.code, "message": self.message}}, status=self.status
        )


@dataclass(frozen=True, slots=True)
class Request:
    """A request, its body read.

    Attributes:
        path: decoded, without the query.
        headers: names in lower case; a repeated header is joined with ``, ``.
        query: the last value of each parameter.
        params: what the placeholders of the route matched.
        client: address of the peer.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query_string: str = ""
    body: bytes = b""
    params: Mapping[str, str] = field(default_factory=dict)
    client: str = ""

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the URL; of a repeated one the last counts."""
        return dict(parse_qsl(self.query_string, keep_blank_values=True))

    @property
    def bearer(self) -> str | None:
        """The token of ``Authorization: Bearer ...``, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def cookie(self, name: str) -> str | None:
        """Return the value of one cookie, or None."""
        try:
            morsel = SimpleCookie(self.headers.get("cookie", "")).get(name)
        except CookieError:
            return None
        return morsel.value if morsel is not None else None

    def read(self, model: type[Document]) -> Document:
        """Parse the body.

        Raises:
            Refusal: 400, with the path and the reason of the first thing that is wrong.
        """
        try:
            return model.model_validate_json(self.body)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_context=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "body"
            raise Refusal(400, "invalid_request", f"{where}: {first['msg']}") from error


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers (lower-case names) and body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_response(
    content: object, *, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = ()
) -> Response:
    """Return `content` as JSON."""
    return Response(status, orjson.dumps(content), (JSON, *headers))
