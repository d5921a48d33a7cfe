"""The demo servers as processes of their own, and the suites' tests run against them with shortened loads."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import httpx
import pytest

from kload_runner.cli.environment import read_env_file
from kload_runner.cli.kustomization import read
from kload_runner.local import LocalRun, run_local
from kload_spec.control import PlanSource
from kload_spec.loading import Document, load_text, patched, read_documents
from kload_spec.planning import plan_of
from kload_spec.result import Result
from kload_spec.verdicts import Reason

ROOT = Path(__file__).parents[2]
LASTING = ("hold", "duration", "runTime")  # params that say how long a load lasts
STRETCHES = (1, 4, 16)  # tries on a busy machine
MODULES = {
    "tickets": "tickets",
    "usage-billing": "usage_billing",
    "payments-platform": "payments_platform",
}


class Target:
    """A demo server under test."""

    def __init__(self, suite: str, url: str, client: httpx.Client) -> None:
        self.suite, self.url, self.client = suite, url, client

    def switch(self, faults: Mapping[str, object]) -> None:
        """Turn exactly these faults on."""
        self.client.delete(f"{self.url}/_faults").raise_for_status()
        if faults:
            self.client.post(f"{self.url}/_faults", json=dict(faults)).raise_for_status()

    def run(self, test: str, params: Mapping[str, str], *, least: int = 0) -> Result:
        """Run one test of the suite; again and longer, if a busy machine made less than `least` requests of it."""
        for stretch in STRETCHES:
            result = self._once(test, stretched(params, stretch))
            if _is_measured(result, least):
                break
        return result

    def _once(self, test: str, params: Mapping[str, str]) -> Result:
        """Run one test of the suite, put together as its kustomization says."""
        document, folder = document_of(self.suite, test)
        source = PlanSource(document=dict(document.value), params=dict(params), target=self.url)
        plan = plan_of(source)
        demo = read_env_file(ROOT / "examples" / self.suite / "demo.env")
        env = {entry.name: demo.get(entry.name, entry.value or "") for entry in plan.env}
        return run_local(LocalRun(plan=plan, source=source, env=env, base_dir=folder))


def stretched(params: Mapping[str, str], times: int) -> Mapping[str, str]:
    """Return the params with the load lasting longer; durations are in milliseconds."""
    return {
        name: f"{int(value.removesuffix('ms')) * times}ms" if name in LASTING else value
        for name, value in params.items()
    }


def _is_measured(result: Result, least: int) -> bool:
    lagged = result.verdict is not None and result.verdict.reason is Reason.GENERATOR_LAGGED
    return not lagged and result.summary.requests >= least


@cache
def document_of(suite: str, test: str) -> tuple[Document, Path]:
    """Return a test of a suite with its patches, and the folder it lies in."""
    for listed in read(ROOT / "examples" / suite / "kustomization.yaml", _first):
        (document,) = load_text(listed.file.read_text(encoding="utf-8"), str(listed.file))
        if document.name == test:
            for path in listed.patches(document.value):
                document = patched(document, read_documents(path.read_text(encoding="utf-8"))[0])
            return document, listed.file.parent
    raise LookupError(f"{suite} has no test {test}")


def _first(path: Path) -> Mapping[str, object]:
    return read_documents(path.read_text(encoding="utf-8"), str(path))[0].value


@pytest.fixture(scope="session")
def start() -> Iterator[Callable[[str], Target]]:
    """Start the server of a suite, once."""
    running: dict[str, Target] = {}
    with ExitStack() as stack:
        # Not by way of a proxy that the environment may name: the servers are on loopback.
        client = stack.enter_context(httpx.Client(verify=False, trust_env=False))

        def started(suite: str) -> Target:
            if suite not in running:
                running[suite] = Target(suite, stack.enter_context(_process(suite)), client)
            return running[suite]

        yield started


class _process:
    """A demo server in a process of its own; entering gives its URL."""

    def __init__(self, suite: str) -> None:
        self._command = [
            sys.executable,
            "-m",
            f"examples.targets.{MODULES[suite]}",
            *("--port", "0"),
        ]

    def __enter__(self) -> str:
        self._running = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._running.stdout is not None
        for line in self._running.stdout:
            if "listening on" in line:
                return line.split()[-1]
        raise RuntimeError(f"{self._command} ended with {self._running.wait()}")

    def __exit__(self, *_: object) -> None:
        self._running.terminate()
        self._running.wait(timeout=10)
        if self._running.stdout is not None:
            self._running.stdout.close()


@pytest.fixture
def target(start: Callable[[str], Target], suite: str) -> Iterator[Target]:
    """The suite's server, all faults off before and after."""
    server = start(suite)
    server.switch({})
    yield server
    server.switch({})
