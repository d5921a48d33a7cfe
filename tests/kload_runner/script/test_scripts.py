"""Python scripts: the API they see, how they fail, and what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from plays import Play, perform, planned
from scripted_target import Asked, Reply, serving

from kload_runner.local import LocalRun, run_in_loop, run_local
from kload_runner.script.loading import ScriptError, loaded_files, open_script
from kload_spec.errors import InvalidSpec
from kload_spec.plan import ScriptPlan

METRICS = {"took": {"type": "trend", "unit": "time"}, "wrong": {"type": "rate"}}


async def play_script(
    folder: Path, code: str, reply: Reply | Any = None, **options: Any
) -> tuple[Play, list[Asked]]:
    """Perform `async def main(vu)` with this body, or a whole file."""
    if "async def main" not in code:
        lines = "\n".join(f"    {line}" for line in code.strip().splitlines())
        code = f"async def main(vu):\n{lines}\n"
    (folder / "test.py").write_text(code)
    iterations = options.pop("iterations", 1)
    given, scenario = options.pop("given", None), options.pop("scenario", {})
    async with serving(reply or Reply(body={"id": 7})) as target:
        test = planned(
            target.url,
            scenario={"exec": "main", **scenario},
            script={"entry": "test.py", "files": options.pop("files", [{"path": "test.py"}])},
            metrics=METRICS,
            **options,
        )
        play = await perform(test, base_dir=folder, iterations=iterations, given=given)
        return play, target.asked


@pytest.mark.parametrize(
    ("call", "line", "body"),
    [
        pytest.param(
            'vu.get("/a", query={"q": "x y", "n": [1, 2]})', "GET /a?q=x+y&n=1&n=2", b"", id="get"
        ),
        pytest.param('vu.post("/a", json={"n": vu.id})', "POST /a", b'{"n":1}', id="post-json"),
        pytest.param('vu.post("/a", json=None)', "POST /a", b"null", id="null-is-json"),
        pytest.param('vu.put("/a", form={"k": "v w"})', "PUT /a", b"k=v+w", id="put-form"),
        pytest.param('vu.patch("/a", data="hä")', "PATCH /a", "hä".encode(), id="patch-text"),
        pytest.param('vu.delete("/a", data=b"\\xff")', "DELETE /a", b"\xff", id="delete-bytes"),
        pytest.param('vu.head("/a")', "HEAD /a", b"", id="head"),
        pytest.param('vu.options("/a")', "OPTIONS /a", b"", id="options"),
        pytest.param('vu.request("PURGE", "/a")', "PURGE /a", b"", id="any-method"),
    ],
)
async def test_requests(tmp_path: Path, call: str, line: str, body: bytes) -> None:
    play, asked = await play_script(tmp_path, f"await {call}")
    assert play.failures == []
    assert [(f"{a.method} {a.target}", a.body) for a in asked] == [(line, body)]


async def test_headers_of_the_target_are_sent_and_give_way(tmp_path: Path) -> None:
    code = """
await vu.get("/", headers={"x-a": "own", "X-New": "n"})
await vu.get("/")
"""
    _, asked = await play_script(
        tmp_path, code, target={"headers": {"X-A": "shared", "X-V": "$(vu)"}}
    )
    seen = [{k: v for k, v in a.headers.items() if k.startswith("x-")} for a in asked]
    assert seen == [{"x-a": "own", "x-new": "n", "x-v": "1"}, {"x-a": "shared", "x-v": "1"}]


async def test_checks_samples_and_steps_are_counted(tmp_path: Path) -> None:
    code = """
r = await vu.post("/orders/1", name="create", json={})
vu.check("status is 200", r.status == 200)
vu.check("has 4", lambda: len(r.json["items"]) == 4)
vu.record("took", 1.5)
vu.record("wrong", True)
with vu.step("later"):
    await vu.get("/x")
