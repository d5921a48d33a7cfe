"""Requests of steps as a real server sees them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plays import perform, planned
from scripted_target import Asked, Reply, serving

Spec = dict[str, Any]


async def asked_for(step: Spec, *, env: dict[str, str] | None = None, **spec: Any) -> Asked:
    """Return the request that a step sends."""
    declared = [{"name": name, "value": value} for name, value in (env or {}).items()]
    async with serving() as target:
        test = planned(target.url, step, env=declared, **spec)
        play = await perform(test, env=env)
    assert not play.failures, play.failures
    return target.asked[0]


@pytest.mark.parametrize(
    ("step", "body", "content_type"),
    [
        pytest.param(
            {"post": "/x", "json": {"n": 3, "text": "u$(vu)-$(iter)", "vu": "$(vu)"}},
            b'{"n":3,"text":"u1-0","vu":1}',
            "application/json",
            id="json-keeps-types",
        ),
        pytest.param(
            {"post": "/x", "form": {"a": "1 2&3", "b": ["x", "y"]}},
            b"a=1+2%263&b=x&b=y",
            "application/x-www-form-urlencoded",
            id="form-repeats-lists",
        ),
        pytest.param(
            {"post": "/x", "body": "zähl $(1 + 1)"},
            "zähl 2".encode(),
            "text/plain; charset=utf-8",
            id="text-is-utf-8",
        ),
        pytest.param(
            {"post": "/x", "body": "<a/>", "headers": {"content-type": "application/xml"}},
            b"<a/>",
            "application/xml",
            id="a-header-wins-over-the-body's-type",
        ),
    ],
)
async def test_a_body_is_rendered(step: Spec, body: bytes, content_type: str) -> None:
    asked = await asked_for(step)
    assert (asked.body, asked.headers["content-type"]) == (body, content_type)


@pytest.mark.parametrize(
    ("url", "query", "expected"),
    [
        pytest.param("/a/b?c=1", None, "/a/b?c=1", id="plain"),
        pytest.param("/a", {"n": "$(vu)", "q": "x y"}, "/a?n=1&q=x+y", id="query-map"),
        pytest.param("/a?z=1", {"q": "$(iter)"}, "/a?z=1&q=0", id="query-after-query"),
        pytest.param("/orders/$(vu)/ü", None, "/orders/1/%C3%BC", id="varying-and-encoded"),
        pytest.param("/$(env.PART)", None, "/secret", id="from-the-environment"),
    ],
)
async def test_a_url_is_rendered(url: str, query: Spec | None, expected: str) -> None:
    step: Spec = {"get": url} | ({"query": query} if query else {})
    asked = await asked_for(step, env={"PART": "secret"})
    assert asked.target == expected


async def test_a_path_follows_the_path_of_the_base() -> None:
    async with serving() as target:
        await perform(planned(f"{target.url}/api/v1/", {"get": "/orders/$(vu)"}))
    assert target.targets() == ["/api/v1/orders/1"]


async def test_an_absolute_url_leaves_the_base() -> None:
    async with serving() as base, serving() as other:
        await perform(planned(base.url, {"get": f"{other.url}/$(iter)"}), iterations=2)
    assert (base.targets(), other.targets()) == ([], ["/0", "/1"])


async def test_a_header_can_sign_the_body_that_is_sent() -> None:
    step = {
        "post": "/hook",
        "json": {"id": "evt_$(vu)_$(iter)"},
        "headers": {"Stripe-Signature": "v1=$(hmacSha256(env.KEY, 't.' + req.body))"},
    }
    asked = await asked_for(step, env={"KEY": "whsec"})
    import hashlib
    import hmac

    signed = hmac.new(b"whsec", b"t." + asked.body, hashlib.sha256).hexdigest()
    assert asked.headers["stripe-signature"] == f"v1={signed}"


async def test_one_request_reads_the_clock_once() -> None:
    step = {
        "post": "/x",
        "json": [f"$(nowMs() + {n} - {n})" for n in range(40)],
        "headers": {"T": "$(nowMs())"},
    }
    asked = await asked_for(step)
    assert len({*map(str, asked.json), asked.headers["t"]}) == 1  # type: ignore[call-overload]


async def test_headers_of_the_target_give_way_to_those_of_the_step() -> None:
    asked = await asked_for(
        {"get": "/", "headers": {"x-a": "own$(iter)", "x-gone": ""}},
        target={"headers": {"X-A": "shared", "X-B": "vu$(vu)", "X-Gone": "1"}},
    )
    assert (asked.headers["x-a"], asked.headers["x-b"]) == ("own0", "vu1")
    assert "x-gone" not in asked.headers


@pytest.mark.parametrize(
    "source", [pytest.param("env.H", id="fixed"), pytest.param("row.h", id="varying")]
)
async def test_a_whole_map_of_headers_goes_over_the_others(source: str) -> None:
    headers = '{"Stripe-Signature": "t=1", "content-type": "application/json; v=2"}'
    asked = await asked_for(
        {"post": "/", "json": {}, "headers": f"$(jsonDecode({source}))"},
        env={"H": headers},
        target={"headers": {"X-B": "b"}},
        scenario={"data": "rows"},
        data={"rows": {"rows": [{"h": headers}]}},
    )
    assert asked.headers["stripe-signature"] == "t=1"
    assert asked.headers["content-type"] == "application/json; v=2"
    assert asked.headers["x-b"] == "b"


async def test_a_line_break_in_a_header_fails_the_iteration_and_sends_nothing() -> None:
    async with serving() as target:
        step = {"get": "/", "headers": {"X": "$(vars.v)"}}
        play = await perform(planned(target.url, {"set": {"v": "a\nb"}}, step))
    assert not target.asked
    assert "holds a line break" in play.failures[0]


async def test_a_varying_host_takes_the_place_of_the_wires_own() -> None:
    asked = await asked_for({"get": "/", "headers": {"Host": "shop-$(vu).test"}})
    assert asked.headers["host"] == "shop-1.test"


async def test_files_are_sent_as_multipart(tmp_path: Path) -> None:
    (tmp_path / "pic.bin").write_bytes(b"\x00\xff")
    step = {"post": "/", "multipart": {"fields": {"who": "vu $(vu)"}, "files": {"pic": "pic.bin"}}}
    async with serving() as target:
        await perform(planned(target.url, step), base_dir=tmp_path)
    body = target.asked[0].body
    assert b'name="who"\r\n\r\nvu 1\r\n' in body
    assert b'name="pic"; filename="pic.bin"' in body
    assert b"\r\n\r\n\x00\xff\r\n--" in body


async def test_cookies_stay_with_the_vu_over_its_iterations() -> None:
    def script(asked: Asked) -> Reply:
        return Reply(headers={"Set-Cookie": "sid=7"}) if "cookie" not in asked.headers else Reply()

    async with serving(script) as target:
        await perform(planned(target.url, {"get": "/"}), iterations=2)
    assert [asked.headers.get("cookie") for asked in target.asked] == [None, "sid=7"]
