"""The chaos proxy passes everything on unchanged, counts it, and breaks exactly what its rules select."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest
import trustme
from chaos.faults import Answer, Cut, Delay, EndWatch, Hang, Rule, status_answer, watch_gone
from chaos.proxy import ChaosProxy
from chaos.requests import Ask, ask_of
from typing_extensions import override

EVENTS = [{"type": "ADDED", "object": {"n": number}} for number in range(5)]


class Handler(BaseHTTPRequestHandler):
    """A server that says what it was asked, streams a watch, and remembers who came."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if "watch=true" in self.path:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in EVENTS:
                line = json.dumps(event).encode() + b"\n"
                self.wfile.write(b"%x\r\n%b\r\n" % (len(line), line))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path == "/until-closed":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"until the end")
            self.close_connection = True
        else:
            self.answer({"path": self.path, "host": self.headers["Host"]})

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.seen.append(self.path)
        self.answer({"body": self.rfile.read(length).decode()})

    def answer(self, content: dict[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    @override
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        listening.daemon_threads = True
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: str) -> Iterator[ChaosProxy]:
    with ChaosProxy(server) as running:
        yield running


@pytest.fixture
def client(proxy: ChaosProxy) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=proxy.url, timeout=2, trust_env=False) as one:
        yield one


PODS = "/api/v1/namespaces/shop/pods"
WATCH = f"{PODS}?watch=true"


def lines(client: httpx.Client, url: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in client.get(url).text.splitlines()]


def test_without_rules_everything_passes_unchanged(client: httpx.Client) -> None:
    assert client.get("/a?b=c").json()["path"] == "/a?b=c"
    assert client.post("/p", content="hello").json() == {"body": "hello"}
    assert client.post("/p", content=iter([b"in ", b"pieces"])).json() == {"body": "in pieces"}
    assert lines(client, WATCH) == EVENTS
    assert client.get("/until-closed").text == "until the end"


def test_requests_are_counted_by_verb_and_resource(proxy: ChaosProxy, client: httpx.Client) -> None:
    client.get(PODS)
    client.get(f"{PODS}/a")
    client.get(WATCH)
    client.post("/apis/kload.dev/v1alpha1/namespaces/shop/loadtests", content="{}")
    assert proxy.counts() == {
        ("list", "pods"): 1,
        ("get", "pods"): 1,
        ("watch", "pods"): 1,
        ("create", "loadtests"): 1,
    }
    assert (proxy.count(), proxy.count(resource="pods"), proxy.count("watch")) == (4, 3, 1)


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        pytest.param("GET", "/api/v1/nodes", ("list", "nodes", "", ""), id="cluster-wide list"),
        pytest.param(
            "GET", "/api/v1/namespaces/a", ("get", "namespaces", "", "a"), id="a namespace itself"
        ),
        pytest.param(
            "PUT",
            "/api/v1/namespaces/a/finalize",
            ("update", "namespaces/finalize", "", "a"),
            id="its subresource",
        ),
        pytest.param(
            "PATCH",
            "/apis/kload.dev/v1alpha1/namespaces/a/loadtests/x/status?fieldManager=k",
            ("patch", "loadtests/status", "a", "x"),
            id="status",
        ),
        pytest.param(
            "DELETE",
            "/apis/batch/v1/namespaces/a/jobs",
            ("deletecollection", "jobs", "a", ""),
            id="a collection",
        ),
        pytest.param(
            "DELETE",
            "/apis/batch/v1/namespaces/a/jobs/j",
            ("delete", "jobs", "a", "j"),
            id="one object",
        ),
        pytest.param(
            "GET", "/apis/batch/v1/jobs?watch=1", ("watch", "jobs", "", ""), id="a watch over all"
        ),
        pytest.param("GET", "/apis", ("get", "/apis", "", ""), id="discovery"),
        pytest.param("POST", "/v1/start", ("post", "/v1/start", "", ""), id="not Kubernetes"),
        pytest.param(
            "GET",
            "http://127.0.0.9:9095/metrics",
            ("get", "/metrics", "", ""),
            id="a proxied scrape",
        ),
    ],
)
def test_a_request_is_named_as_audit_logs_name_it(
    method: str, target: str, expected: tuple[str, ...]
) -> None:
    ask = ask_of(method, target)
    assert (ask.verb, ask.resource, ask.namespace, ask.name) == expected