await vu.get("/y?z=1")
"""
    play, _ = await play_script(tmp_path, code)
    assert play.failures == []
    assert play.checks == {"status is 200": (1, 0), "has 4": (0, 1)}
    assert play.samples == {"took": (1, 1.5), "wrong": (1, 1.0)}
    assert [step.name for step in play.result.steps] == ["create", "later", "GET /y"]


@pytest.mark.parametrize(
    ("expect", "failed"),
    [
        pytest.param("", 1, id="the-targets"),
        pytest.param("expect=409", 0, id="one"),
        pytest.param("expect=(200, 409)", 0, id="several"),
        pytest.param("expect=range(400, 500)", 0, id="range"),
    ],
)
async def test_expect(tmp_path: Path, expect: str, failed: int) -> None:
    play, _ = await play_script(tmp_path, f'await vu.get("/", {expect})', Reply(status=409))
    assert play.result.steps[0].failed == failed


async def test_memory_lives_as_long_as_the_user_and_begins_with_setups(tmp_path: Path) -> None:
    code = """
vu.vars["list"].append(vu.iter)
vu.log(f"{vu.vars['list']} {vu.iter} {vu.scenario} {vu.run_id}")
"""
    shared = {"list": [9]}
    play, _ = await play_script(tmp_path, code, iterations=2, given=shared)
    assert play.logs == ["[9, 0] 0 play r1", "[9, 0, 1] 1 play r1"]
    assert shared == {"list": [9]}


async def test_rows_and_params_are_there(tmp_path: Path) -> None:
    play, _ = await play_script(
        tmp_path,
        "vu.log(f\"{vu.row['n']} {vu.params['p']}\")",
        scenario={"data": "d"},
        data={"d": {"rows": [{"n": 5}]}},
        params={"p": 3},
    )
    assert play.logs == ["5 3"]


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        pytest.param('vu.fail("no stock")', "no stock", id="fail"),
        pytest.param('{}["secret-key"]', "test.py:2: KeyError", id="an-exception-by-type-and-line"),
        pytest.param(
            'r = await vu.get("/")\nr.json["x"]["y"]', "test.py:3: KeyError", id="response"
        ),
        pytest.param('vu.record("nope", 1)', "is not declared", id="unknown-metric"),
        pytest.param('await vu.get("/", headers={"X": "a\\nb"})', "line break", id="header"),
        pytest.param('await vu.post("/", json={}, data="x")', "only one of", id="two-bodies"),
        pytest.param('await vu.post("/", json={1})', "json", id="no-json"),
        pytest.param('await vu.get("ftp://x")', "ftp", id="no-url"),
    ],
)
async def test_an_iteration_fails_and_the_user_goes_on(
    tmp_path: Path, code: str, cause: str
) -> None:
    play, _ = await play_script(tmp_path, code, iterations=2)
    assert cause in play.failures[0]
    assert play.result.scenarios[0].failed == 2


async def test_the_first_traceback_of_a_cause_is_kept(tmp_path: Path) -> None:
    play, _ = await play_script(tmp_path, "1 / 0", iterations=3)
    (error,) = [error for error in play.result.errors if error.kind == "script"]
    assert (error.message, error.count) == ("test.py:2: ZeroDivisionError", 3)
    assert "1 / 0" in error.sample


async def test_abort_ends_the_run(tmp_path: Path) -> None:
    play, _ = await play_script(tmp_path, 'vu.abort("enough")')
    assert play.aborted == ["enough"]


async def test_no_answer_is_a_response(tmp_path: Path) -> None:
    code = 'r = await vu.get("/")\nvu.log(f"{r.status} {r.error}")'
    play, _ = await play_script(tmp_path, code, Reply(drop=True))
    assert (play.logs, play.failures) == (["0 reset"], [])


async def test_too_many_step_names_are_counted_together(tmp_path: Path) -> None:
    play, asked = await play_script(tmp_path, 'for n in range(60): await vu.get(f"/{n}")')
    assert len(asked) == 60
    assert len(play.result.steps) == 50
    assert next(s for s in play.result.steps if s.name == "other").requests == 11
    assert len(play.logs) == 1


async def test_files_beside_the_entry_can_be_imported_and_are_not_left_behind(
    tmp_path: Path,
) -> None:
    (tmp_path / "beside_it.py").write_text("WORD = 'hello'\n")
    code = "from beside_it import WORD\n\nasync def main(vu):\n    vu.log(WORD)\n"
    path = list(sys.path)
    play, _ = await play_script(tmp_path, code)
    assert play.logs == ["hello"]
    assert "beside_it" not in sys.modules
    assert sys.path == path


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        pytest.param("import sys\nsys.exit(3)", "SystemExit", id="exit"),
        pytest.param(
            "import asyncio\nraise asyncio.CancelledError", "CancelledError", id="cancelled"
        ),
        pytest.param("class Own(BaseException): ...\nraise Own", "Own", id="no-exception"),
    ],
)
async def test_whatever_a_script_raises_fails_its_iteration_and_nothing_else(
    tmp_path: Path, code: str, kind: str
) -> None:
    play, _ = await play_script(tmp_path, code, iterations=2)
    assert play.failures == [f"test.py:3: {kind}"]  # told once; the run went on
    assert (play.result.scenarios[0].failed, play.result.scenarios[0].interrupted) == (2, 0)


LEAVING = """
import pathlib
from kload_runner.script.leaving import exit_codes_guarded
from kload_runner.script.loading import open_script
from kload_spec.plan import ScriptPlan
with exit_codes_guarded(), open_script(ScriptPlan("test.py"), pathlib.Path(".")):
    pass
