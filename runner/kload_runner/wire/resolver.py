"""Names to addresses, without blocking the loop: a small cache over getaddrinfo. One per process.

Decides nothing about which addresses may be used (`policy`) or in which order they are tried (`connector`).

getaddrinfo does not tell the TTL of an answer, so every answer is used for `ttl_s` (30 s, like most kube-dns
records) and then asked again; open connections stay. A failure is remembered for a second, so that a
thousand virtual users do not ask a broken server a thousand times. One question per name at a time.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kload_runner.wire.errors import ErrorClass, WireFault, local_fault

FAILURE_TTL_S = 1.0  # s; long enough to share, short enough to see a name appear
# What glibc's getaddrinfo says where it cannot open its own files and sockets (measured).
_NO_FILES = frozenset({errno.EBUSY, socket.EAI_MEMORY})


@dataclass(frozen=True, slots=True)
class Address:
    """One way to a host."""

    family: socket.AddressFamily
    ip: str
    sockaddr: tuple[str, int] | tuple[str, int, int, int]


@dataclass(slots=True)
class _Answer:
    addresses: tuple[Address, ...]
    fault: WireFault | None
    until: float


class Resolver:
    """Resolve with a cache; answers keep the system's order (RFC 6724)."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float], ttl_s: float = 30.0
    ) -> None:
        self._loop = loop
        self._clock = clock
        self._ttl_s = ttl_s
        self._answers: dict[tuple[str, int], _Answer] = {}
        self._questions: dict[tuple[str, int], asyncio.Task[_Answer]] = {}

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        """Return at least one address.

        Raises:
            WireFault: class `dns` (or `local`), with the host in the sentence.
        """
        key = (host, port)
        answer = self._answers.get(key)
        if answer is None or self._clock() >= answer.until:
            question = self._questions.get(key)
            if question is None:
                question = self._questions[key] = self._loop.create_task(self._ask(key))
            # Shielded: others wait for the same answer when this virtual user is interrupted.
            answer = await asyncio.shield(question)
        if answer.fault is not None:
            raise WireFault(answer.fault.fault.error, answer.fault.fault.detail)
        return answer.addresses

    async def close(self) -> None:
        """Give up questions nobody waits for any more."""
        questions = list(self._questions.values())
        for question in questions:
            question.cancel()
        await asyncio.gather(*questions, return_exceptions=True)

    async def _ask(self, key: tuple[str, int]) -> _Answer:
        host, port = key
        try:
            found = await self._loop.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
            answer = _Answer(_addresses(found), None, self._clock() + self._ttl_s)
            if not answer.addresses:
                raise socket.gaierror(socket.EAI_NONAME, "no IPv4 or IPv6 address")
        except (OSError, UnicodeError) as exc:
            answer = _Answer((), _fault(host, exc), self._clock() + FAILURE_TTL_S)
        finally:
            self._questions.pop(key, None)
        self._answers[key] = answer
        return answer


def _addresses(
    found: Iterable[tuple[int, int, int, str, tuple[object, ...]]],
) -> tuple[Address, ...]:
    known: dict[tuple[object, ...], Address] = {}
    for family, _, _, _, sockaddr in found:
        if family in (socket.AF_INET, socket.AF_INET6):
            address = Address(socket.AddressFamily(family), str(sockaddr[0]), sockaddr)  # type: ignore[arg-type]
            known.setdefault(sockaddr, address)
    return tuple(known.values())


def _fault(host: str, exc: Exception) -> WireFault:
    if isinstance(exc, OSError) and exc.errno in _NO_FILES:
        exc = OSError(errno.EMFILE, exc.strerror)
    if isinstance(exc, OSError) and (local := local_fault(exc)) is not None:
        return WireFault(local.error, local.detail)
    reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
    return WireFault(ErrorClass.DNS, f"host {host} has no address: {reason}")
