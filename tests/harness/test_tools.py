"""Tools are built once per checksum of what pins them, and a build that was cut off goes on where it stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cluster import tools
from cluster.failures import ClusterError
from cluster.tools import Program, Tool

# Stands for the go command: notes what it was asked to build, and fails for a program called "broken".
GO = """#!/bin/sh
while [ $# -gt 0 ]; do
  [ "$1" = -o ] && out=$2
  [ "$1" = -ldflags ] && flags=$2
  last=$1
  shift
done
echo "$last" >> "$GO_LOG"
case $last in *broken*) [ -e "$GO_LOG.repaired" ] || { echo "does not compile" >&2; exit 1; } ;; esac
echo "$flags" > "$out"
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a pretended go command notes what it builds."""
    folder = tmp_path / "path"
    folder.mkdir()
    (folder / "go").write_text(GO)
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("GO_LOG", str(tmp_path / "go.log"))
    monkeypatch.setattr(tools, "MODULES", tmp_path / "tools")
    return tmp_path / "go.log"


def pinned(folder: Path, version: str = "v1.2.3", checksum: str = "h1:a") -> None:
    """Write what pins the tool called ``thing``."""
    place = folder / "tools" / "thing"
    place.mkdir(parents=True, exist_ok=True)
    (place / "go.mod").write_text(
        f"module m\n\nrequire (\n\texample.org/thing {version} // indirect\n)\n"
    )
    (place / "go.sum").write_text(f"example.org/thing {version} {checksum}\n")


def thing(*names: str) -> Tool:
    programs = tuple(Program(name, f"example.org/thing/cmd/{name}", 1) for name in names)
    return Tool(
        "thing", "example.org/thing", programs, ("example.org/v.gitMinor", "example.org/v.Version")
    )


def test_a_program_is_built_once(log: Path, tmp_path: Path) -> None:
    pinned(tmp_path)
    box = tools.build(tmp_path / "cache", (thing("one", "two"),))
    tools.build(tmp_path / "cache", (thing("one", "two"),))
    assert log.read_text().split() == ["example.org/thing/cmd/one", "example.org/thing/cmd/two"]
    assert (
        Path(box["one"]).read_text()
        == "-s -w -X example.org/v.gitMinor=2 -X example.org/v.Version=1.2.3\n"
    )
    assert box.versions == {"thing": "v1.2.3"}


def test_a_build_that_was_cut_off_goes_on_with_what_is_missing(log: Path, tmp_path: Path) -> None:
    pinned(tmp_path)
    wanted = (thing("one", "broken", "three"),)
    with pytest.raises(ClusterError, match="building broken failed:\ndoes not compile"):
        tools.build(tmp_path / "cache", wanted)
    Path(f"{log}.repaired").touch()
    tools.build(tmp_path / "cache", wanted)
    built = [line.rpartition("/")[2] for line in log.read_text().split()]
    assert built == ["one", "broken", "broken", "three"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"version": "v1.2.4"}, id="version"),
        pytest.param({"checksum": "h1:b"}, id="checksum"),
    ],
)
def test_another_pin_is_another_build_beside_the_old_one(
    log: Path, tmp_path: Path, change: dict[str, str]
) -> None:
    pinned(tmp_path)
    before = tools.build(tmp_path / "cache", (thing("one"),))["one"]
    pinned(tmp_path, **change)
    after = tools.build(tmp_path / "cache", (thing("one"),))["one"]
    assert before != after
    assert Path(before).exists()
    pinned(tmp_path)
    assert tools.find(tmp_path / "cache", (thing("one"),))["one"] == before
    assert len(log.read_text().split()) == 2


def test_every_tool_is_pinned_to_a_release_and_names_no_address() -> None:
    for tool in tools.TOOLS:
        assert tool.version().startswith("v")
        assert "-0." not in tool.version(), f"{tool.name} is pinned to a commit, not to a release"
        assert "://" not in (tool.folder / "go.sum").read_text()
        module = (tool.folder / "go.mod").read_text()
        assert all(program.package in module for program in tool.programs)
