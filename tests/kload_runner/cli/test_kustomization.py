"""Kustomizations as far as LoadTests need them, beside the real kustomize where the machine has it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kload_runner.cli.kustomization import Listed, Rule, Target, chosen, find, read
from kload_runner.cli.main import main
from kload_runner.cli.output import Refused

EXAMPLES = Path(__file__).parents[3] / "examples"


def reader(path: Path) -> Mapping[str, Any]:
    document: Mapping[str, Any] = yaml.safe_load(path.read_text())
    return document


def write(folder: Path, **files: object) -> Path:
    """Write documents; `a__b` is b.yaml in the folder a. Returns the folder's kustomization."""
    for name, content in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content))
    return folder / "kustomization.yaml"


def test_resources_come_in_their_order_with_the_patches_of_the_component_first(
    tmp_path: Path,
) -> None:
    path = write(
        tmp_path,
        kustomization={
            "resources": ["b.yaml", "a.yaml"],
            "components": ["shared"],
            "patches": [{"path": "own.yaml", "target": {"kind": "LoadTest"}}],
        },
        shared__kustomization={"patches": [{"path": "all.yaml", "target": {}}]},
        shared__all={},
        own={},
        a={},
        b={},
    )
    rules = (
        Rule(tmp_path / "shared/all.yaml", Target()),
        Rule(tmp_path / "own.yaml", Target("LoadTest")),
    )
    assert read(path, reader) == (
        Listed(tmp_path / "b.yaml", rules),
        Listed(tmp_path / "a.yaml", rules),
    )


def test_an_overlay_patches_after_its_base(tmp_path: Path) -> None:
    write(
        tmp_path,
        base__kustomization={
            "resources": ["a.yaml"],
            "patches": [{"path": "p.yaml", "target": {}}],
        },
        base__p={},
        base__a={},
        staging__kustomization={
            "resources": ["../base"],
            "patches": [{"path": "p.yaml", "target": {}}],
        },
        staging__p={},
    )
    (listed,) = read(tmp_path / "staging/kustomization.yaml", reader)
    patches = [path.resolve() for path in listed.patches({})]
    assert patches == [tmp_path / "base/p.yaml", tmp_path / "staging/p.yaml"]


@pytest.mark.parametrize(
    ("target", "matches"),
    [
        pytest.param(Target(), True, id="anything"),
        pytest.param(Target("LoadTest"), True, id="the kind"),
        pytest.param(Target("Secret"), False, id="another kind"),
        pytest.param(Target(name="ticket-.*"), True, id="the name"),
        pytest.param(Target(name="ticket"), False, id="part of the name"),
        pytest.param(Target(labels={"suite": "tickets"}), True, id="a label"),
        pytest.param(Target(labels={"suite": "tickets", "x": "y"}), False, id="one label of two"),
    ],
)
def test_a_patch_is_for_what_its_target_says(target: Target, matches: bool) -> None:
    labels = {"suite": "tickets"}
    document = {"kind": "LoadTest", "metadata": {"name": "ticket-purchase", "labels": labels}}
    assert target.matches(document) is matches


def test_a_patch_without_a_target_is_for_the_resource_of_its_name(tmp_path: Path) -> None:
    patch = {"kind": "LoadTest", "metadata": {"name": "a"}}
    kustomization = {"resources": ["a.yaml"], "patches": [{"path": "p.yaml"}]}
    path = write(tmp_path, kustomization=kustomization, p=patch, a={})
    (listed,) = read(path, reader)
    assert listed.patches({"kind": "LoadTest", "metadata": {"name": "a"}}) == [tmp_path / "p.yaml"]
    assert listed.patches({"kind": "LoadTest", "metadata": {"name": "b"}}) == []


@pytest.mark.parametrize(
    ("kustomization", "message"),
    [
        pytest.param({"replacements": []}, "replacements: is not understood here", id="unknown"),
        pytest.param({"resources": ["no.yaml"]}, "resources: 'no.yaml' is no file", id="missing"),
        pytest.param({"resources": "a.yaml"}, "resources: is no list of paths", id="no list"),
        pytest.param({"resources": ["."]}, "list each other", id="itself"),
        pytest.param({"components": ["a.yaml"]}, "components: 'a.yaml' has no", id="no component"),
        pytest.param(
            {"patches": [{"patch": "x"}]}, "patches[0]: only patches in files", id="inline"
        ),
        pytest.param({"patches": [{"path": "no"}]}, "patches[0].path: there is no", id="no patch"),
        pytest.param(
            {"patches": [{"path": "a.yaml"}]}, "patches[0]: needs a target", id="no target"
        ),
        pytest.param(
            {"patches": [{"path": "a.yaml", "target": {"labelSelector": "a in (b)"}}]},
            "patches[0].target.labelSelector: 'a in (b)'",
            id="a set of labels",
        ),
        pytest.param(
            {"patches": [{"path": "a.yaml", "target": {"annotationSelector": "a=b"}}]},
            "patches[0].target: only group, kind",
            id="annotations",
        ),
    ],
)
def test_what_is_not_understood_is_refused_by_name(
    tmp_path: Path, kustomization: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, kustomization=kustomization, a={})
    with pytest.raises(Refused) as refused:
        read(path, reader)
    assert message in str(refused.value)
    assert refused.value.source.endswith("kustomization.yaml")


