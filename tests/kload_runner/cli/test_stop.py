"""`kload stop` stops the run in progress and no other; kubectl is a program that writes down what it is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kload_runner.cli.main import main

RUN = {"number": 3, "uid": "run-3"}
KUBECTL = """#!/bin/sh
echo "$@" >> {folder}/asked
case "$1" in get) cat {folder}/answer;; esac
"""


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder: `answer` is the LoadTest, `asked` is what kubectl was asked."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL.format(folder=tmp_path))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def test_the_run_in_progress_is_told_to_stop(
    kubectl: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (kubectl / "answer").write_text(json.dumps({"status": {"phase": "Running", "run": RUN}}))
    assert main(["stop", "shop", "-n", "staging", "--context", "test"]) == 0
    _, annotated = (kubectl / "asked").read_text().splitlines()
    assert annotated.startswith(
        "annotate loadtests.kload.dev shop kload.dev/abort=run-3 --overwrite"
    )
    assert annotated.endswith("--namespace=staging --context=test")
    assert "run 3 is told to stop" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param({}, "shop has no run yet", id="no run"),
        pytest.param(
            {"run": RUN, "verdict": "Passed"}, "run 3 of shop has ended already: Passed", id="over"
        ),
    ],
)
def test_without_a_run_in_progress_nothing_is_done(
    kubectl: Path, capsys: pytest.CaptureFixture[str], status: dict[str, Any], told: str
) -> None:
    (kubectl / "answer").write_text(json.dumps({"status": status}))
    assert main(["stop", "shop"]) == 1
    assert told in capsys.readouterr().err
    assert "annotate" not in (kubectl / "asked").read_text()


def test_without_kubectl_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["stop", "shop"]) != 0
    assert "kubectl" in capsys.readouterr().err
