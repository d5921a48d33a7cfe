"""The proxy itself: one connection at a time from a client, each request to the server on a connection of its own.

Runs in a thread with an event loop, so that tests of any kind can use it as a block: ``with ChaosProxy(...) as
proxy``. Holds the rules and the counts; every request that passes is looked at once, by the first rule that
strikes.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from urllib.parse import urlsplit

from chaos.faults import Answer, Cut, Delay, Fault, Hang, Rule
from chaos.messages import BadMessage, Head, body_of, read_head
from chaos.relay import Streams, encode_answer, relay, reset, tunnel
from chaos.requests import Ask, ask_of

_HEAD_LIMIT = 64 * 1024
_TURNS_TO_CLOSE = (
    4  # turns of the loop in which an aborted connection gives its socket back, TLS included
)
_DROPPED = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, BadMessage, TimeoutError)


class ChaosProxy:
    """A reverse proxy before one server, and a forward proxy for requests that name theirs.

    Attributes:
        asks: every request that came, in order.
    """

    def __init__(
        self,
        upstream: str = "",
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        certificate: tuple[str, str] | None = None,
        authority: str | None = None,
    ) -> None:
        """Describe the proxy; it listens once it is entered.

        Args:
            upstream: ``http(s)://host:port`` of the server; not needed for a forward proxy.
            host: address to listen at.
            port: 0 for any free one.
            certificate: files of certificate and key; with them clients must speak TLS.
            authority: file of the authority that the server's certificate is checked against.
        """
        self._upstream = urlsplit(upstream)
        self._host, self._port = host, port
        self._tls: ssl.SSLContext | None = None
        if certificate is not None:
            self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._tls.load_cert_chain(*certificate)
        self._upstream_tls = None
        if self._upstream.scheme == "https":
            self._upstream_tls = ssl.create_default_context(cafile=authority)
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="chaos-proxy", daemon=True)
        self._listening = threading.Event()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.asks: list[Ask] = []

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self._port}"

    def __enter__(self) -> ChaosProxy:
        self._thread.start()
        if not self._listening.wait(10):
            raise RuntimeError(f"the chaos proxy could not listen at {self._host}:{self._port}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def add(self, rule: Rule) -> Rule:
        """Put a rule before the others and return it."""
        with self._lock:
            self._rules.insert(0, rule)
        return rule

    def remove(self, rule: Rule) -> None:
        """Take a rule away."""
        with self._lock:
            self._rules.remove(rule)

    @contextmanager
    def failing(self, rule: Rule) -> Iterator[Rule]:
        """Have a rule apply for as long as the block runs."""
        self.add(rule)
        try:
            yield rule
        finally:
            self.remove(rule)

    def cut_all(self) -> None:
        """Reset every connection there is, as a network that changed its path does."""
        self._loop.call_soon_threadsafe(lambda: [task.cancel() for task in list(self._tasks)])

    def count(self, verb: str = "", resource: str = "") -> int:
        """Return how many requests came, of one verb and resource or of any."""
        return sum(
            (not verb or one.verb == verb) and (not resource or one.resource == resource)
            for one in list(self.asks)
        )

    def counts(self) -> Counter[tuple[str, str]]:
        """Return how many requests came by verb and resource."""
        return Counter((one.verb, one.resource) for one in list(self.asks))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        with suppress(OSError):  # the address is taken: `__enter__` says so
            self._loop.run_until_complete(self._listen())
            self._loop.run_forever()
            self._loop.run_until_complete(self._close())
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, self._host, self._port, ssl=self._tls, limit=_HEAD_LIMIT
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self._listening.set()

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for _ in range(_TURNS_TO_CLOSE):
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while (head := await read_head(reader)) is not None:
                if not await self._exchange(head, reader, writer):
                    break
        except asyncio.CancelledError:
            reset(writer)
        except _DROPPED:
            pass
        finally:
            self._tasks.discard(task)
            self._end(writer)

    async def _exchange(
        self, head: Head, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Carry out one request; False when the connection ends with it."""
        if head.get("expect"):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b"".join([piece async for piece in body_of(reader, head, to_end=False)])
        method, target, _ = head.start.split(" ", 2)
        ask = ask_of(method, target)
        self.asks.append(ask)
        fault = self._fault_for(ask)
        if isinstance(fault, Delay):
            await asyncio.sleep(fault.seconds)
        elif isinstance(fault, Answer):
            writer.write(encode_answer(fault))
            await writer.drain()
            return True
        elif fault == Cut():
            reset(writer)
            return False
        elif fault == Hang():
            await reader.read()  # until the client has had enough
            return False
        return await self._pass_on(head, body, fault, reader, writer)

    async def _pass_on(
        self,
        head: Head,
        body: bytes,
        fault: Fault | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        try:
            upstream, to_upstream = await self._connect(head)
        except OSError as error:
            writer.write(encode_answer(Answer(502, f"no connection to the server: {error}")))
            return True
        self._writers.add(to_upstream)
        try:
            hop = [("connection", "upgrade" if head.is_upgrade else "close")]
            if body or head.get("content-length"):
                hop.append(("content-length", str(len(body))))
            to_upstream.write(head.encode(hop) + body)
            answer = await read_head(upstream)
            if answer is None:
                return False
            if isinstance(fault, Hang):
                await reader.read()
                return False
            if answer.status == 101:
                writer.write(answer.encode([("connection", "upgrade")]))
                await tunnel(reader, writer, upstream, to_upstream)
                return False
            return await relay(answer, head, fault, Streams(upstream, writer, reader))
        finally:
            self._end(to_upstream)

    def _end(self, writer: asyncio.StreamWriter) -> None:
        """Close a connection; those that have not said goodbye when the proxy ends are aborted then."""
        self._writers = {one for one in self._writers if not _is_gone(one)}
        writer.close()

    async def _connect(self, head: Head) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to the server; for a forward proxy, to the one that the request names."""
        method, target, version = head.start.split(" ", 2)
        named = urlsplit(target)
        server = named if named.scheme else self._upstream
        if named.scheme:
            path = named.path + (f"?{named.query}" if named.query else "")
            head.start = f"{method} {path or '/'} {version}"
        tls = self._upstream_tls if not named.scheme else None
        return await asyncio.open_connection(
            server.hostname, server.port or 80, ssl=tls, limit=_HEAD_LIMIT
        )

    def _fault_for(self, ask: Ask) -> Fault | None:
        with self._lock:
            return next((rule.fault for rule in self._rules if rule.strikes(ask)), None)


def _is_gone(writer: asyncio.StreamWriter) -> bool:
    """Tell whether the connection's socket is closed already."""
    try:
        plain = writer.get_extra_info("socket")
    except AttributeError:  # TLS whose connection is lost has let go of everything (Python 3.11)
        return True
    return plain is None or plain.fileno() == -1