def test_an_answer_in_the_servers_place_never_reaches_it(
    proxy: ChaosProxy, client: httpx.Client
) -> None:
    busy = status_answer(429, "TooManyRequests", retry_after_s=7)
    with proxy.failing(Rule(busy, verb="list", resource="pods", times=2)) as rule:
        answers = [client.get(PODS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert answers[0].json()["reason"] == "TooManyRequests"
    assert (rule.hits, Handler.seen) == (2, [PODS])


def test_a_rule_can_let_requests_pass_first_and_choose_by_name(
    proxy: ChaosProxy, client: httpx.Client
) -> None:
    rule = Rule(Answer(503), where=lambda ask: ask.name == "b", after=1)
    with proxy.failing(rule):
        codes = [client.get(f"{PODS}/{name}").status_code for name in "abab"]
    assert codes == [200, 200, 200, 503]
    assert client.get(f"{PODS}/b").status_code == 200


def test_a_delayed_request_comes_late_and_whole(proxy: ChaosProxy, client: httpx.Client) -> None:
    began = time.monotonic()
    with proxy.failing(Rule(Delay(0.05))):
        assert client.get("/a").status_code == 200
    assert time.monotonic() - began >= 0.05


def test_a_cut_before_the_request_keeps_it_from_the_server(
    proxy: ChaosProxy, client: httpx.Client
) -> None:
    with proxy.failing(Rule(Cut())), pytest.raises(httpx.TransportError):
        client.post("/p", content="x")
    assert Handler.seen == []


def test_a_cut_within_the_answer_comes_after_the_deed(
    proxy: ChaosProxy, client: httpx.Client
) -> None:
    with proxy.failing(Rule(Cut(after_bytes=3))), pytest.raises(httpx.TransportError):
        client.post("/p", content="x")
    assert Handler.seen == ["/p"]


@pytest.mark.parametrize(
    ("passed_on", "seen"),
    [pytest.param(False, [], id="kept"), pytest.param(True, ["/a"], id="passed on")],
)
def test_a_hanging_request_is_never_answered(
    proxy: ChaosProxy, passed_on: bool, seen: list[str]
) -> None:
    with proxy.failing(Rule(Hang(passed_on))), pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{proxy.url}/a", timeout=0.1, trust_env=False)
    assert Handler.seen == seen


def test_a_watch_ends_after_its_first_events(proxy: ChaosProxy, client: httpx.Client) -> None:
    with proxy.failing(Rule(EndWatch(after_events=2), verb="watch")):
        assert lines(client, WATCH) == EVENTS[:2]
        assert client.get(PODS).status_code == 200


def test_a_watch_is_told_that_its_history_is_gone(proxy: ChaosProxy, client: httpx.Client) -> None:
    with proxy.failing(Rule(watch_gone(after_events=1))):
        first, last = lines(client, WATCH)
    assert first == EVENTS[0]
    assert (last["type"], last["object"]["code"], last["object"]["reason"]) == (
        "ERROR",
        410,
        "Expired",
    )


def test_a_watch_falls_silent_without_ending(proxy: ChaosProxy, client: httpx.Client) -> None:
    silence = Rule(EndWatch(after_events=1, silently=True))
    with proxy.failing(silence), client.stream("GET", WATCH, timeout=0.1) as stream:
        heard = stream.iter_lines()
        assert json.loads(next(heard)) == EVENTS[0]
        with pytest.raises(httpx.ReadTimeout):
            next(heard)


def test_all_connections_can_be_cut_at_once(proxy: ChaosProxy) -> None:
    with httpx.Client(base_url=proxy.url, timeout=2, trust_env=False) as one:
        hanging = threading.Timer(0.05, proxy.cut_all)
        hanging.start()
        with proxy.failing(Rule(Hang())), pytest.raises(httpx.TransportError):
            one.get("/a")
        hanging.join()


def test_a_server_that_is_away_is_a_502(server: str) -> None:
    with ChaosProxy("http://127.0.0.1:9") as nowhere:
        answer = httpx.get(nowhere.url, trust_env=False)
    assert answer.status_code == 502


def test_it_is_a_forward_proxy_too(server: str) -> None:
    with (
        ChaosProxy() as proxy,
        httpx.Client(proxy=proxy.url, trust_env=False) as one,
    ):
        assert one.get(f"{server}/metrics?x=1").json()["path"] == "/metrics?x=1"
        assert proxy.counts() == {("get", "/metrics"): 1}


def test_it_speaks_tls_to_clients(server: str, tmp_path: Any) -> None:
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    key, chain, ca = (str(tmp_path / name) for name in ("key", "chain", "ca"))
    issued.private_key_pem.write_to_path(key)
    issued.cert_chain_pems[0].write_to_path(chain)
    authority.cert_pem.write_to_path(ca)
    with ChaosProxy(server, certificate=(chain, key)) as front:
        assert front.url.startswith("https://")
        with ChaosProxy(front.url, authority=ca) as behind:
            assert httpx.get(f"{behind.url}/a", trust_env=False).json()["path"] == "/a"


def test_rules_see_the_whole_request(proxy: ChaosProxy, client: httpx.Client) -> None:
    caught: list[Ask] = []

    def remember(ask: Ask) -> bool:
        caught.append(ask)
        return True

    rule = Rule(Answer(500), where=remember)
    with proxy.failing(rule):
        client.get(f"{PODS}?limit=5")
    (ask,) = caught
    assert (ask.namespace, ask.query) == ("shop", {"limit": "5"})
