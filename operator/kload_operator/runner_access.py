"""How the operator talks to its runners: by pod address, or through the API server's pod proxy. One seam.

Speaks the messages of `kload_spec.control`; knows no run, no phase. A runner that does not answer is `Unreachable`,
which is a fact about the moment and no verdict; one that refuses (409) is in another phase than we believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import aiohttp
from pydantic import ValidationError

from kload_operator.cluster import Cluster, ClusterError, ProxyRequest
from kload_spec.control import CONTROL_PORT, TOKEN_HEADER, Message, Refusal

TIMEOUT_S = 5.0
RESULT_TIMEOUT_S = 30.0
MOST_CONNECTIONS = 512
PROXY_REFUSED = "409"

_Reply = TypeVar("_Reply", bound=Message)


class Unreachable(Exception):
    """The runner did not answer, or something else answered in its place."""


class WrongPhase(Exception):
    """The runner refuses because it is in another phase (409)."""


@dataclass(frozen=True, slots=True)
class RunnerAddress:
    """Where a runner is, and the secret it asks for."""

    namespace: str
    pod: str
    ip: str
    token: str


class RunnerAccess(Protocol):
    """Sends one request to a runner."""

    async def send(
        self,
        address: RunnerAddress,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Return the answer's body.

        Raises:
            Unreachable: there was none.
            WrongPhase: it refuses for now.
        """
        ...


class DirectAccess:
    """By pod address. `close` it when done."""

    def __init__(self, port: int = CONTROL_PORT) -> None:
        self._port = port
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close its connections."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self,
        address: RunnerAddress,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Ask a runner at its pod's address."""
        host = f"[{address.ip}]" if ":" in address.ip else address.ip
        url = f"http://{host}:{self._port}{path}"
        try:
            async with self._http().request(
                method,
                url,
                data=body,
                headers={TOKEN_HEADER: address.token},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(sock_connect=timeout_s, sock_read=timeout_s),
            ) as answer:
                status, content = answer.status, await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(
                f"{address.pod} at {host}:{self._port}{path}: {type(error).__name__} {error}".rstrip()
            ) from error
        if status == 409:
            raise WrongPhase(_refusal(content))
        if status != 200:
            raise Unreachable(f"{address.pod} answers {path} with {status}")
        return content

    def _http(self) -> aiohttp.ClientSession:
        """Return the session; it belongs to the loop it is made in."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


class ProxyAccess:
    """Through the API server, for operators that cannot route to pods; needs the right `create pods/proxy`."""

    def __init__(self, cluster: Cluster, port: int = CONTROL_PORT) -> None:
        self._cluster = cluster
        self._port = port

    async def close(self) -> None:
        """Nothing is held here."""

    async def send(
        self,
        address: RunnerAddress,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """Ask a runner through the API server."""
        request = ProxyRequest(self._port, path, {TOKEN_HEADER: address.token}, body, timeout_s)
        try:
            return await self._cluster.proxy(method, address.namespace, address.pod, request)
        except ClusterError as error:
            if str(error).startswith(PROXY_REFUSED):
                raise WrongPhase(str(error)) from error
            raise Unreachable(f"{address.pod} by way of the API server: {error}") from error


def parsed(reply: type[_Reply], content: bytes) -> _Reply:
    """Return an answer as the message it should be.

    Raises:
        Unreachable: something else answered.
    """
    try:
        return reply.model_validate_json(content)
    except ValidationError as error:
        raise Unreachable(f"the answer is no {reply.__name__}: {content[:100]!r}") from error


def _refusal(content: bytes) -> str:
    try:
        return Refusal.model_validate_json(content).error
    except ValidationError:
        return content[:200].decode(errors="replace")
