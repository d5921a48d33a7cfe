"""What the clients load: nginx for throughput, a server of known latencies for accuracy. Loopback only.

Each is a context manager that ends what it started.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx

HERE = Path(__file__).parent

NGINX_CONF = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; multi_accept on; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location = /orders {{ default_type application/json; return 201 '{{"id":"order-1","status":"created"}}'; }}
    location = /stub_status {{ stub_status; }}
  }}
}}
"""


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def nginx(folder: Path, cores: frozenset[int]) -> Iterator[str]:
    """Run nginx on `cores`; yield its base URL."""
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONF.format(folder=folder, port=port))
    with _server(
        ["nginx", "-p", str(folder), "-c", str(config)], cores, f"http://127.0.0.1:{port}"
    ) as url:
        yield url


@contextlib.contextmanager
def known_latencies(cores: frozenset[int], *, stall: bool = False) -> Iterator[str]:
    """Run the server that keeps the truth about its own latencies; yield its base URL."""
    port = free_port()
    command = [
        sys.executable,
        str(HERE / "latency_server.py"),
        str(port),
        *(["--stall"] if stall else []),
    ]
    with _server(command, cores, f"http://127.0.0.1:{port}") as url:
        yield url


@contextlib.contextmanager
def _server(command: list[str], cores: frozenset[int], url: str) -> Iterator[str]:
    process = subprocess.Popen(
        command, preexec_fn=lambda: os.sched_setaffinity(0, cores), stdin=subprocess.DEVNULL
    )
    try:
        _wait_until_up(process, url)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{url}/stub_status", timeout=1)
            return
        time.sleep(0.05)
    raise TimeoutError(f"{url} did not come up within 10 s")
