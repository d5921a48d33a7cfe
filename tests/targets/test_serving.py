"""Starting and stopping: in a loop, in a thread, as a command with its seed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from examples.targets.blueprint import Blueprint
from examples.targets.command import main
from examples.targets.payments_platform import PLATFORM
from examples.targets.serving import Options, running, running_in_thread
from examples.targets.tickets import SHOP
from examples.targets.usage_billing import ENGINE

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "blueprint", [SHOP, ENGINE, PLATFORM], ids=lambda blueprint: blueprint.name
)
async def test_a_server_starts_in_a_loop_and_stops_cleanly(blueprint: Blueprint) -> None:
    async with running(blueprint) as server, httpx.AsyncClient(verify=False) as client:
        assert (await client.get(f"{server.url}/healthz")).json() == {"status": "ok"}


def test_a_server_that_cannot_start_says_why_to_its_caller() -> None:
    options = Options(database="mysql://x")
    with pytest.raises(ValueError, match="give sqlite:PATH"), running_in_thread(SHOP, options):
        pass


def test_seeding_twice_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    database = f"sqlite:{tmp_path / 'shop.db'}"
    for _ in range(2):
        assert main(SHOP, ["seed", "--database", database, "--size", "5"]) == 0
    assert capsys.readouterr().out.count("seeded 3 events") == 2
    with running_in_thread(SHOP, Options(database=database, seed_size=0)) as server:
        key = {"Authorization": "Bearer demo-service-role-key"}
        orders = httpx.get(f"{server.url}/rest/v1/orders", headers=key, verify=False).json()
    assert len(orders) == 5


def test_credentials_come_from_the_environment() -> None:
    options = Options(environment={"API_KEY": "another"})
    with running_in_thread(ENGINE, options) as server:
        for key, status in (("another", 200), ("demo-api-key", 401)):
            headers = {"Authorization": f"Bearer {key}"}
            url = f"{server.url}/api/meters"
            assert httpx.get(url, headers=headers, verify=False).status_code == status


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(
            ["--fault", "nonsense"], "there is no fault 'nonsense' here", id="unknown fault"
        ),
        pytest.param(["--fault", "events-lost=x"], "write e.g. events-lost=0.002", id="no rate"),
        pytest.param(["--database", "mysql://x"], "give sqlite:PATH", id="unknown database"),
        pytest.param(["seed"], "seed needs --database", id="seed without a database"),
    ],
)
def test_a_command_that_cannot_work_says_what_would(
    argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(SHOP, argv) == 2
    assert message in capsys.readouterr().err


def test_the_command_prints_its_address_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "examples.targets.tickets", "--port", "0"]
    environment = {**os.environ, "TARGET_FAULTS": "server-errors=0.1;events-lost"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(2)]
            url = lines[1].split()[-1]
            switches = httpx.get(f"{url}/_faults", verify=False).json()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert lines[0].startswith("seeded")
    assert (switches["server-errors"]["rate"], switches["events-lost"]["rate"]) == (0.1, 1.0)
