"""`kload validate` looks at everything that `kload run` would refuse before any load, in the same words."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_runner.cli.main import main

HEAD = "apiVersion: kload.dev/v1alpha1\nkind: LoadTest\nmetadata: {name: t}\nspec:\n"
LOAD = "executor: constant-vus, duration: 1s"
STEPS = f"  scenarios:\n    s: {{{LOAD}, steps: [{{get: /}}]}}\n"
FED = f"  scenarios:\n    s: {{{LOAD}, data: users, steps: [{{get: /}}]}}\n"
SCRIPTED = f"  scenarios:\n    s: {{{LOAD}, exec: buy}}\n"
HERE = "  target: {baseURL: http://127.0.0.1:1}\n"
USERS = HERE + "  data: {users: {file: users.%s}}\n" + FED
SCRIPT = HERE + "  script: {entry: buy.py}\n" + SCRIPTED


def manifest(folder: Path, spec: str, **files: str) -> str:
    """Write a test and the files beside it, `buy_py` as buy.py."""
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    (folder / "t.yaml").write_text(HEAD + spec)
    return "t.yaml"


@pytest.mark.parametrize(
    ("spec", "files", "says"),
    [
        pytest.param(USERS % "csv", {}, "users.csv: No such file", id="no-data-file"),
        pytest.param(USERS % "json", {"users_json": "["}, "is not JSON", id="no-json"),
        pytest.param(USERS % "csv", {"users_csv": "a,b\n1\n"}, "line 2", id="bad-csv"),
        pytest.param(USERS % "csv", {"users_csv": "a\n"}, "holds no row", id="no-rows"),
        pytest.param(
            (USERS % "csv").replace("users.csv", "users.csv, columns: [b]"),
            {"users_csv": "a\n1\n"},
            "has no column 'b'",
            id="no-column",
        ),
        pytest.param(SCRIPT, {}, "buy.py: No such file", id="no-script"),
        pytest.param(
            HERE.replace(":1}", ":1, tls: {ca: {file: ca.pem}}}") + STEPS,
            {},
            "ca.pem: No such file",
            id="no-certificate",
        ),
        pytest.param(
            HERE.replace("http:", "https:").replace(":1}", ":1, tls: {ca: {file: ca.pem}}}")
            + STEPS,
            {"ca_pem": "junk"},
            "spec.target.tls",
            id="no-certificate-in-it",
        ),
        pytest.param(
            "  env: [{name: URL, value: nonsense}]\n  target: {baseURL: $(env.URL)}\n" + STEPS,
            {},
            "spec.target.baseURL",
            id="url-by-the-environment",
        ),
        pytest.param(
            HERE + STEPS.replace("get: /", "post: /, multipart: {files: {image: i.png}}"),
            {},
            "i.png: No such file",
            id="no-upload",
        ),
    ],
)
def test_what_a_run_would_refuse_is_invalid(
    folder: Path, capsys: pytest.CaptureFixture[str], spec: str, files: dict[str, str], says: str
) -> None:
    name = manifest(folder, spec, **files)
    codes, errors = [], []
    for command in ("validate", "run"):
        codes.append(main([command, name]))
        errors.append(capsys.readouterr().err)
    assert codes == [104, 104]
    assert says in errors[0]
    assert errors[0] == errors[1]
    assert not (folder / ".kload").exists()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        pytest.param("1 / 0\n", "buy.py:1: ZeroDivisionError", id="raises"),
        pytest.param("async def sell(vu): ...\n", "buy.py has no function 'buy'", id="no-function"),
    ],
)
@pytest.mark.parametrize("env", ["", "  env: [{name: KEY}]\n"], ids=["", "without-env"])
def test_a_script_that_cannot_be_used_ends_with_107(
    folder: Path, capsys: pytest.CaptureFixture[str], code: str, says: str, env: str
) -> None:
    assert main(["validate", manifest(folder, env + SCRIPT, buy_py=code)]) == 107
    assert says in capsys.readouterr().err


def test_a_variable_without_a_value_is_noted_since_ci_may_have_no_secrets(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "  env: [{name: SHOP_URL}]\n  target: {baseURL: $(env.SHOP_URL)}\n" + STEPS
    name = manifest(folder, spec)
    assert main(["validate", name]) == 0
    out = capsys.readouterr().out
    assert "env SHOP_URL is not set here, and kload run needs it" in out
    assert "was not checked" in out
    assert main(["validate", name, "-e", "SHOP_URL=http://127.0.0.1:1"]) == 0
    assert "SHOP_URL" not in capsys.readouterr().out
    assert main(["validate", name, "-e", "SHOP_URL=nonsense"]) == 104


def test_files_are_looked_at_without_the_environment_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["validate", manifest(folder, "  env: [{name: KEY}]\n" + USERS % "csv")]) == 104
    assert "users.csv: No such file" in capsys.readouterr().err
