"""A real target for the command line: the bundled shop in a thread of its own, and a folder to run in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import demo_shop
import pytest


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    """Serve a shop on loopback; yield its URL."""
    with demo_shop.serving() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, since runs leave `.kload` behind."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


MANIFEST = """\
apiVersion: kload.dev/v1alpha1
kind: LoadTest
metadata: {{name: {name}}}
spec:
  params: {{vus: 2}}
  env: [{env}]
  target: {{baseURL: http://127.0.0.1:1, headers: {{X-Key: $(env.KEY)}}}}
  scenarios:
    buy:
      executor: shared-iterations
      vus: $(params.vus)
      iterations: 6
      steps:
        - name: order
          post: /orders
          json: {{customer: c-$(vu)-$(iter), secret: $(env.KEY)}}
          checks: {{created: status == 201}}
          save: {{id: json.id}}
        - name: read
          get: /orders/$(vars.id)
  thresholds:
    http_req_duration: ["p(95)<5s"]
    http_reqs: ["count<{limit}"]
"""

SECRET = "{name: KEY, valueFrom: {secretKeyRef: {name: shop, key: key}}}"


class Writer:
    """Writes small manifests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str = "orders", limit: int = 1000, env: str = SECRET) -> str:
        file = self.folder / f"{name}.yaml"
        file.write_text(MANIFEST.format(name=name, limit=limit, env=env))
        return file.name


@pytest.fixture
def write(folder: Path) -> Writer:
    """Return a function that writes a manifest."""
    return Writer(folder)
