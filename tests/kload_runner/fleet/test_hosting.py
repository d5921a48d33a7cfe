"""Runner processes on their own: pods and workers, with and without somebody who leads them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from manifests import manifest
from scripted_target import Reply, serving

from kload_runner.fleet import hosting
from kload_runner.fleet.hosting import EXIT_NOT_STARTED, EXIT_TERMINATED, Assignment, Host
from kload_runner.pod import PodSettings, _say_goodbye, run_pod
from kload_spec.control import (
    RUN_FILE,
    TOKEN_HEADER,
    PlanSource,
    RunDescription,
    RunIdentity,
    RunnerPhase,
    StartRequest,
    token_hash,
)
from kload_spec.farewell import Farewell
from kload_spec.result import conclude

STEP = {"get": "/$(env.WHO)"}


def described(url: str, files: dict[str, str] | None = None, **changes: Any) -> RunDescription:
    load = {"executor": "shared-iterations", "vus": 1, "iterations": 2}
    scenario = changes.pop("scenario", {**load, "steps": [STEP]})
    spec = {
        "target": {"baseURL": url},
        "env": [{"name": "WHO", "value": "me"}],
        "scenarios": {"main": scenario},
        **changes.pop("spec", {}),
    }
    return RunDescription(
        run=RunIdentity(uid="u1", loadtest="shop"),
        source=PlanSource(document=manifest(**spec)),
        token_sha256=token_hash("t"),
        files=files or {},
        **{"linger_s": 0.2, "start_within_s": 5.0, "deadline_s": 10.0, **changes},
    )


async def hosted(description: RunDescription) -> tuple[Host, asyncio.Task[int]]:
    host = Host(Assignment(description, 0, {"WHO": "me"}), lambda line: None)
    return host, asyncio.create_task(host.live())


async def test_a_runner_nobody_starts_ends_by_itself() -> None:
    host, living = await hosted(described("http://127.0.0.1:1", start_within_s=0.05))
    assert await living == EXIT_NOT_STARTED
    assert host.runner.phase is RunnerPhase.FINISHED
    await host.close()


async def test_a_runner_whose_leader_vanished_tears_down_and_ends() -> None:
    spec = {"teardown": [{"get": "/gone"}]}
    async with serving() as target:
        host, living = await hosted(described(target.url, spec=spec, linger_s=0.1))
        host.runner.setup()
        await host.runner.reach(RunnerPhase.READY)
        host.runner.start(StartRequest(attempt=1, start_in_s=0.0))
        assert await living == 0
        await host.close()
    assert target.targets() == ["/me", "/me", "/gone"]


async def test_sigterm_stops_gracefully_freezes_and_waits_for_a_scrape() -> None:
    scenario = {
        "executor": "constant-vus",
        "vus": 1,
        "duration": "1m",
        "steps": [{"sleep": "5ms"}, STEP],
    }
    async with serving() as target:
        host, living = await hosted(described(target.url, scenario=scenario, linger_s=3))
        port = await host.serve("127.0.0.1", 0)
        host.runner.setup()
        await host.runner.reach(RunnerPhase.READY)
        host.runner.start(StartRequest(attempt=1, start_in_s=0.0))
        await host.runner.reach(RunnerPhase.RUNNING)
        host.terminate()
        await host.runner.reach(RunnerPhase.FINISHED)
        assert not living.done()
        async with httpx.AsyncClient(trust_env=False) as client:
            page = await client.get(f"http://127.0.0.1:{port}/metrics")
        assert "kload_runner_finished{" in page.text
        assert await living == EXIT_TERMINATED
        await host.close()


async def test_a_runner_ends_at_its_own_deadline_whatever_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenario = {"executor": "constant-vus", "vus": 1, "duration": "1m", "steps": [{"sleep": "1s"}]}
    description = described("http://127.0.0.1:1", scenario=scenario, deadline_s=0.15)
    host, living = await hosted(description)
    host.runner.setup()
    await host.runner.reach(RunnerPhase.READY)
    host.runner.start(StartRequest(attempt=1, start_in_s=0.0))
    assert await living == hosting.EXIT_NOT_STARTED
    await host.close()


# -- pods ----------------------------------------------------------------------------------------------------------


def pod(folder: Path, description: RunDescription | str, **environ: str) -> dict[str, str]:
    """Write what the ConfigMap would hold and return the pod's environment."""
    text = description if isinstance(description, str) else description.to_json()
    (folder / RUN_FILE).write_text(text)
    return {
        "KLOAD_CONFIG": str(folder),
        "KLOAD_PORT": "0",
        "KLOAD_TERMINATION_LOG": str(folder / "goodbye"),
        "WHO": "pod",
        **environ,
    }


def goodbye(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "goodbye").read_text())
    return found


@pytest.mark.parametrize(
    ("description", "code", "reason"),
    [
        pytest.param("{", 1, "EngineError", id="no-description"),
        pytest.param(
            described("http://127.0.0.1:1", scenario={"executor": "nope"}),
            104,
            "InvalidSpec",
            id="spec",
        ),
        pytest.param(
            described(
                "http://127.0.0.1:1",
                scenario={"executor": "constant-vus", "duration": "1s", "exec": "main"},
                spec={"script": {"entry": "gone.py"}},
            ),
            104,
            "InvalidSpec",
            id="no-script",
        ),
        pytest.param(
            described("http://127.0.0.1:1", spec={"env": [{"name": "WHO"}, {"name": "KEY"}]}),
            104,
            "InvalidSpec",
            id="missing-env",
        ),
    ],
)
def test_a_pod_that_cannot_run_says_why_in_its_termination_message(
    tmp_path: Path, description: RunDescription | str, code: int, reason: str
) -> None:
    assert run_pod(pod(tmp_path, description)) == code
    assert goodbye(tmp_path)["reason"] == reason


