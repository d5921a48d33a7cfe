"""LoadTests out of files: several documents, lists, other kinds, patches, lines of faults."""

from __future__ import annotations

import pytest
import yaml
from manifests import manifest

from kload_spec.errors import InvalidSpec, Problem
from kload_spec.loading import Document, load_text, merge_patch, patched, read_documents

TEST = yaml.safe_dump(manifest())
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


def test_every_loadtest_of_a_file_is_loaded_in_order() -> None:
    second = TEST.replace("name: shop", "name: other")
    assert [document.name for document in load_text(f"{TEST}---\n{second}")] == ["shop", "other"]


def test_other_kinds_are_passed_over() -> None:
    assert [document.name for document in load_text(f"{OTHER}---\n{TEST}", "a.yaml")] == ["shop"]


def test_a_list_is_taken_apart_and_keeps_its_lines() -> None:
    items = "\n".join(f"    {line}" for line in TEST.splitlines())
    text = f"apiVersion: v1\nkind: List\nitems:\n  -\n{items}\n"
    (document,) = load_text(text)
    assert document.name == "shop"
    assert (
        text.splitlines()[(document.line_of("spec.scenarios.buy.vus") or 0) - 1].strip() == "vus: 2"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "the file is empty; `kload new` writes a test to start from", id="empty"),
        pytest.param(
            "# only a comment\n",
            "the file is empty; `kload new` writes a test to start from",
            id="comment",
        ),
        pytest.param(
            OTHER,
            "the file holds ConfigMap (v1), but no LoadTest (apiVersion: kload.dev/v1alpha1)",
            id="other kind",
        ),
        pytest.param(
            "apiVersion: k6.io/v1alpha1\nkind: TestRun\nspec: {parallelism: 4}",
            "the file holds TestRun (k6.io/v1alpha1), but no LoadTest (apiVersion: kload.dev/v1alpha1);"
            " docs/from-k6.md shows how to carry it over",
            id="of the k6 operator",
        ),
        pytest.param(
            "- a",
            "a document is a list, not a map; a LoadTest begins with apiVersion and kind",
            id="list",
        ),
        pytest.param(
            "hello",
            "a document is 'hello', not a map; a LoadTest begins with apiVersion and kind",
            id="word",
        ),
        pytest.param(
            "a: 1",
            "the file holds a map without a kind, but no LoadTest (apiVersion: kload.dev/v1alpha1)",
            id="no kind",
        ),
    ],
)
def test_a_file_without_a_loadtest_is_told_so(text: str, said: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        load_text(text)
    assert str(error.value) == said


@pytest.mark.parametrize(
    "change",
    [{"kind": "Loadtest"}, {"apiVersion": "kload.dev/v1"}, {"kind": None}, {"apiVersion": None}],
    ids=str,
)
def test_a_slip_in_kind_or_version_is_left_to_the_models_to_tell(change: dict[str, object]) -> None:
    document = {key: value for key, value in {**manifest(), **change}.items() if value is not None}
    assert len(load_text(yaml.safe_dump(document))) == 1


def test_faults_get_their_lines_in_the_order_of_the_file() -> None:
    document = Document({}, lines={"": 1, "spec": 2, "spec.b": 5, "spec.a": 3, 'spec.c["x y"]': 7})
    error = InvalidSpec(
        [
            Problem("spec.b.c[1]", "x"),
            Problem("spec.a", "x"),
            Problem('spec.c["x y"].z', "x"),
            Problem("--vus", "x"),
            Problem("spec.d", "x", 4),
        ]
    )
    found = [(problem.path, problem.line) for problem in document.located(error).problems]
    assert found == [
        ("--vus", None),
        ("spec.a", 3),
        ("spec.d", 4),
        ("spec.b.c[1]", 5),
        ('spec.c["x y"].z', 7),
    ]


@pytest.mark.parametrize(
    ("target", "patch", "merged"),
    [  # the table of RFC 7386, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_patch_merges_as_rfc_7386_says(target: object, patch: object, merged: object) -> None:
    assert merge_patch(target, patch) == merged


def test_a_patch_changes_spec_and_labels_but_not_the_name() -> None:
    (document,) = load_text(TEST)
    (patch,) = read_documents(
        "kind: LoadTest\nmetadata: {name: anything, labels: {team: a}}\n"
        "spec: {scenarios: {buy: {vus: 9}}, target: null}\n"
    )
    value = patched(document, patch).value
    assert value["metadata"] == {"name": "shop", "namespace": "staging", "labels": {"team": "a"}}
    assert value["spec"]["scenarios"]["buy"]["vus"] == 9
    assert "target" not in value["spec"]
    assert document.value["spec"]["scenarios"]["buy"]["vus"] == 2


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param("spec.scenarios", 3, id="itself"),
        pytest.param("spec.scenarios.buy.vus", 3, id="its-parent"),
        pytest.param('spec.checks["a.b: [c]"]', 2, id="behind-a-quoted-key"),
        pytest.param("spec.stages[4].target", 2, id="behind-an-index"),
        pytest.param("status", 1, id="the-file"),
    ],
)
def test_a_path_without_a_line_has_that_of_what_holds_it(path: str, line: int) -> None:
    document = Document({}, lines={"": 1, "spec": 2, "spec.scenarios": 3})
    assert document.line_of(path) == line


def test_an_option_of_the_command_line_has_no_line() -> None:
    problems = [Problem("spec", "is wrong"), Problem("--vus", "0 is below 1")]
    located = Document({}, lines={"": 1, "spec": 7}).located(InvalidSpec(problems))
    assert [(problem.path, problem.line) for problem in located.problems] == [
        ("--vus", None),
        ("spec", 7),
    ]


def test_a_patched_entry_has_no_line_of_the_file() -> None:
    (document,) = load_text(TEST)
    (patch,) = read_documents("spec: {scenarios: {buy: {vus: -1}}}")
    changed = patched(document, patch)
    assert "spec.scenarios.buy.vus" not in changed.lines
    assert "spec.scenarios.buy.duration" in changed.lines


def test_a_patch_holds_nothing_but_spec_and_metadata() -> None:
    (document,) = load_text(TEST)
    (patch,) = read_documents("scenarios: {}")
    with pytest.raises(InvalidSpec, match="scenarios: cannot be patched; a patch holds spec"):
        patched(document, patch)
