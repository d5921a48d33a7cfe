"""The HTTP side the servers share: routes, bodies, refusals, the control endpoint."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pydantic
import pytest

from examples.targets.blueprint import Blueprint, Parts
from examples.targets.faults import Fault, Faults
from examples.targets.serving import Options, RunningTarget, running_in_thread
from examples.targets.web import Refusal, Request, Response, Route, json_response


class Greeting(pydantic.BaseModel):
    name: str


async def echo(request: Request) -> Response:
    return json_response(
        {
            "path": request.path,
            "params": dict(request.params),
            "query": dict(request.query),
            "cookie": request.cookie("sid"),
            "bearer": request.bearer,
            "body": request.body.decode(),
        }
    )


async def greet(request: Request) -> Response:
    return json_response({"hello": request.read(Greeting).name}, status=201)


async def refuse(_: Request) -> Response:
    raise Refusal(418, "teapot", "I am one")


async def crash(_: Request) -> Response:
    raise ZeroDivisionError


async def no_seed(*_: object) -> list[str]:
    return []


BLUEPRINT = Blueprint(
    name="echo",
    summary="for tests",
    port=0,
    schema="",
    environment={},
    build=lambda database, faults, environment: Parts(
        (
            Route("GET", "/echo", echo),
            Route("POST", "/echo", echo),
            Route("GET", "/things/{id}/parts/{part}", echo),
            Route("POST", "/greet", greet),
            Route("GET", "/refuse", refuse),
            Route("GET", "/crash", crash),
        )
    ),
    seed=no_seed,
    faults=frozenset({Fault.SLOW_ANSWERS, Fault.SERVER_ERRORS}),
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningTarget]:
    with running_in_thread(BLUEPRINT) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningTarget) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, verify=False) as connected:
        yield connected


@pytest.fixture(autouse=True)
def no_faults(server: RunningTarget) -> Iterator[None]:
    yield
    server.faults.clear()


def test_a_request_arrives_whole(client: httpx.Client) -> None:
    answer = client.post(
        "/echo?a=1&b=&a=2",
        content="häl".encode(),
        headers={"Cookie": "x=1; sid=s", "Authorization": "bearer  t"},
    )
    assert answer.json() == {
        "path": "/echo",
        "params": {},
        "query": {"a": "2", "b": ""},
        "cookie": "s",
        "bearer": "t",
        "body": "häl",
    }


def test_placeholders_match_one_segment_decoded(client: httpx.Client) -> None:
    assert client.get("/things/a%20b/parts/2").json()["params"] == {"id": "a b", "part": "2"}
    assert client.get("/things/a/b/parts/2").status_code == 404


def test_an_unknown_path_and_a_wrong_method_are_told_apart(client: httpx.Client) -> None:
    assert client.get("/nowhere").status_code == 404
    answer = client.delete("/echo")
    assert answer.status_code == 405
    assert "GET, POST" in answer.json()["error"]["message"]


def test_head_is_get_without_the_body(client: httpx.Client) -> None:
    answer = client.head("/echo")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_body_that_is_not_what_it_should_be_names_the_field(client: httpx.Client) -> None:
    assert client.post("/greet", json={"name": "Ada"}).json() == {"hello": "Ada"}
    answer = client.post("/greet", json={"name": 1})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("name: ")
    assert client.post("/greet", content=b"{").status_code == 400


def test_a_huge_body_is_refused(client: httpx.Client) -> None:
    assert client.post("/echo", content=b"x" * 1_100_000).status_code == 413


def test_a_refusal_is_json_with_code_and_message(client: httpx.Client) -> None:
    answer = client.get("/refuse")
    assert answer.status_code == 418
    assert answer.json() == {"error": {"code": "teapot", "message": "I am one"}}


def test_a_crash_is_answered_with_500_and_without_details(client: httpx.Client) -> None:
    answer = client.get("/crash")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")


def test_errors_are_answered_at_the_rate_that_was_set(client: httpx.Client) -> None:
    switched = client.post("/_faults", json={"server-errors": 0.5})
    assert switched.json()["server-errors"]["rate"] == 0.5
    statuses = [client.get("/echo").status_code for _ in range(6)]
    assert sorted(statuses) == [200, 200, 200, 503, 503, 503]
    assert client.get("/_faults").json()["server-errors"]["acted"] == 3
    assert client.delete("/_faults").json()["server-errors"] is None
    assert client.get("/echo").status_code == 200


def test_one_path_is_slowed_down(client: httpx.Client) -> None:
    client.post("/_faults", json={"slow-answers": {"delay_s": 0.1, "path": "/echo"}})
    assert client.get("/echo").elapsed.total_seconds() >= 0.1
    assert client.get("/refuse").elapsed.total_seconds() < 0.1


@pytest.mark.parametrize(
    "body", [{"rows-skipped": 1}, {"server-errors": 7}, [], {"server-errors": "x"}]
)
def test_a_switch_that_is_not_there_is_refused(client: httpx.Client, body: object) -> None:
    assert client.post("/_faults", json=body).status_code == 400


async def test_the_control_endpoint_answers_loopback_only() -> None:
    from examples.targets.web import Application

    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/_faults",
        "query_string": b"",
        "headers": [],
        "client": ("10.0.0.7", 1234),
    }
    await Application((), Faults([]))(scope, receive, send)
    assert sent[0]["status"] == 403


def test_a_body_cut_short_is_no_crash(server: RunningTarget) -> None:
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    with httpx.Client(base_url=server.url, verify=False) as client:
        assert client.get("/echo").status_code == 200


def test_requests_under_way_are_finished_when_the_server_stops() -> None:
    with running_in_thread(BLUEPRINT, Options(switches=("slow-answers=1,delay_s=0.1",))) as running:
        host, port = running.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n")
        while not running.faults.describe()["slow-answers"]["acted"]:  # type: ignore[index]  # it is on
            pass
    with connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