def test_a_pod_reads_its_place_from_the_environment() -> None:
    settings = PodSettings.read({"JOB_COMPLETION_INDEX": "3", "KLOAD_NODE": "n1", "HOSTNAME": "p"})
    assert (settings.index, settings.node, settings.pod, settings.port) == (3, "n1", "p", 9095)


def test_a_pod_puts_its_files_where_the_manifest_says_and_leaves_its_totals(tmp_path: Path) -> None:
    script = (
        "from scenarios.words import WORD\n\nasync def main(vu):\n    await vu.get('/' + WORD)\n"
    )
    (tmp_path / "file-0").write_text(script)
    (tmp_path / "file-1").write_text("WORD = 'hi'\n")
    description = described(
        "http://127.0.0.1:1",
        files={"scenarios/main.py": "file-0", "scenarios/words.py": "file-1"},
        scenario={"executor": "shared-iterations", "iterations": 1, "exec": "main"},
        spec={"script": {"entry": "scenarios/main.py", "files": [{"path": "scenarios/main.py"}]}},
        start_within_s=0.05,
        linger_s=0.05,
    )
    assert run_pod(pod(tmp_path, description)) == 1  # nobody started it
    told = goodbye(tmp_path)
    assert (told["phase"], told["message"]) == ("finished", "not started in time")


@pytest.mark.parametrize(
    ("files", "code", "told"),
    [
        pytest.param({}, 1, "not started in time", id="in the image"),
        pytest.param(
            {"rows.csv": "file-0"}, 104, "rows.csv come from ConfigMaps", id="in two places"
        ),
    ],
)
def test_a_script_of_an_image_is_found_in_its_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], code: int, told: str
) -> None:
    image = tmp_path / "image"
    (image / "scenarios").mkdir(parents=True)
    (image / "scenarios" / "buy.py").write_text("async def main(vu):\n    await vu.get('/')\n")
    (tmp_path / "file-0").write_text("a\n1\n")
    monkeypatch.chdir(image)
    description = described(
        "http://127.0.0.1:1",
        files=files,
        scenario={"executor": "shared-iterations", "iterations": 1, "exec": "main"},
        spec={"script": {"entry": "scenarios/buy.py", "image": "registry/shop-tests:1"}},
        start_within_s=0.05,
        linger_s=0.05,
    )
    assert run_pod(pod(tmp_path, description)) == code
    assert told in goodbye(tmp_path)["message"]


async def test_a_pod_that_nobody_leads_leaves_all_that_a_verdict_needs(tmp_path: Path) -> None:
    rules = {"http_reqs": ["count==2"], "http_req_failed": ["rate<1%"]}
    spec = {"thresholds": rules, "teardown": [{"get": "/gone"}]}
    settings = PodSettings(tmp_path, 0, termination_file=tmp_path / "goodbye")
    async with serving() as target:
        host, living = await hosted(described(target.url, spec=spec, linger_s=0.05))
        host.runner.setup()
        await host.runner.reach(RunnerPhase.READY)
        host.runner.start(StartRequest(attempt=1, start_in_s=0.0))
        _say_goodbye(settings, host, await living)
        await host.close()
    farewell = Farewell.read((tmp_path / "goodbye").read_text())
    assert farewell is not None
    assert (farewell.exit_code, farewell.alone, farewell.ended_well) == (0, True, True)
    assert farewell.requests == {"main": 2, "teardown": 1}
    left, own = farewell.result(), host.runner.result()
    assert left is not None
    assert conclude(left).verdict == conclude(own).verdict
    assert [item.tally for item in left.thresholds] == [item.tally for item in own.thresholds]


async def test_a_pod_that_was_stopped_leaves_no_totals(tmp_path: Path) -> None:
    settings = PodSettings(tmp_path, 0, termination_file=tmp_path / "goodbye")
    host, living = await hosted(described("http://127.0.0.1:1", start_within_s=0.01))
    _say_goodbye(settings, host, await living)
    await host.close()
    assert "totals" not in goodbye(tmp_path)


async def test_a_pods_token_is_the_runs(tmp_path: Path) -> None:
    async with serving(Reply()) as target:
        host, living = await hosted(described(target.url))
        port = await host.serve("127.0.0.1", 0)
        async with httpx.AsyncClient(
            trust_env=False, base_url=f"http://127.0.0.1:{port}"
        ) as client:
            assert (await client.get("/v1/plan")).status_code == 401
            answer = await client.get("/v1/plan", headers={TOKEN_HEADER: "t"})
            assert answer.json()["runUid"] == "u1"
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await host.close()


def test_a_file_that_leads_out_of_the_pods_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file-0").write_text("")
    files = {"../../escaped.py": "file-0"}
    assert run_pod(pod(tmp_path, described("http://127.0.0.1:1", files=files))) == 104
    assert "leads out" in goodbye(tmp_path)["message"]
