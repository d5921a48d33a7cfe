"""Who has the last word: manifest, patches, params and environment on one command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_runner.cli.main import main

MANIFEST = """\
apiVersion: kload.dev/v1alpha1
kind: LoadTest
metadata: {name: t}
spec:
  params: {who: manifest, times: 1}
  env: [{name: KLOAD_TEST_WORD, value: manifest}]
  scenarios:
    a:
      executor: per-vu-iterations
      iterations: $(params.times)
      steps: [{log: "$(params.who) $(env.KLOAD_TEST_WORD)"}]
    b: {executor: per-vu-iterations, steps: [{log: b}]}
"""
FIRST = "spec: {params: {who: first, times: 2}, scenarios: {b: null}}\n"
SECOND = "spec: {params: {who: second}}\n"
WHO = ("manifest", "first", "second", "param")
WORDS = ("manifest", "shell", "file", "word")


@pytest.mark.parametrize(
    ("words", "shell", "logged"),
    [
        pytest.param("", "", ["manifest manifest", "b"], id="the-manifest"),
        pytest.param("--patch 1.yaml", "", ["first manifest"] * 2, id="a-patch-and-null-removes"),
        pytest.param("--patch 1.yaml --patch 2.yaml", "", ["second manifest"] * 2, id="in-order"),
        pytest.param("--patch 2.yaml --patch 1.yaml", "", ["first manifest"] * 2, id="other-order"),
        pytest.param(
            "-p who=param --patch 1.yaml", "", ["param manifest"] * 2, id="a-param-over-patches"
        ),
        pytest.param("", "shell", ["manifest shell", "b"], id="the-shell"),
        pytest.param(
            "--env-file vars", "shell", ["manifest file", "b"], id="a-file-over-the-shell"
        ),
        pytest.param(
            "-e KLOAD_TEST_WORD=word --env-file vars",
            "shell",
            ["manifest word", "b"],
            id="e-over-all",
        ),
        pytest.param("--scenario b", "", ["b"], id="one-scenario"),
        pytest.param(
            "--scenario a --vus 1 --iterations 3", "", ["manifest manifest"] * 3, id="a-quick-run"
        ),
    ],
)
def test_the_nearest_word_wins(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    shell: str,
    logged: list[str],
) -> None:
    for name, text in (("t", MANIFEST), ("1", FIRST), ("2", SECOND)):
        (folder / f"{name}.yaml").write_text(text)
    (folder / "vars").write_text("KLOAD_TEST_WORD=file\n")
    if shell:
        monkeypatch.setenv("KLOAD_TEST_WORD", shell)
    assert main(["run", "t.yaml", *words.split()]) == 0
    lines = capsys.readouterr().out.splitlines()
    texts = ("b", *(f"{who} {word}" for who in WHO for word in WORDS))
    assert sorted(line for line in lines if line in texts) == sorted(logged)