def test_a_folder_stands_for_its_kustomization(tmp_path: Path) -> None:
    path = write(tmp_path, kustomization={}, a={})
    assert find(tmp_path) == path
    assert find(path) == path
    assert find(tmp_path / "a.yaml") is None
    assert find(tmp_path.parent) is None


def test_a_kustomization_among_files_patches_those_it_lists(tmp_path: Path) -> None:
    rule = {"path": "p.yaml", "target": {}}
    kustomization = {"resources": ["b.yaml", "a.yaml"], "patches": [rule]}
    path = write(tmp_path, kustomization=kustomization, p={}, a={}, b={}, other={})
    a, b, other = (tmp_path / name for name in ("a.yaml", "b.yaml", "other.yaml"))
    rules = (Rule(tmp_path / "p.yaml", Target()),)
    assert chosen([a, b, path, other], reader) == [
        Listed(a, rules),
        Listed(b, rules),
        Listed(other),
    ]
    assert chosen([tmp_path], reader) == [Listed(b, rules), Listed(a, rules)]
    assert chosen([a], reader) == [Listed(a)]


def merged(document: Any, patch: Any) -> Any:
    """RFC 7396, written as the RFC has it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on this machine")
@pytest.mark.parametrize("suite", ["tickets", "usage-billing", "payments-platform"])
def test_a_suite_is_put_together_as_kustomize_does(suite: str) -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", EXAMPLES / suite], check=True, capture_output=True, text=True
    )
    documents = [doc for doc in yaml.safe_load_all(built.stdout) if doc["kind"] == "LoadTest"]
    theirs = {doc["metadata"]["name"]: doc for doc in documents}
    ours = {}
    for listed in read(EXAMPLES / suite / "kustomization.yaml", reader):
        document = reader(listed.file)
        name = document["metadata"]["name"]
        for patch in listed.patches(document):
            document = merged(document, {**reader(patch), "metadata": {}})
        ours[name] = document
    assert ours == theirs


@pytest.mark.parametrize(
    ("words", "names"),
    [
        pytest.param([], ["ticket-purchase", "scanner-burst"], id="a folder, in its order"),
        pytest.param(
            ["kustomization.yaml", "webhook-load.yaml"], ["webhook-load"], id="one of them"
        ),
        pytest.param(["*.yaml"], ["dashboard-load", "payment-load"], id="all files"),
    ],
)
def test_the_command_line_merges_what_the_kustomization_says(
    words: list[str], names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = EXAMPLES / "tickets"
    files = [path for word in words for path in sorted(folder.glob(word))] or [folder]
    assert main(["validate", *map(str, files)]) == 0
    valid = [line for line in capsys.readouterr().out.splitlines() if line.endswith("is valid")]
    assert [line.split()[0] for line in valid][: len(names)] == names


def test_a_file_without_its_kustomization_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(EXAMPLES / "tickets" / "ticket-purchase.yaml")]) == 104
    assert "spec.target.baseURL: is missing" in capsys.readouterr().err


def test_a_file_named_without_the_kustomization_that_patches_it_is_told_of_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(EXAMPLES)
    file = "usage-billing/usage/ingest_load.yaml"
    assert main(["validate", file]) == 104
    said = capsys.readouterr().err
    hint = "usage-billing/kustomization.yaml patches this file; name it too: "
    assert f"{hint}kload run usage-billing/kustomization.yaml {file}\n" in said


def test_a_file_that_no_kustomization_lists_gets_no_such_hint(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, kustomization={"resources": []}, wrong={"kind": "LoadTest"})
    assert main(["validate", str(tmp_path / "wrong.yaml")]) == 104
    assert "patches this file" not in capsys.readouterr().err


def test_what_else_a_kustomization_lists_is_left_to_kubectl(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["validate", str(EXAMPLES / "cluster")]) == 0
    assert "shop  " in capsys.readouterr().out


def test_a_file_of_other_kinds_that_is_named_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["validate", str(EXAMPLES / "cluster" / "shop.yaml")]) == 104
    assert "no LoadTest" in capsys.readouterr().err
