"""The operator as a process: told to end it is gone within five seconds, whatever the API server does."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

WITHIN_S = 5.0
_RESOURCES = {
    "/api/v1": [("pods", "Pod"), ("namespaces", "Namespace"), ("events", "Event")],
    "/apis/batch/v1": [("jobs", "Job")],
    "/apis/kload.dev/v1alpha1": [("loadtests", "LoadTest")],
    "/apis/apiextensions.k8s.io/v1": [("customresourcedefinitions", "CustomResourceDefinition")],
}


class ApiServer(ThreadingHTTPServer):
    """As much of an API server as an idle operator asks for.

    Attributes:
        silent: does not answer this request: it takes it and says nothing.
        asked: paths, in order.
        ending: set when the server is to end.
    """

    daemon_threads = True

    def __init__(self, silent: Callable[[str], bool]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.silent = silent
        self.asked: list[str] = []
        self.ending = threading.Event()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.silent(self.path):
            self.server.ending.wait()
            return
        if "watch=true" in self.path:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            self.server.ending.wait()
            self.close_connection = True
            return
        body = json.dumps(_answer(self.path.partition("?")[0])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


def _answer(path: str) -> dict[str, Any]:
    if path.endswith("/secrets/kload-operator-key"):
        return {"data": {"key": base64.b64encode(b"k" * 32).decode()}}
    if path == "/api":
        return {"versions": ["v1"]}
    if path == "/apis":
        groups = {"batch": "v1", "kload.dev": "v1alpha1", "apiextensions.k8s.io": "v1"}
        return {
            "groups": [
                {
                    "name": name,
                    "versions": [{"version": version, "groupVersion": f"{name}/{version}"}],
                    "preferredVersion": {"version": version, "groupVersion": f"{name}/{version}"},
                }
                for name, version in groups.items()
            ]
        }
    if path in _RESOURCES:
        resources = [
            {
                "name": plural,
                "singularName": "",
                "kind": kind,
                "namespaced": True,
                "verbs": ["get", "list", "watch", "patch"],
            }
            for plural, kind in _RESOURCES[path]
        ]
        return {"resources": resources}
    return {"metadata": {"resourceVersion": "1"}, "items": []}


@contextmanager
def served(silent: Callable[[str], bool]) -> Iterator[ApiServer]:
    with ApiServer(silent) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.ending.set()
            server.shutdown()
            thread.join()


def kubeconfig(url: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": url}}],
            "users": [{"name": "me", "user": {"token": "t"}}],
        }
    )


def asked_for(server: ApiServer, part: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the server was asked for something."""
    deadline = time.monotonic() + 20
    while not any(part in path for path in list(server.asked)):
        assert process.poll() is None, "it has ended"
        assert time.monotonic() < deadline, server.asked
        server.ending.wait(0.02)


@pytest.mark.parametrize(
    ("silent", "once_asked"),
    [
        pytest.param(lambda path: False, "/pods?", id="all is well"),
        pytest.param(lambda path: True, "kload-operator-key", id="no answers at all"),
        pytest.param(lambda path: path.startswith("/apis"), "/apis", id="none for the watches"),
    ],
)
def test_a_signal_ends_it_within_seconds(
    silent: Callable[[str], bool], once_asked: str, tmp_path: Path
) -> None:
    config = tmp_path / "operator.yaml"
    config.write_text(json.dumps({"port": 0}))
    with served(silent) as server:
        (tmp_path / "kubeconfig").write_text(kubeconfig(server.url))
        environ = {
            "PATH": os.environ["PATH"],
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "KLOAD_CONFIG": str(config),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "kload_operator"],
            env=environ,
            cwd=tmp_path,
            stdout=subprocess.DEVNULL,
        )
        try:
            asked_for(server, once_asked, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
        finally:
            process.kill()
            process.wait()
