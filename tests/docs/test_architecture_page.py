"""docs/architecture.md names what is there: modules, folders, and a reason for every dependency."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
MODULES = sorted(
    {
        name
        for name in re.findall(r"`(kload_(?:spec|runner|operator)(?:\.[a-z_]+)+)`", PAGE)
        if not name.endswith((".run", ".yaml"))
    }
)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_that_is_named_exists(module: str) -> None:
    root, *parts = module.split(".")
    found = find_spec(root)
    assert found is not None
    assert found.submodule_search_locations
    place = Path(found.submodule_search_locations[0], *parts)
    assert place.with_suffix(".py").exists() or (place / "__init__.py").exists()


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["operator"]]
    rows = " ".join(re.findall(r"^\| ([\w, -]+) \|", PAGE, re.M)).lower()
    for requirement in wanted:
        name = re.split(r"[<>=; ]", requirement)[0].lower()
        assert re.search(rf"\b{re.escape(name)}\b", rows), name


@pytest.mark.parametrize("folder", ["fleet", "rehearsal"])
def test_the_folders_of_the_runner_are_told_of(folder: str) -> None:
    assert folder in PAGE
