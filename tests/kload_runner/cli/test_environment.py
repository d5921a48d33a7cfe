"""Where the values of a test's variables come from on a laptop."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_runner.cli.environment import assignments, read_env_file, resolve_env
from kload_runner.cli.output import Refused
from kload_spec.plan import EnvDeclaration


@pytest.mark.parametrize(
    ("given", "file", "shell", "expected"),
    [
        pytest.param({"K": "option"}, {"K": "file"}, {"K": "shell"}, "option", id="option-wins"),
        pytest.param({}, {"K": "file"}, {"K": "shell"}, "file", id="file-over-shell"),
        pytest.param({}, {}, {"K": "shell"}, "shell", id="shell-over-manifest"),
        pytest.param({}, {}, {}, "manifest", id="manifest-last"),
        pytest.param({"K": ""}, {"K": "file"}, {}, "", id="an-empty-value-is-a-value"),
    ],
)
def test_the_nearest_place_wins(
    given: dict[str, str], file: dict[str, str], shell: dict[str, str], expected: str
) -> None:
    declared = [EnvDeclaration("K", value="manifest")]
    found = resolve_env(declared, given=given, file=file, shell=shell, source="t.yaml")
    assert found.values == {"K": expected}


def test_all_missing_variables_are_named_at_once() -> None:
    declared = [
        EnvDeclaration("KEY", secret=True),
        EnvDeclaration("URL"),
        EnvDeclaration("SET", value="x"),
    ]
    found = resolve_env(declared, given={}, file={}, shell={}, source="t.yaml")
    with pytest.raises(Refused) as refused:
        found.complete("t.yaml")
    assert found.values == {"SET": "x"}
    assert [problem.path for problem in refused.value.problems] == ["env KEY", "env URL"]
    assert "export KEY=" in refused.value.problems[0].message


def test_an_optional_variable_is_empty_with_a_warning() -> None:
    declared = [EnvDeclaration("ORG_ID", optional=True)]
    found = resolve_env(declared, given={}, file={}, shell={}, source="t.yaml")
    assert found.values == {"ORG_ID": ""}
    assert found.warnings == ("ORG_ID is not set; it is optional and reads as empty",)


def test_a_variable_the_test_does_not_declare_is_refused() -> None:
    with pytest.raises(Refused, match="no such variable"):
        resolve_env([], given={"TYPO": "1"}, file={}, shell={}, source="t.yaml")


def test_an_env_file_is_read_as_docker_and_shells_do(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# keys\nA=1\nexport B='two words'\n\nC=a=b\nD=\n")
    assert read_env_file(file) == {"A": "1", "B": "two words", "C": "a=b", "D": ""}


def test_a_broken_env_file_names_the_line(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("A=1\nnonsense\n")
    with pytest.raises(Refused) as refused:
        read_env_file(file)
    assert refused.value.problems[0].line == 2


def test_a_word_without_equals_says_what_to_write() -> None:
    with pytest.raises(Refused, match="write -p NAME=VALUE"):
        assignments(["peak"], "-p")


def test_a_line_of_an_env_file_that_is_none_is_named_by_number_not_by_content(
    tmp_path: Path,
) -> None:
    file = tmp_path / ".env"
    file.write_text("KEY=-----BEGIN KEY-----\nc2VjcmV0\n")
    with pytest.raises(Refused) as refused:
        read_env_file(file)
    assert [problem.line for problem in refused.value.problems] == [2]
    assert "c2VjcmV0" not in str(refused.value)
