"""`kload new` writes a file that is valid as it stands."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from kload_runner.cli.new import DEFAULT_TARGET, new
from kload_runner.cli.output import Refused


def written(file: Path, target: str = DEFAULT_TARGET) -> str:
    assert new(argparse.Namespace(file=file, target=target)) == 0
    return file.read_text()


def test_the_file_is_named_after_itself_and_loads_the_given_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = written(tmp_path / "Ticket Shop.yaml", "http://127.0.0.1:9999")
    assert "name: ticket-shop" in text
    assert "baseURL: http://127.0.0.1:9999" in text
    assert "kload run" in capsys.readouterr().out


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "loadtest.yaml"
    file.write_text("mine")
    with pytest.raises(Refused, match="does not overwrite"):
        written(file)
    assert file.read_text() == "mine"


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No such file"):
        written(tmp_path / "nowhere" / "loadtest.yaml")


@pytest.mark.parametrize("target", ["localhost:80", "http://", "http://x/ #y", "ftp://x"])
def test_a_target_that_is_no_base_url_is_refused_and_nothing_written(
    tmp_path: Path, target: str
) -> None:
    with pytest.raises(Refused, match="no base URL"):
        written(tmp_path / "loadtest.yaml", target)
    assert list(tmp_path.iterdir()) == []
