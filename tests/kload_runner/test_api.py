"""kload from Python, as a pytest regression test uses it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from scripted_target import Reply, Target, serving

import kload_runner
from kload_spec.errors import InvalidSpec

MANIFEST = """
apiVersion: kload.dev/v1alpha1
kind: LoadTest
metadata: {name: orders}
spec:
  params: {count: 3, word: none}
  env:
    - {name: KEY, valueFrom: {secretKeyRef: {name: s, key: k}}}
  target: {baseURL: http://127.0.0.1:1, headers: {X-Key: $(env.KEY)}}
  scenarios:
    buy:
      executor: shared-iterations
      iterations: $(params.count)
      steps:
        - {name: order, post: /orders, json: {word: $(params.word)}}
  thresholds:
    http_req_duration: ["p(95)<10s"]
    http_reqs: ["count==3"]
"""


@pytest.fixture
def target() -> Iterator[Target]:
    """A target in a thread of its own: `run` blocks."""
    found: list[Target] = []
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(Reply(body={"id": 1})) as running:
            found.append(running)
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    ready.wait()
    yield found[0]
    over.set()
    thread.join()


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    file = tmp_path / "orders.yaml"
    file.write_text(MANIFEST)
    return file


def test_a_regression_test_is_five_lines(target: Target, manifest: Path) -> None:
    result = kload_runner.run(manifest, target=target.url, env={"KEY": "k"})
    assert result.passed, result.message
    assert result.percentile(95, step="order") < 10_000
    assert [asked.headers["x-key"] for asked in target.asked] == ["k"] * 3


def test_params_patches_and_a_quick_run_go_over_the_manifest(
    target: Target, manifest: Path, tmp_path: Path
) -> None:
    patch = tmp_path / "patch.yaml"
    patch.write_text("spec: {params: {word: patched}}\n")
    result = kload_runner.run(
        manifest, target=target.url, env={"KEY": "k"}, patches=[patch], params={"count": 5}
    )
    assert not result.passed  # count==3
    assert target.asked[0].json == {"word": "patched"}
    quick = kload_runner.run(manifest, target=target.url, env={"KEY": "k"}, iterations=1)
    assert quick.passed, quick.message
    assert quick.run.quick


def test_the_environment_of_the_process_is_read(
    target: Target, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEY", "from-shell")
    kload_runner.run(manifest, target=target.url, iterations=1)
    assert target.asked[0].headers["x-key"] == "from-shell"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({}, "env KEY", id="missing-variable"),
        pytest.param({"params": {"nope": 1}}, "nope", id="unknown-param"),
        pytest.param({"duration": "soon"}, "soon", id="no-duration"),
        pytest.param({"scenarios": ["sell"]}, "sell", id="unknown-scenario"),
    ],
)
def test_what_cannot_be_run_is_refused(
    manifest: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(InvalidSpec, match=message):
        kload_runner.run(manifest, **changes)  # type: ignore[arg-type]


def test_a_file_with_two_tests_is_refused(manifest: Path) -> None:
    manifest.write_text(MANIFEST + "\n---\n" + MANIFEST.replace("orders}", "other}"))
    with pytest.raises(InvalidSpec, match="exactly one"):
        kload_runner.run(manifest)
