"""Against real servers, and in agreement with httpx and curl on the same requests."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
import pytest_asyncio
from asgi_servers import run_granian, run_hypercorn, run_uvicorn
from httpbin_app import app

from kload_runner.wire import Client, build_request

CURL = shutil.which("curl")
ACCEPT = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture(scope="module", params=["uvicorn", "hypercorn", "granian"])
def origin(request: pytest.FixtureRequest) -> Iterator[str]:
    runners: dict[str, Callable[..., Any]] = {
        "uvicorn": run_uvicorn,
        "hypercorn": run_hypercorn,
        "granian": run_granian,
    }
    with runners[request.param](app) as url:
        yield url


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        follow_redirects=True, trust_env=False, headers={"Accept-Encoding": ""}, verify=False
    ) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """One request, the same for all three clients."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True)
class Outcome:
    """What must agree."""

    status: int
    url: str
    hops: int
    content: Any


CASES = [
    pytest.param(Case("GET", "/anything?a=1&b=%C3%A4%20x"), id="get"),
    pytest.param(Case("GET", "/anything", {"X-One": "1", "x-two": "a, b"}), id="headers"),
    pytest.param(
        Case("POST", "/anything", {"Content-Type": "application/json"}, b'{"a": 1}'), id="post"
    ),
    pytest.param(
        Case("POST", "/anything", {"Content-Type": "text/plain"}, b"x" * 200_000), id="large post"
    ),
    pytest.param(Case("PUT", "/anything", {"Content-Type": "text/plain"}, b"x"), id="put"),
    pytest.param(Case("PATCH", "/anything", {"Content-Type": "text/plain"}, b"x"), id="patch"),
    pytest.param(Case("DELETE", "/anything"), id="delete"),
    pytest.param(Case("OPTIONS", "/anything"), id="options"),
    pytest.param(Case("HEAD", "/anything"), id="head"),
    pytest.param(Case("GET", "/status/204"), id="204"),
    pytest.param(Case("GET", "/status/304"), id="304"),
    pytest.param(Case("GET", "/status/404"), id="404"),
    pytest.param(Case("GET", "/status/503"), id="503"),
    pytest.param(Case("GET", "/redirect/3"), id="three redirects"),
    pytest.param(Case("GET", "/set-cookies?a=1&b=2"), id="cookies on a redirect"),
    *[
        pytest.param(
            Case(
                "POST",
                f"/redirect-to?status={status}&url=%2Fanything%3Fq",
                {"Content-Type": "text/plain"},
                b"body",
            ),
            id=f"post {status}",
        )
        for status in (301, 302, 303, 307, 308)
    ],
    *[
        pytest.param(Case("GET", f"/encoded/{name}", ACCEPT), id=name)
        for name in ("gzip", "deflate", "br", "zstd")
    ],
    pytest.param(Case("GET", "/stream/20"), id="chunked"),
    pytest.param(Case("GET", "/bytes/262144"), id="256 KiB"),
    pytest.param(Case("GET", "/repeated"), id="repeated headers"),
]


@pytest.mark.asyncio(loop_factories=["uvloop"])
@pytest.mark.parametrize("case", CASES)
async def test_the_outcome_agrees_with_httpx_and_curl(
    client: Client, browser: httpx.AsyncClient, origin: str, case: Case
) -> None:
    ours, theirs, curls = await asyncio.gather(
        with_kload(client, origin, case), with_httpx(browser, origin, case), with_curl(origin, case)
    )
    assert ours == theirs
    assert curls is None or ours == curls


async def with_kload(client: Client, origin: str, case: Case) -> Outcome:
    outcomes = []
    for _ in range(2):  # the second time on a kept-alive connection
        response = await client.exchange(
            build_request(case.method, origin + case.path, case.headers, case.body)
        )
        assert response.error_detail == ""
        outcomes.append(
            Outcome(response.status, response.url, len(response.redirects), shape(response.content))
        )
        client.jar.clear()
    assert outcomes[0] == outcomes[1]
    assert response.connection_reused
    return outcomes[1]