"""


def test_a_script_cannot_end_the_process_as_if_all_were_well(tmp_path: Path) -> None:
    (tmp_path / "test.py").write_text("import os\nif not os.fork(): os._exit(0)\nos._exit(0)\n")
    done = subprocess.run(
        [sys.executable, "-c", LEAVING], cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 107
    assert done.stderr.count(b"os._exit") == 1


def test_a_script_that_never_waits_can_be_interrupted(tmp_path: Path) -> None:
    code = (
        "import signal\nasync def main(vu):\n    while True: signal.raise_signal(signal.SIGINT)\n"
    )
    (tmp_path / "test.py").write_text(code)
    test = planned("http://127.0.0.1:1", scenario={"exec": "main"}, script={"entry": "test.py"})
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        run_local(LocalRun(test, base_dir=tmp_path))
    assert signal.getsignal(signal.SIGINT) is before


def test_an_exit_in_a_task_of_the_script_is_no_result(tmp_path: Path) -> None:
    code = """
        import asyncio, sys
        async def leave(): sys.exit(0)
        async def main(vu):
            task = asyncio.create_task(leave())
            await vu.sleep(5)
    """
    (tmp_path / "test.py").write_text(textwrap.dedent(code))
    test = planned("http://127.0.0.1:1", scenario={"exec": "main"}, script={"entry": "test.py"})
    with pytest.raises(ScriptError, match="ended the whole process"):
        run_local(LocalRun(test, base_dir=tmp_path))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        pytest.param(
            "1 / 0\nasync def main(vu): ...\n", "test.py:1: ZeroDivisionError", id="raises"
        ),
        pytest.param("async def main(vu:\n", "SyntaxError", id="syntax"),
        pytest.param("# async def main\n", "no function 'main'", id="missing"),
        pytest.param("# async def main\ndef main(vu): ...\n", "async def main(vu)", id="not-async"),
    ],
)
async def test_a_script_that_cannot_be_used_is_refused(
    tmp_path: Path, code: str, message: str
) -> None:
    leave, path = os._exit, list(sys.path)
    with pytest.raises(ScriptError) as refused:
        await play_script(tmp_path, code)
    assert message in str(refused.value)
    assert (os._exit, sys.path) == (leave, path), "nothing of it is left in this process"


async def test_a_missing_script_is_refused_by_name(tmp_path: Path) -> None:
    test = planned("http://127.0.0.1:1", scenario={"exec": "main"}, script={"entry": "gone.py"})
    with pytest.raises(InvalidSpec, match=r"script\.entry: gone\.py: No such file"):
        await perform(test, base_dir=tmp_path)


async def test_a_script_named_like_a_module_of_pythons_does_not_take_its_place(
    tmp_path: Path,
) -> None:
    (tmp_path / "json.py").write_text("async def main(vu):\n    vu.log('mine')\n")
    test = planned("http://127.0.0.1:1", scenario={"exec": "main"}, script={"entry": "json.py"})
    play = await perform(test, base_dir=tmp_path)
    assert play.logs == ["mine"]
    assert json.loads("1") == 1
    assert str(tmp_path) not in str(sys.modules["json"].__file__)


SETUP_AND_TEARDOWN = """
async def setup(vu):
    r = await vu.post("/seed", name="seed")
    vu.vars["id"] = r.json["id"]
    return {"more": [1]}

