"""From a name to a connection: order of addresses, fallbacks, time limits, policy, our own exhaustion."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest
from hostile_server import Visitor, always, plain, serve

from kload_runner.wire import (
    Client,
    ErrorClass,
    Policy,
    Resolver,
    Wire,
    WireSettings,
    build_request,
    parse_rules,
)
from kload_runner.wire.errors import WireFault, local_fault
from kload_runner.wire.resolver import Address

MakeClient = Callable[..., Client]


class NameServer(Resolver):
    """Answers from a table, like a resolver whose cache is warm."""

    def __init__(self, *ips: str, delay_s: float = 0.0) -> None:
        super().__init__(asyncio.get_running_loop(), time.monotonic)
        self.ips = ips
        self.delay_s = delay_s

    async def resolve(self, host: str, port: int) -> tuple[Address, ...]:
        await asyncio.sleep(self.delay_s)
        return tuple(
            Address(
                socket.AF_INET6 if ":" in ip else socket.AF_INET,
                ip,
                (ip, port, 0, 0) if ":" in ip else (ip, port),
            )
            for ip in self.ips
        )


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    assert isinstance(port, int)
    return port


async def test_a_refused_connection_has_no_duration(client: Client) -> None:
    port = free_port()
    response = await client.exchange(build_request("GET", f"http://127.0.0.1:{port}/"))
    assert response.error is ErrorClass.CONNECT
    assert response.error_detail == f"127.0.0.1:{port} refused the connection"
    assert (response.written, response.duration, response.status) == (False, 0.0, 0)
    assert response.connecting > 0
    assert response.total == pytest.approx(response.blocked + response.connecting)


async def test_a_name_without_address_is_a_dns_fault(client: Client) -> None:
    response = await client.exchange(build_request("GET", "http://nothing.invalid/"))
    assert response.error is ErrorClass.DNS
    assert "host nothing.invalid has no address" in response.error_detail
    assert not response.written


async def test_the_next_address_is_tried_when_one_refuses() -> None:
    async with serve(always(plain(b"four"))) as server:
        wire = Wire(WireSettings(), NameServer("::1", "127.0.0.9", "127.0.0.1"))
        client = wire.client()
        for _ in range(3):
            response = await client.exchange(build_request("GET", f"http://a.test:{server.port}/"))
            assert (response.raw, response.remote_address) == (b"four", "127.0.0.1")
        client.close()
        await wire.close()
        await asyncio.sleep(0.001)


async def test_users_spread_over_the_addresses_of_a_name() -> None:
    async with serve(always(plain()), host="0.0.0.0") as server:
        wire = Wire(WireSettings(), NameServer("127.0.0.1", "127.0.0.2", "127.0.0.3"))
        clients = [wire.client() for _ in range(6)]
        request = build_request("GET", f"http://a.test:{server.port}/")
        seen = [(await client.exchange(request)).remote_address for client in clients]
        assert sorted(seen) == sorted(["127.0.0.1", "127.0.0.2", "127.0.0.3"] * 2)
        for client in clients:
            client.close()
        await wire.close()
        await asyncio.sleep(0.001)


async def test_requests_leave_from_the_local_addresses_in_turn(new_client: MakeClient) -> None:
    seen: list[str] = []

    async def conversation(visitor: Visitor) -> None:
        seen.append(visitor.writer.get_extra_info("peername")[0])
        await visitor.request()
        await visitor.send(plain(b"", b"Connection: close"))

    async with serve(conversation) as server:
        client = new_client(local_addresses=("127.0.0.7", "127.0.0.8"))
        for _ in range(4):
            assert (await client.exchange(build_request("GET", server.url))).ok
        assert sorted(seen) == ["127.0.0.7", "127.0.0.7", "127.0.0.8", "127.0.0.8"]


@pytest.mark.parametrize(
    ("rules", "url"),
    [
        pytest.param({"deny": ("localhost",)}, "http://localhost:1/", id="host"),
        pytest.param({"deny": ("127.0.0.0/8", "::1")}, "http://localhost:1/", id="after DNS"),
        pytest.param({"deny": ("127.0.0.0/8",)}, "http://[::ffff:127.0.0.1]:1/", id="mapped"),
        pytest.param({"allow": ("10.0.0.0/8",)}, "http://127.0.0.1:1/", id="not allowed"),
        pytest.param({}, "http://169.254.169.254/", id="metadata"),
    ],
)
async def test_what_is_denied_is_never_connected_to(
    new_client: MakeClient,
    monkeypatch: pytest.MonkeyPatch,
    rules: dict[str, tuple[str, ...]],
    url: str,
) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    client = new_client(
        policy=Policy(**{name: parse_rules(entries) for name, entries in rules.items()})
    )
    monkeypatch.setattr(socket.socket, "connect", never)
    response = await client.exchange(build_request("GET", url))
    assert response.error is ErrorClass.POLICY
    assert response.error_detail.endswith("; nothing was sent")
    assert not response.written


async def test_permitted_addresses_of_a_name_are_used_when_others_are_denied() -> None:
    async with serve(always(plain())) as server:
        policy = Policy(deny=parse_rules(["127.0.0.2"]))
        wire = Wire(WireSettings(policy=policy), NameServer("127.0.0.2", "127.0.0.1"))
        client = wire.client()
        response = await client.exchange(build_request("GET", f"http://a.test:{server.port}/"))
        assert response.remote_address == "127.0.0.1"
        client.close()
        await wire.close()
        await asyncio.sleep(0.001)


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """Return a listener whose queue is full: further SYNs are dropped, as by a filtering firewall."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    return listener, waiting


