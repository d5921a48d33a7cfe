"""Databases and servers for the tests of the demo targets: every rule is tested on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from examples.targets.blueprint import Blueprint
from examples.targets.serving import Options, RunningTarget, running_in_thread


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The URL of a PostgreSQL of our own, on a Unix socket; skips where the machine has none."""
    initdb = shutil.which("initdb")
    if initdb is None:
        pytest.skip("no PostgreSQL on this machine (initdb is not on the PATH)")
    bin_folder = Path(initdb).resolve().parent
    # PostgreSQL refuses to run as root; Debian's package brings a user for it.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="kload-pg-"))
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(command, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)

    run(str(bin_folder / "initdb"), "-A", "trust", "-U", "demo", "--no-sync", "-D", str(data))
    settings = f"-F -c listen_addresses='' -c unix_socket_directories='{folder}'"
    control = (str(bin_folder / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w")
    run(*control, "-o", settings, "start")
    try:
        yield f"postgresql://demo@/postgres?host={folder}"
    finally:
        run(*control, "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An empty database for this module."""
    if request.param == "sqlite":
        return f"sqlite:{tmp_path_factory.mktemp('database') / 'target.db'}"
    url: str = request.getfixturevalue("postgres_url")
    name = f"t_{request.module.__name__.rpartition('.')[2]}"
    host = url.partition("?host=")[2]
    subprocess.run(
        ["psql", "-q", "-h", host, "-U", "demo", "-d", "postgres", "-c", f"CREATE DATABASE {name}"],
        check=True,
    )
    return f"postgresql://demo@/{name}?host={host}"


@pytest.fixture(scope="module")
def running_target(blueprint: Blueprint, database_url: str) -> Iterator[RunningTarget]:
    """The module's `blueprint`, up on a free port."""
    with running_in_thread(blueprint, Options(database=database_url)) as server:
        yield server


@pytest.fixture(scope="module")
def client(running_target: RunningTarget) -> Iterator[httpx.Client]:
    """A client of the running target."""
    with httpx.Client(base_url=running_target.url, verify=False) as connected:
        yield connected


@pytest.fixture
def target(running_target: RunningTarget) -> Iterator[RunningTarget]:
    """The running target, all faults off before and after."""
    running_target.faults.clear()
    yield running_target
    running_target.faults.clear()