async def main(vu):
    await vu.get(f"/{vu.vars['id']}/{vu.vars['more'][0]}", name="use")

async def teardown(vu, totals):
    await vu.get(f"/gone?n={totals['http_reqs']['count']}")
"""


async def test_setup_and_teardown_of_a_script_run_once_per_run(tmp_path: Path) -> None:
    (tmp_path / "test.py").write_text(SETUP_AND_TEARDOWN)
    async with serving(Reply(body={"id": 7})) as target:
        test = planned(
            target.url,
            scenario={"exec": "main", "iterations": 2},
            script={"entry": "test.py"},
        )
        result = await run_in_loop(LocalRun(test, base_dir=tmp_path))
    assert target.targets() == ["/seed", "/7/1", "/7/1", "/gone?n=2"]
    assert result.passed


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("1 / 0", "ScriptError", id="load"),
        pytest.param(
            "async def setup(vu): 1 / 0\nasync def main(vu): ...", "SetupFailed", id="setup"
        ),
        pytest.param(
            "async def setup(vu): import asyncio; raise asyncio.CancelledError\nasync def main(vu): ...",
            "SetupFailed",
            id="setup-that-is-cancelled-by-itself",
        ),
    ],
)
async def test_a_script_that_raises_before_the_load_ends_with_107(
    tmp_path: Path, code: str, reason: str
) -> None:
    (tmp_path / "test.py").write_text(code + "\n")
    test = planned("http://127.0.0.1:1", scenario={"exec": "main"}, script={"entry": "test.py"})
    result = await run_in_loop(LocalRun(test, base_dir=tmp_path))
    assert result.verdict is not None
    assert (result.verdict.reason.value, result.verdict.exit_code) == (reason, 107)
    assert "test.py:1" in result.message


@pytest.mark.parametrize("name", ["setup", "teardown"])
async def test_steps_and_a_function_for_the_same_phase_are_refused(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "buy.py").write_text(f"async def main(vu): ...\nasync def {name}(vu, *more): ...\n")
    test = planned(
        "http://127.0.0.1:1",
        scenario={"exec": "main"},
        script={"entry": "buy.py"},
        **{name: [{"get": "/"}]},
    )
    path = list(sys.path)
    with pytest.raises(InvalidSpec) as refused:
        await perform(test, base_dir=tmp_path)
    assert sys.path == path, "what is refused leaves no script open"
    assert "kload_script_buy" not in sys.modules
    assert str(refused.value) == (
        f"spec.{name}: has steps, and buy.py has a function {name} too: only one of them can be it;"
        f" take spec.{name} out, or give the function another name"
    )


def test_the_files_of_a_script_are_its_own_and_not_what_is_installed_beside_it(
    tmp_path: Path,
) -> None:
    installed = tmp_path / ".venv" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "kload_test_other.py").write_text("")
    (tmp_path / "kload_test_beside.py").write_text("")
    (tmp_path / "steps").mkdir()
    imports = "kload_test_beside, kload_test_other"
    (tmp_path / "steps" / "buy.py").write_text(
        f"import sys\nsys.path.append('{installed}')\nimport {imports}\n"
    )
    before = frozenset(sys.modules)
    with open_script(ScriptPlan("steps/buy.py"), tmp_path) as module:
        found = loaded_files(module, tmp_path, before)
    assert found == ["kload_test_beside.py", "steps/buy.py"]
    assert "kload_test_beside" not in sys.modules
    assert sys.modules.pop("kload_test_other")