async def with_httpx(browser: httpx.AsyncClient, origin: str, case: Case) -> Outcome:
    response = await browser.request(
        case.method, origin + case.path, headers=case.headers, content=case.body
    )
    return Outcome(
        response.status_code, str(response.url), len(response.history), shape(response.content)
    )


async def with_curl(origin: str, case: Case) -> Outcome | None:
    if CURL is None:
        return None
    arguments = [
        "-sS",
        "-L",
        "--noproxy",
        "*",
        "-b",
        "",
        "-w",
        "%{stderr}%{http_code} %{num_redirects} %{url_effective}",
    ]
    if case.method == "HEAD":
        arguments += ["-I", "-o", "/dev/null"]
    elif case.method not in ("GET", "POST"):
        arguments += ["-X", case.method]
    for name, value in {**case.headers, "Expect": ""}.items():
        arguments += ["-H", f"{name}: {value}"]
    if "Accept-Encoding" in case.headers:
        arguments.append("--compressed")
    if case.body is not None:
        arguments += ["--data-binary", "@-"]
    process = await asyncio.create_subprocess_exec(
        CURL, *arguments, origin + case.path, stdin=-1, stdout=-1, stderr=-1
    )
    out, err = await process.communicate(case.body)
    status, hops, url = err.decode().split(" ")
    return Outcome(int(status), url, int(hops), shape(out))


def shape(content: bytes) -> Any:
    """Return JSON as data, without the type of a body that a redirect has dropped.

    Fetch, Go and kload drop the field with the body, httpx and curl keep it.
    """
    try:
        data = json.loads(content)
    except ValueError:
        return content
    if isinstance(data, dict) and data.get("method") == "GET":
        data["headers"].pop("content-type", None)
        cookies = data["headers"].get("cookie", "")
        data["headers"]["cookie"] = sorted(cookies.split("; "))  # curl sends the youngest first
    return data


async def test_headers_and_text_agree_with_httpx(
    client: Client, browser: httpx.AsyncClient, origin: str
) -> None:
    for path in ("/repeated", "/latin-1", "/encoded/br", "/stream/3"):
        ours = await client.exchange(build_request("GET", origin + path))
        theirs = await browser.get(origin + path)
        assert ours.body == theirs.text
        names = {name.lower() for name in theirs.headers} - {"date"}
        assert {name.lower() for name in ours.headers} - {"date"} == names
        for name in names:
            assert ours.headers[name] == theirs.headers[name]


async def test_basic_authorization_of_the_url_agrees_with_httpx(
    client: Client, browser: httpx.AsyncClient, origin: str
) -> None:
    url = origin.replace("//", "//us%40er:pa%3Ass@") + "/anything"
    ours = await client.exchange(build_request("GET", url))
    theirs = await browser.get(url)
    assert ours.json == theirs.json()
    assert ours.json["headers"]["authorization"] == "Basic dXNAZXI6cGE6c3M="


async def test_expect_continue_is_answered(client: Client, origin: str) -> None:
    request = build_request("PUT", f"{origin}/anything", {"Expect": "100-continue"})
    response = await client.exchange(request, b"x" * 100_000)
    assert len(response.json["body"]) == 100_000


async def test_many_users_share_a_server(new_client: Callable[..., Client], origin: str) -> None:
    clients = [new_client() for _ in range(20)]
    request = build_request("POST", f"{origin}/anything", {"Content-Type": "text/plain"})

    async def user(number: int) -> None:
        for turn in range(5):
            body = f"{number}/{turn}"
            response = await clients[number].exchange(request, body.encode())
            assert response.json["body"] == body, "answers go to those who asked"
            assert response.connection_reused is (turn > 0)

    await asyncio.gather(*(user(number) for number in range(20)))
