"""What a runner has read of its test's files, as one hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from kload_runner.files import FilesRead, content_of
from kload_spec.errors import InvalidSpec


def test_the_hash_follows_content_and_path_and_not_the_folder_or_the_order(tmp_path: Path) -> None:
    hashes = []
    for folder, names, text in (
        ("here", ("a.csv", "b.csv"), "1"),
        ("there", ("b.csv", "a.csv"), "1"),
        ("changed", ("a.csv", "b.csv"), "2"),
    ):
        files = FilesRead(tmp_path / folder)
        files.base_dir.mkdir()
        for name in names:
            (files.base_dir / name).write_text(name + text)
            files.read(name)
        hashes.append(files.hash)
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_test_without_files_has_no_hash(tmp_path: Path) -> None:
    assert FilesRead(tmp_path).hash == ""


def test_a_file_that_cannot_be_read_is_refused_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InvalidSpec) as refused:
        content_of("gone.csv", "spec.data.users.file", FilesRead(tmp_path).read)
    assert str(refused.value) == "spec.data.users.file: gone.csv: No such file or directory"
