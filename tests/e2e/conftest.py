"""One cluster per test run, a namespace per test, and a full picture of it when a test fails."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest
from cluster.bed import Bed, open_bed, standing
from cluster.bring_up import Cluster
from cluster.diagnostics import describe
from cluster.failures import ClusterError
from cluster.health import is_healthy
from cluster.locks import exclusive, shared
from cluster.places import REPOSITORY, cluster_places
from cluster.waiting import eventually

_RUNNING = "KLOAD_E2E_RUNNING"  # tells the workers of pytest-xdist which cluster stands
_STANDING = pytest.StashKey[ExitStack]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "disruptive: harms the cluster as a whole for a while; runs while no other test does",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put those that run alone behind all others, who would wait for them and keep them waiting."""
    items.sort(key=lambda item: item.get_closest_marker("disruptive") is not None)


@pytest.hookimpl(
    tryfirst=True
)  # before pytest-xdist starts its workers, who inherit the environment
def pytest_sessionstart(session: pytest.Session) -> None:
    if os.environ.get(_RUNNING) or session.config.option.collectonly:
        return
    stack = ExitStack()
    try:
        places = stack.enter_context(standing(os.environ))
    except ClusterError as error:
        pytest.exit(f"e2e: {error}", returncode=1)
    os.environ[_RUNNING] = places.name
    session.config.stash[_STANDING] = stack


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if (stack := session.config.stash.get(_STANDING, None)) is not None:
        stack.close()
        del os.environ[_RUNNING]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    funcargs = getattr(item, "funcargs", {})
    if report.failed and "namespace" in funcargs:
        bed: Bed = funcargs["bed"]
        report.sections.append(("the namespace", describe(bed.api, funcargs["namespace"])))
    return report


@pytest.fixture(scope="session")
def bed() -> Iterator[Bed]:
    """The cluster under test."""
    found = open_bed(os.environ, cluster_places(os.environ.get(_RUNNING, "none")))
    yield found
    found.api.close()


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep a disruptive test and every other test from running at the same time."""
    if (
        "bed" not in request.fixturenames
        or (found := request.getfixturevalue("bed")).cluster is None
    ):
        yield
        return
    cluster: Cluster = found.cluster
    disruptive = request.node.get_closest_marker("disruptive") is not None
    gate, lock = (cluster.places.running / f"{name}.lock" for name in ("gate", "turn"))
    with ExitStack() as held:
        with exclusive(gate):  # whoever waits for the others here lets none past meanwhile
            held.enter_context(exclusive(lock) if disruptive else shared(lock))
        yield
        if disruptive:
            eventually(lambda: is_healthy(cluster), within_s=90, what="the cluster's recovery")


@pytest.fixture
def loopback_only() -> None:
    """Takes the place of the guard of the other tests: these talk to a cluster, whose network leads nowhere else."""


@pytest.fixture(scope="session")
def crds(bed: Bed) -> None:
    """The CRD of `deploy/crds`, installed and served."""
    for path in sorted((REPOSITORY / "deploy" / "crds").glob("*.yaml")):
        bed.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(path))
    bed.kubectl("wait", "--for=condition=Established", "crd/loadtests.kload.dev", "--timeout=30s")


@pytest.fixture
def cluster(bed: Bed) -> Cluster:
    """The levers on the cluster; tests that pull them cannot run on somebody's own."""
    if bed.cluster is None:
        pytest.skip("needs a cluster of the harness' own making; KLOAD_E2E_KUBECONFIG is set")
    return bed.cluster


@pytest.fixture
def prometheus_url(bed: Bed) -> str:
    """The cluster's Prometheus; somebody's own cluster has to name one."""
    if not bed.prometheus_url:
        pytest.skip("needs a Prometheus; set KLOAD_E2E_PROMETHEUS to the address of your cluster's")
    return bed.prometheus_url


@pytest.fixture
def namespace(bed: Bed, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace of this test's own."""
    name = bed.make_namespace(request.node.originalname.removeprefix("test_"))
    yield name
    bed.remove_namespace(name)
