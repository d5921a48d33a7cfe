"""Asks Prometheus, and tells what is known from what is not. The operator's only reader of metrics.

An answer that is partial, carries warnings, is no JSON or does not come is unknown, never zero. Whether to ask again
is the caller's: `Unavailable` says that it may help, `Misconfigured` that it will not. The server chooses "now".

Source: https://prometheus.io/docs/prometheus/latest/querying/api/
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Protocol

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from kload_operator.settings import PrometheusSettings

TIMEOUT_S = 8.0
MOST_CONNECTIONS = 16


class PrometheusError(Exception):
    """There is no answer that could be relied on."""


class Unavailable(PrometheusError):
    """It does not answer now: down, overloaded, starting, partial."""


class Misconfigured(PrometheusError):
    """It will not answer this: wrong address, no rights, not Prometheus."""


Vector = Mapping[str, float]  # value of the one label that was asked for ("" without one) -> number


class Metrics(Protocol):
    """What the operator asks a Prometheus."""

    async def vector(self, query: str, label: str = "") -> Vector:
        """Return an instant query's values by a label; empty where there are no series.

        Raises:
            PrometheusError: nothing is known.
        """
        ...


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


class _Data(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    resultType: str
    result: list[_Sample]


class _Answer(BaseModel):
    status: str
    data: _Data | None = None
    error: str = ""
    warnings: list[str] | None = None
    isPartial: bool = False  # VictoriaMetrics: storage nodes did not answer


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    kind: str
    content: bytes


class PrometheusClient:
    """One configured Prometheus. `close` it when done."""

    def __init__(self, settings: PrometheusSettings) -> None:
        self._verify: ssl.SSLContext | bool = True
        if settings.ca_file is not None:
            self._verify = ssl.create_default_context(cafile=str(settings.ca_file))
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Its address, for messages."""
        return self._settings.url

    @property
    def matchers(self) -> Mapping[str, str]:
        """Labels added to every selector."""
        return self._settings.matchers

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def vector(self, query: str, label: str = "") -> Vector:
        """Return an instant query's values by a label."""
        url = f"{self.url}/api/v1/query"
        form = {"query": query, "timeout": f"{TIMEOUT_S:g}s"}
        try:
            async with self._http().post(
                url, data=form, headers=self._token(), allow_redirects=False, ssl=self._verify
            ) as answer:
                answered = _Answered(
                    answer.status, answer.headers.get("Content-Type", ""), await answer.read()
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(
                f"{self.url} does not answer: {type(error).__name__} {error}"
            ) from error
        return _values(self.url, answered, label)

    def _http(self) -> aiohttp.ClientSession:
        """Return the session; it belongs to the loop it is made in."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=self._settings.headers,
                timeout=aiohttp.ClientTimeout(
                    total=4 * TIMEOUT_S, sock_connect=TIMEOUT_S, sock_read=TIMEOUT_S
                ),
            )
        return self._session

    def _token(self) -> dict[str, str]:
        path: Path | None = self._settings.token_file
        if path is None:
            return {}
        try:
            return {"Authorization": f"Bearer {path.read_text(encoding='utf-8').strip()}"}
        except OSError as error:
            raise Misconfigured(f"tokenFile of {self.url}: {error}") from error


def _values(url: str, answer: _Answered, label: str) -> Vector:
    """Return the values of an answer, or say why there are none."""
    status = answer.status
    if status == 429 or status >= 500:
        raise Unavailable(
            f"{url} answers {status}: {answer.content[:200].decode(errors='replace')}"
        )
    try:
        parsed = _Answer.model_validate_json(answer.content)
    except ValidationError:
        kind = answer.kind or "no content type"
        raise Misconfigured(
            f"{url} answers {status} with {kind} where Prometheus answers JSON; is the address right?"
        ) from None
    if status != 200 or parsed.status != "success" or parsed.data is None:
        raise Misconfigured(f"{url} refuses ({status}): {parsed.error}")
    if parsed.warnings:
        raise Unavailable(f"{url} answers in part: {'; '.join(parsed.warnings)}")
    if parsed.isPartial:
        raise Unavailable(f"{url} answers in part: some of its storage is away")
    if parsed.data.resultType != "vector":
        raise Misconfigured(f"{url} answers a {parsed.data.resultType}, not a vector")
    found = {item.metric.get(label, ""): float(item.value[1]) for item in parsed.data.result}
    if len(found) != len(parsed.data.result):
        grouped = label or "nothing"
        raise Misconfigured(f"{url} answers several values where one was asked for, by {grouped}")
    if any(isnan(value) for value in found.values()):
        raise Unavailable(f"{url} answers NaN, which is no number")
    return found
