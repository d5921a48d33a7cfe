"""`kload run` from the words of the command line to the exit code, against a real target."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kload_runner.cli.main import main

Write = Callable[..., str]
KEY = "sesame-open"


def kload(*words: str) -> int:
    """Run the command line; argparse's own refusals come as SystemExit."""
    try:
        return main(words)
    except SystemExit as refused:
        return int(str(refused.code))


def kept() -> list[Path]:
    return sorted(Path(".kload/runs").glob("*/result.json.gz"))


def test_a_test_that_holds_passes_and_is_kept(
    write: Write, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert (
        kload("run", write(), "--target", target, "-e", f"KEY={KEY}", "--out", "json=results.json")
        == 0
    )
    out = capsys.readouterr().out
    assert "Passed  orders" in out
    assert len(kept()) == 1
    document: dict[str, Any] = json.loads(Path("results.json").read_text())
    assert document["summary"]["requests"] == 12
    assert KEY not in Path("results.json").read_text()


def test_the_first_test_that_is_not_passed_ends_the_row(
    write: Write, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        write("one"),
        write("two", limit=5),
        write("three"),
        "--target",
        target,
        "-e",
        f"KEY={KEY}",
    ]
    assert kload("run", *words) == 99
    captured = capsys.readouterr()
    assert len(kept()) == 2
    assert "not run, since the test before was not Passed: three" in captured.err
    assert "http_reqs count<5" in captured.out


def test_a_missing_variable_is_refused_before_any_load(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kload("run", write()) == 104
    assert "env KEY" in capsys.readouterr().err
    assert not kept()


def test_all_faults_of_a_file_are_told_with_their_lines(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text(
        "apiVersion: kload.dev/v1alpha1\nkind: LoadTest\nmetadata: {name: bad}\nspec:\n"
        "  scenarios:\n    a:\n      executor: constant-vus\n      vus: -5\n      duration: 1s\n"
        "      stepz: []\n"
    )
    assert kload("run", "bad.yaml") == 104
    err = capsys.readouterr().err
    assert "bad.yaml:8: spec.scenarios.a.vus: -5 is below" in err
    assert "stepz" in err
    assert "steps" in err
    assert "nothing was sent" in err


def test_a_url_needs_no_file(folder: Path, target: str) -> None:
    assert (
        kload("run", f"{target}/", "--vus", "2", "--iterations", "4", "--out", "json=r.json") == 0
    )
    document = json.loads(Path("r.json").read_text())
    assert document["summary"]["requests"] == 4
    assert document["run"]["quick"]


def test_once_tells_requests_answers_checks_and_saves_without_secrets(
    write: Write, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kload("run", write(), "--target", target, "-e", f"KEY={KEY}", "--once", "-v") == 0
    out = capsys.readouterr().out
    for part in (
        "→ POST /orders HTTP/1.1",
        '"customer": "c-1-0"',
        "← 201",
        "✓ check created",
        "save id =",
        "→ GET /orders/",
    ):
        assert part in out
    assert KEY not in out
    assert "***" in out
    assert not kept()


def test_once_ends_with_99_where_something_failed(
    write: Write, target: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = Path(write())
    file.write_text(file.read_text().replace("status == 201", "status == 200"))
    assert kload("run", file.name, "--target", target, "-e", f"KEY={KEY}", "--once") == 99
    assert "✗ check created" in capsys.readouterr().out


def test_a_target_that_is_down_is_a_measurement(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kload("run", write(), "-e", f"KEY={KEY}") in (98, 99)
    captured = capsys.readouterr()
    assert "connect" in captured.out
    assert "Traceback" not in captured.out + captured.err


def test_two_workers_send_what_one_would(write: Write, target: str) -> None:
    words = [
        write(),
        "--target",
        target,
        "-e",
        f"KEY={KEY}",
        "--workers",
        "2",
        "--out",
        "json=r.json",
    ]
    assert kload("run", *words) == 0
    document = json.loads(Path("r.json").read_text())
    assert document["summary"]["requests"] == 12
    assert len(document["runners"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        pytest.param(["run", "nowhere.yaml"], "No such file", id="no-such-file"),
        pytest.param(["run", "localhost:8080/a"], "http://localhost:8080/a", id="url-no-scheme"),
        pytest.param(["run", "shop.test:80"], "a URL begins with http://", id="host-no-scheme"),
        pytest.param(["run", "test.js"], "docs/from-k6.md", id="k6-script"),
        pytest.param(["run", "locustfile.py"], "docs/from-locust.md", id="locustfile"),
        pytest.param(["run", "x.yaml", "--workers", "0"], "--workers 0", id="no-workers"),
        pytest.param(
            ["run", "x.yaml", "--out", "pdf"], "json, junit, markdown", id="unknown-format"
        ),
        pytest.param(
            ["run", "x.yaml", "--iteration", "5"], "did you mean --iterations?", id="near-miss"
        ),
        pytest.param(["run"], "FILE|URL", id="nothing-to-run"),
        pytest.param(
            ["run", "x.yaml", "--vus", "x"], "--vus: invalid int value: 'x'\n", id="no-number"
        ),
        pytest.param(["run", "x.yaml", "-v"], "add --once", id="verbose-without-once"),
        pytest.param(
            ["run", "x.yaml", "--once", "--out", "json"], "--once prints", id="once-and-results"
        ),
        pytest.param(
            ["run", "x.yaml", "--prometheus-port", "65536"], "from 1 to 65535", id="no-port"
        ),
        pytest.param(
            ["run", "http://127.0.0.1", "--env-file", "no"],
            "--env-file no: No such file",
            id="no-env-file",
        ),
        pytest.param(["dance"], "invalid choice", id="unknown-command"),
    ],
)
def test_wrong_words_end_with_104_and_what_would_be_right(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert kload(*words) == 104
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused_before_any_load(
    target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = target.rpartition(":")[2]
    assert kload("run", target, "--iterations", "1", "--prometheus-port", taken) == 104
    assert f"--prometheus-port: port {taken}: " in capsys.readouterr().err
    assert kept() == []


@pytest.mark.parametrize("mode", [[], ["--once"]], ids=["run", "once"])
def test_a_missing_data_file_is_refused_with_its_line(
    folder: Path, capsys: pytest.CaptureFixture[str], mode: list[str]
) -> None:
    (folder / "t.yaml").write_text(
        "apiVersion: kload.dev/v1alpha1\nkind: LoadTest\nmetadata: {name: t}\n"
        "spec:\n  target: {baseURL: http://127.0.0.1:1}\n"
        "  data:\n    users: {file: gone.csv}\n"
        "  scenarios:\n    s: {executor: constant-vus, duration: 1s, data: users, steps: [{get: /}]}\n"
    )
    assert kload("run", "t.yaml", *mode) == 104
    error = capsys.readouterr().err
    assert error.startswith("t.yaml:7: spec.data.users")
    assert "gone.csv" in error


def test_a_run_that_cannot_be_kept_still_has_its_verdict_and_outputs(
    target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / ".kload").write_text("in the way")
    assert kload("run", target, "--iterations", "1", "--out", "json=r.json") == 0
    assert (folder / "r.json").exists()
    assert "cannot write .kload/runs" in capsys.readouterr().err


def test_a_results_file_that_cannot_be_written_is_refused_before_any_load(
    target: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "file").write_text("no folder")
    assert kload("run", target, "--iterations", "1", "--out", "json=file/r.json") == 104
    assert "nothing can be written below" in capsys.readouterr().err
    assert kept() == []


def test_options_may_stand_between_files(write: Write, target: str) -> None:
    assert kload("run", write("one"), "--target", target, write("two"), "-e", f"KEY={KEY}") == 0
    assert len(kept()) == 2


def test_a_patch_is_merged_over_the_manifest(write: Write, folder: Path, target: str) -> None:
    (folder / "shared.yaml").write_text(
        f"spec: {{target: {{baseURL: '{target}'}}, params: {{vus: 1}}}}\n"
    )
    assert kload("run", write(), "--patch", "shared.yaml", "-e", f"KEY={KEY}") == 0


def test_validate_shows_the_plan_and_sends_nothing(
    write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kload("validate", write()) == 0
    out = capsys.readouterr().out
    assert "orders.yaml is valid" in out
    assert "≤ 12" in out
    assert "must hold: http_req_duration p(95)<5s" in out


def test_validate_goes_on_after_a_bad_file(
    write: Write, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.yaml").write_text("kind: LoadTest\n")
    assert kload("validate", "bad.yaml", write()) == 104
    captured = capsys.readouterr()
    assert "orders.yaml is valid" in captured.out
    assert "bad.yaml" in captured.err


def test_what_new_writes_is_valid(folder: Path) -> None:
    assert kload("new", "mine.yaml") == 0
    assert kload("validate", "mine.yaml") == 0
