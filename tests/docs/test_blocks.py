"""Every block of YAML and Python in the pages for users is right: manifests and scripts run, fragments are planned.

A block says in its first line what it is: ```yaml orders.yaml is a file, which is run for one iteration of each
scenario against the demo shop; ```yaml step (or scenario, or spec) is a piece of a manifest. Files of one page stand
in one folder.
"""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import demo_shop
import pytest
import yaml
from manifests import faults, manifest, scenario, with_steps

import kload_runner
from kload_runner.cli.main import main

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/from-k6.md", "docs/from-locust.md", "docs/scripts.md")
SECRETS = ("-e", "TOKEN=t")
PAUSES = re.compile(r"sleep: .*|sleep\([\d., ]*\)")  # what a test need not wait for


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what its first line calls it, its text."""

    language: str
    label: str
    text: str


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(*found) for found in re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.M | re.S)
    ]


ALL = [(page, block) for page in PAGES for block in blocks(page)]


def labelled(language: str, wanted: Callable[[str], bool]) -> list[Any]:
    return [
        pytest.param(page, block, id=f"{page}-{block.label}-{number}")
        for number, (page, block) in enumerate(ALL)
        if block.language == language and wanted(block.label)
    ]


def hurried(text: str) -> str:
    return PAUSES.sub(lambda found: "sleep: 1ms" if ":" in found[0] else "sleep(0)", text)


@pytest.fixture(scope="module")
def target() -> Any:
    with demo_shop.serving() as url:
        yield url


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Return a function that writes the files of a page, and work where they are."""
    monkeypatch.chdir(tmp_path)

    def write(page: str) -> Path:
        for block in blocks(page):
            if "." in block.label:
                (tmp_path / block.label).write_text(hurried(block.text), encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(("page", "block"), labelled("yaml", lambda label: "." in label))
def test_a_manifest_of_a_page_succeeds_for_one_iteration(
    page: str,
    block: Block,
    target: str,
    folder: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder(page)
    secrets = SECRETS if "env.TOKEN" in block.text else ()
    code = main(["run", block.label, "--once", "--target", target, *secrets])
    assert code == 0, capsys.readouterr()


WRAPPED: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "step": lambda steps: with_steps(*steps),
    "scenario": lambda fields: manifest(scenarios={"s": fields}),
    "spec": lambda fields: manifest(**{"scenarios": {"s": scenario()}, **fields}),
}


@pytest.mark.parametrize(("page", "block"), labelled("yaml", lambda label: "." not in label))
def test_a_piece_of_a_manifest_is_right(page: str, block: Block) -> None:
    assert faults(WRAPPED[block.label](yaml.safe_load(block.text))) == []


@pytest.mark.parametrize(("page", "block"), labelled("python", lambda label: "test_" in label))
def test_a_test_of_a_page_passes(
    page: str,
    block: Block,
    target: str,
    folder: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    where = folder(page)
    shortened = partial(kload_runner.run)

    def run(path: str, **given: Any) -> Any:
        return shortened(path, **{**given, "target": target, "vus": 2, "duration": "0.1s"})

    monkeypatch.setattr(kload_runner, "run", run)
    for name, function in runpy.run_path(str(where / block.label)).items():
        if name.startswith("test_"):
            function()


def test_the_refusal_on_the_first_page_is_what_is_said(
    folder: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder("README.md") / "orders.yaml"
    file.write_text(
        file.read_text().replace("has an id: size(json.id) > 0", "is 201: res.status == 201")
    )
    assert main(["validate", file.name]) == 104
    said = capsys.readouterr().err.splitlines()[0]
    assert said in " ".join((ROOT / "README.md").read_text().split())


def test_every_block_of_python_is_a_file_that_is_run() -> None:
    for page, block in ALL:
        if block.language == "python":
            used = f"entry: {block.label}" in (ROOT / page).read_text(encoding="utf-8")
            assert block.label.startswith("test_") or used


def test_links_between_pages_lead_somewhere() -> None:
    for page in [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *ROOT.glob("examples/*/README.md"),
    ]:
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
            path, _, anchor = link.partition("#")
            file = (page.parent / path) if path else page
            assert file.exists(), f"{page.relative_to(ROOT)}: {link}"
            if anchor and file.suffix == ".md":
                assert anchor in anchors(file), f"{page.relative_to(ROOT)}: {link}"


def anchors(page: Path) -> set[str]:
    """Return the anchors GitHub makes of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}
