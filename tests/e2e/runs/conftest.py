"""An operator for the tests of a worker, namespaces it watches, and a counting target in them.

Each worker of a parallel run has one operator, which looks at this worker's namespaces alone; a test that kills,
doubles or starves operators starts its own (`start_operator`) for a namespace that no other operator watches.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from cluster.bed import Bed
from cluster.locks import exclusive
from trials.counting_target import CountingTarget, start_target
from trials.installations import (
    install_account,
    install_definition,
    kubeconfig_of,
    settings_for,
)
from trials.operators import Operator


class StartOperator(Protocol):
    """Starts an operator for the test's `solo` namespace; keywords are settings that differ."""

    def __call__(self, name: str = ..., **settings: Any) -> Operator: ...


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the log of the operators when a test fails."""
    report = yield
    funcargs = getattr(item, "funcargs", {})
    operators = [one for one in funcargs.values() if isinstance(one, Operator)]
    operators += funcargs.get("operators", [])
    if report.failed:
        report.sections += [(f"operator {one.folder.name}", one.log) for one in operators]
    return report


@pytest.fixture(scope="session")
def image(bed: Bed) -> str:
    """The project's image, in the cluster."""
    return bed.project_image()


@pytest.fixture(scope="session")
def installed(bed: Bed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The resource and the operator's account; returns a kubeconfig's content of that account."""
    with exclusive(tmp_path_factory.getbasetemp().parent / "kload-installation.lock"):
        install_definition(bed)
        install_account(bed)
    return kubeconfig_of(bed)


@pytest.fixture(scope="session")
def worker() -> str:
    """Name of this worker of a parallel run; part of the names of its namespaces."""
    return os.environ.get("PYTEST_XDIST_WORKER", "gw")


@pytest.fixture(scope="session")
def operator(
    bed: Bed,
    image: str,
    installed: dict[str, Any],
    worker: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """The operator that this worker's tests share."""
    settings = settings_for(bed, image, f"{worker}-*")
    with Operator(tmp_path_factory.mktemp("operator"), installed, settings) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture(autouse=True)
def nothing_unexpected(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test whose operators met an exception that is none of the API server's refusals, outages and conflicts."""
    used = request.fixturenames
    shared = [request.getfixturevalue("operator")] if "operator" in used else []
    before = [len(one.records) for one in shared]
    own = request.getfixturevalue("operators") if "start_operator" in used else []
    yield
    told = [
        record for one, seen in zip(shared, before, strict=True) for record in one.records[seen:]
    ]
    told += [record for one in own for record in one.records]
    wrong = [
        f"{record['message']}\n{record.get('error', '')}"
        for record in told
        if record["level"] == "error" and record["logger"].startswith("kload_operator")
    ]
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def namespace(bed: Bed, worker: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test's own; watched by the worker's operator if the test asks for it, else by none."""
    watched = "operator" in request.fixturenames
    purpose = request.node.originalname.removeprefix("test_")
    name = bed.make_namespace(f"{worker if watched else 'solo'}-{purpose}")
    yield name
    bed.remove_namespace(name)


@pytest.fixture
def target(bed: Bed, image: str, namespace: str) -> CountingTarget:
    """A counting target in the test's namespace."""
    return start_target(bed.api, namespace, image)


@pytest.fixture
def operators() -> list[Operator]:
    """The operators a test has started."""
    return []


@pytest.fixture
def start_operator(
    bed: Bed,
    image: str,
    installed: dict[str, Any],
    namespace: str,
    tmp_path: Path,
    operators: list[Operator],
) -> Iterator[Callable[..., Operator]]:
    """Starts operators for the test's own namespace; they end with the test."""
    with ExitStack() as stack:

        def start(name: str = "solo", **changes: Any) -> Operator:
            kubeconfig = changes.pop("kubeconfig", installed)
            within = changes.pop("within", ())
            settings = settings_for(bed, image, namespace, **changes)
            made = Operator(tmp_path / name, kubeconfig, settings, within)
            operators.append(stack.enter_context(made))
            made.wait_until_ready()
            return made

        yield start
