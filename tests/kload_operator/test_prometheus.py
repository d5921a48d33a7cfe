"""What Prometheus does not say for certain is not known; a real server answers here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from kload_operator.prometheus import Misconfigured, PrometheusClient, Unavailable
from kload_operator.settings import PrometheusSettings

Ask = dict[str, Any]


class Server:
    """Answers every query as it is told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer: web.Response | None = None
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self.url = ""

    async def query(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.asked.append((form, dict(request.headers)))
        assert self.answer is not None
        return web.Response(
            body=self.answer.body, status=self.answer.status, content_type=self.answer.content_type
        )


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_post("/prefix/api/v1/query", found.query)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    found.url = f"http://127.0.0.1:{port}/prefix"
    yield found
    await runner.cleanup()


def vector(*items: tuple[dict[str, str], str], **more: Any) -> web.Response:
    result = [{"metric": metric, "value": [1.5, value]} for metric, value in items]
    return web.json_response(
        {"status": "success", "data": {"resultType": "vector", "result": result}, **more}
    )


async def asked(server: Server, label: str = "", **settings: Any) -> Any:
    client = PrometheusClient(PrometheusSettings(url=server.url, **settings))
    try:
        return await client.vector("up", label)
    finally:
        await client.close()


async def test_values_come_by_label(server: Server) -> None:
    server.answer = vector(({"threshold": "a"}, "3"), ({"threshold": "b"}, "1e3"))
    assert await asked(server, "threshold") == {"a": 3, "b": 1000}
    assert server.asked[0][0]["query"] == "up"


async def test_no_series_is_nothing_and_not_zero(server: Server) -> None:
    server.answer = vector()
    assert await asked(server) == {}


async def test_an_answer_that_says_it_has_no_warnings_is_one(server: Server) -> None:
    server.answer = vector(({}, "2"), warnings=None, isPartial=False)
    assert await asked(server) == {"": 2}


async def test_headers_and_a_fresh_token_are_sent(server: Server, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    server.answer = vector()
    client = PrometheusClient(
        PrometheusSettings(url=server.url, headers={"X-Scope-OrgID": "t"}, token_file=token)
    )
    await client.vector("up")
    token.write_text("two\n")
    await client.vector("up")
    await client.close()
    sent = [headers for _, headers in server.asked]
    assert [headers["Authorization"] for headers in sent] == ["Bearer one", "Bearer two"]
    assert sent[0]["X-Scope-OrgID"] == "t"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        pytest.param(web.Response(text="busy", status=503), Unavailable, "503", id="replaying its WAL"),
        pytest.param(web.Response(text="slow", status=429), Unavailable, "429", id="too many"),
        pytest.param(vector(({}, "NaN")), Unavailable, "NaN", id="NaN"),
        pytest.param(vector(warnings=["store is down"]), Unavailable, "store is down", id="partial"),
        pytest.param(vector(isPartial=True), Unavailable, "in part", id="partial-VictoriaMetrics"),
        pytest.param(
            vector(({"pod": "a"}, "1"), ({"pod": "b"}, "2")), Misconfigured, "several", id="ambiguous"
        ),
        pytest.param(
            web.Response(text="<html>", content_type="text/html"), Misconfigured, "text/html", id="HTML"
        ),
        pytest.param(
            web.json_response({"status": "error", "error": "bad query"}, status=400),
            Misconfigured, "bad query", id="refused",
        ),
        pytest.param(
            web.json_response({"status": "success", "data": {"resultType": "matrix", "result": []}}),
            Misconfigured, "matrix", id="another kind",
        ),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_unknown(
    server: Server, answer: web.Response, error: type[Exception], said: str
) -> None:
    server.answer = answer
    with pytest.raises(error, match=said):
        await asked(server)


async def test_a_server_that_is_not_there_is_unavailable(server: Server) -> None:
    client = PrometheusClient(PrometheusSettings(url="http://127.0.0.1:9"))
    with pytest.raises(Unavailable, match="does not answer"):
        await client.vector("up")
    await client.close()


async def test_a_missing_token_is_a_fault_of_configuration(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="nowhere"):
        await asked(server, token_file=tmp_path / "nowhere")
