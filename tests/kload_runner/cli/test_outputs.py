"""Results are kept, written in the forms asked for, and shown again."""

from __future__ import annotations

import argparse
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kload_runner.cli.output import Refused
from kload_runner.cli.outputs import FORMATS, Output, keep, read_outputs, write_outputs, write_whole
from kload_runner.cli.report import latest, read_result, report
from kload_spec.result import Result, RunIdentity
from kload_spec.verdicts import Judgement, Reason, Verdict


def result(name: str = "tickets", exit_code: int = 99) -> Result:
    return Result(
        run=RunIdentity(name=name, uid="abcdef123456"),
        verdict=Judgement(Verdict.FAILED, Reason.THRESHOLD_BROKEN, "too slow", exit_code=exit_code),
    )


def test_every_format_is_written_to_the_file_named(tmp_path: Path) -> None:
    words = [f"{name}={tmp_path / 'new' / name}" for name in FORMATS]
    files = write_outputs(read_outputs(words, "--out", list(FORMATS)), [result()])
    assert all(file.stat().st_size > 50 for file in files)
    assert json.loads((tmp_path / "new" / "json").read_text())["run"]["name"] == "tickets"
    assert {file.name for file in (tmp_path / "new").iterdir()} == set(
        FORMATS
    )  # no temporary file is left


def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        write_whole(pipe, b"all of it")
        assert read.result(timeout=5) == b"all of it"
    assert pipe.is_fifo()


def test_a_link_stays_and_leads_to_what_was_written(tmp_path: Path) -> None:
    link = tmp_path / "latest.json"
    link.symlink_to("kept.json")
    write_whole(link, b"{}")
    assert link.is_symlink()
    assert (tmp_path / "kept.json").read_bytes() == b"{}"


def test_a_full_device_is_an_error_and_stays_one() -> None:
    with pytest.raises(Refused, match="cannot write /dev/full: No space left"):
        write_whole(Path("/dev/full"), b"x")
    assert Path("/dev/full").is_char_device()


def test_a_file_that_was_not_named_is_named_after_the_test() -> None:
    assert Output("junit").file_for(["a", "b"]) == Path("a-b-results.xml")


def test_several_runs_make_one_json_document(tmp_path: Path) -> None:
    (file,) = write_outputs([Output("json", tmp_path / "all.json")], [result("a"), result("b")])
    assert [document["run"]["name"] for document in json.loads(file.read_text())] == ["a", "b"]


@pytest.mark.parametrize("word", ["yaml", "json=", "pdf=x"])
def test_an_output_that_cannot_be_written_is_refused_before_any_load(word: str) -> None:
    with pytest.raises(Refused, match="--out"):
        read_outputs([word], "--out", list(FORMATS))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is a folder"):
        read_outputs([f"json={tmp_path}"], "--out", list(FORMATS))


def test_a_kept_run_is_found_and_shown_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = keep(result(), tmp_path)
    assert run.name == "never-started-tickets-abcdef12"
    assert read_result(run) == result()
    options = argparse.Namespace(runs=[latest(tmp_path)], out=[f"html={tmp_path / 'page.html'}"])
    assert report(options) == 99
    assert "too slow" in capsys.readouterr().out
    assert (tmp_path / "page.html").exists()


def test_a_folder_without_a_result_says_what_to_name(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"the folder holds no result\.json\.gz; name a folder of"):
        read_result(tmp_path)


def test_no_run_to_show_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="run a test first"):
        latest(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"{}", "document: run: Field required", id="empty"),
        pytest.param(b"no json", "document: Invalid JSON", id="no-json"),
        pytest.param(b"\x1f\x8bcut", "not a result document", id="damaged"),
        pytest.param(
            b'{"schema": "kload-result/v2"}',
            r"schema: Input should be 'kload-result/v1' \(found 'kload-result/v2'\)",
            id="another-version",
        ),
        pytest.param(
            b'{"run": {"name": "x"}, "duration_s": "long"}',
            r"duration_s: Input should be a valid number.* \(found 'long'\)",
            id="wrong-type",
        ),
        pytest.param(None, "No such file", id="missing"),
    ],
)
def test_a_file_that_is_no_result_is_refused(
    tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "result.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Refused, match=message):
        read_result(file)