@pytest.mark.parametrize(
    ("connect_s", "timeout_s", "error", "detail"),
    [
        pytest.param(0.05, 5.0, ErrorClass.CONNECT, "within 0.05 s", id="connect timeout"),
        pytest.param(
            5.0,
            0.05,
            ErrorClass.TIMEOUT,
            "time was over before it was connected",
            id="request timeout",
        ),
    ],
)
async def test_a_target_that_accepts_nobody_costs_the_shorter_limit(
    new_client: MakeClient, connect_s: float, timeout_s: float, error: ErrorClass, detail: str
) -> None:
    listener, waiting = full_listener()
    try:
        client = new_client(connect_timeout_s=connect_s)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        response = await client.exchange(build_request("GET", url, timeout_s=timeout_s))
        assert response.error is error
        assert detail in response.error_detail
        assert 0.05 <= response.total < 2.0
        assert not response.written
    finally:
        for sock in (listener, *waiting):
            sock.close()


async def test_a_slow_name_server_is_a_dns_fault_and_blocked_time() -> None:
    wire = Wire(WireSettings(connect_timeout_s=0.05), NameServer("127.0.0.1", delay_s=1.0))
    client = wire.client()
    response = await client.exchange(build_request("GET", "http://a.test:1/"))
    assert response.error is ErrorClass.DNS
    assert response.blocked >= 0.05
    assert response.connecting == 0
    client.close()
    await wire.close()


async def test_interrupting_a_user_while_it_connects_leaves_nothing(client: Client) -> None:
    listener, waiting = full_listener()
    try:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        task = asyncio.create_task(client.exchange(build_request("GET", url)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client._connections
    finally:
        for sock in (listener, *waiting):
            sock.close()


async def test_running_out_of_files_is_our_own_fault(client: Client) -> None:
    async with serve(always(plain())) as server:
        request = build_request("GET", server.url)
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as probe:
            lowest_free = probe.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
        try:
            response = await client.exchange(request)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert response.error is ErrorClass.LOCAL
        assert "ulimit -n" in response.error_detail
        assert not response.written
        assert (await client.exchange(request)).ok


@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EMFILE, errno.ENFILE, errno.ENOBUFS])
async def test_exhaustion_while_connecting_is_local(
    client: Client, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def exhausted(*_: Any) -> None:
        raise OSError(number, "exhausted")

    monkeypatch.setattr(socket.socket, "connect", exhausted)
    response = await client.exchange(build_request("GET", "http://127.0.0.1:1/"))
    assert response.error is ErrorClass.LOCAL
    assert len(response.error_detail) > 20


async def test_an_unreachable_network_is_a_connect_fault(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: Any) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", unreachable)
    response = await client.exchange(build_request("GET", "http://127.0.0.1:1/"))
    assert response.error is ErrorClass.CONNECT
    assert response.error_detail == "no connection to 127.0.0.1:1: Network is unreachable"


def test_refusals_are_not_local() -> None:
    assert local_fault(ConnectionRefusedError(errno.ECONNREFUSED, "refused")) is None
    assert local_fault(OSError("no number")) is None


class Counting:
    """getaddrinfo, counted, with an answer to choose."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.questions: list[str] = []

    async def __call__(self, host: str, port: int, **_: Any) -> Any:
        self.questions.append(host)
        await asyncio.sleep(0.001)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeLoop:
    """Only what the resolver asks of a loop."""

    def __init__(self, getaddrinfo: Counting) -> None:
        self.getaddrinfo = getaddrinfo
        self.create_task = asyncio.get_running_loop().create_task


def found(*ips: str) -> list[Any]:
    return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ips]


def resolver(clock: Callable[[], float], *answers: Any) -> tuple[Resolver, Counting]:
    ask = Counting(*answers)
    return Resolver(FakeLoop(ask), clock, ttl_s=30.0), ask  # type: ignore[arg-type]  # a fake loop


async def test_many_users_ask_once_and_again_when_the_answer_is_old() -> None:
    now = 0.0
    names, ask = resolver(lambda: now, found("10.0.0.1", "10.0.0.2", "10.0.0.1"), found("10.0.0.3"))
    answers = await asyncio.gather(*(names.resolve("a.test", 80) for _ in range(5)))
    assert {tuple(address.ip for address in answer) for answer in answers} == {
        ("10.0.0.1", "10.0.0.2")
    }
    now = 29.9
    await names.resolve("a.test", 80)
    assert len(ask.questions) == 1
    now = 30.1
    assert [address.ip for address in await names.resolve("a.test", 80)] == ["10.0.0.3"]


async def test_a_failure_is_shared_for_a_second_only() -> None:
    now = 0.0
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    names, ask = resolver(lambda: now, unknown, found("10.0.0.1"))
    for _ in range(2):
        with pytest.raises(
            WireFault, match=r"host a\.test has no address: Name or service not known"
        ):
            await names.resolve("a.test", 80)
    assert len(ask.questions) == 1
    now = 1.5
    assert len(await names.resolve("a.test", 80)) == 1


@pytest.mark.parametrize(
    "refusal",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.EBUSY, "Device or resource busy"),
        socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"),
    ],
    ids=["python", "glibc", "memory"],
)
async def test_no_free_file_for_dns_is_local(refusal: OSError) -> None:
    names, _ = resolver(lambda: 0.0, refusal)
    with pytest.raises(WireFault) as caught:
        await names.resolve("a.test", 80)
    assert caught.value.fault.error is ErrorClass.LOCAL


async def test_an_interrupted_user_does_not_take_the_answer_from_others() -> None:
    names, _ = resolver(lambda: 0.0, found("10.0.0.1"))
    first = asyncio.create_task(names.resolve("a.test", 80))
    second = asyncio.create_task(names.resolve("a.test", 80))
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 1
    await names.close()
