"""YAML is read as kubectl reads it, with the line of every entry; what YAML would cut is caught."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec.errors import InvalidSpec
from kload_spec.loading.reader import MAX_CHARS, MAX_DEPTH, RawDocument, read_yaml


def value_of(text: str) -> object:
    (document,) = read_yaml(text)
    return document.value


def told(text: str) -> list[tuple[int | None, str]]:
    with pytest.raises(InvalidSpec) as error:
        read_yaml(text)
    return [(problem.line, str(problem)) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: yes", {"a": True}, id="words for true"),
        pytest.param("a: 'yes'", {"a": "yes"}, id="quoted text stays text"),
        pytest.param("a: 2024-01-01", {"a": "2024-01-01"}, id="a date is text"),
        pytest.param("a: 12:30", {"a": "12:30"}, id="base 60 is text"),
        pytest.param("a: 3.0", {"a": 3}, id="a float without a fraction is an integer"),
        pytest.param("a:", {"a": None}, id="nothing is null"),
        pytest.param("b: 1\na: 2", {"a": 2, "b": 1}, id="keys are sorted"),
        pytest.param("on: 1", {"true": 1}, id="keys become text as in JSON"),
        pytest.param("80: x", {"80": "x"}, id="number as key"),
        pytest.param("a: !!str 5", {"a": "5"}, id="a tag of JSON that fits"),
        pytest.param("a: !!int 5", {"a": 5}, id="integer tag"),
        pytest.param(
            "a: &x {c: 1}\nb: *x", {"a": {"c": 1}, "b": {"c": 1}}, id="a reference is expanded"
        ),
        pytest.param(
            "a: &x {c: 1, d: 1}\nb: {<<: *x, d: 2}",
            {"a": {"c": 1, "d": 1}, "b": {"c": 1, "d": 2}},
            id="merge",
        ),
        pytest.param(
            "v: &v {a: 1}\nw: &w {a: 2, b: 2}\nz: {<<: [*v, *w]}",
            {"v": {"a": 1}, "w": {"a": 2, "b": 2}, "z": {"a": 1, "b": 2}},
            id="merge of a list",
        ),
        pytest.param(
            "x: &x {a: 1}\nz: {a: 2, <<: *x}",
            {"x": {"a": 1}, "z": {"a": 1}},
            id="merge over, as go-yaml does",
        ),
        pytest.param("a: |\n  x: # y\n", {"a": "x: # y\n"}, id="a block is never cut"),
        pytest.param(
            '{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}, id="JSON is YAML"
        ),
        pytest.param("a: 5 # five", {"a": 5}, id="a comment after a number"),
        pytest.param("a: x # a comment", {"a": "x"}, id="a comment after a text"),
        pytest.param(
            "a: {b: don't}", {"a": {"b": "don't"}}, id="an apostrophe leaves nothing open"
        ),
    ],
)
def test_yaml_becomes_what_the_api_server_would_see(text: str, value: object) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        pytest.param(
            "a: x ? b : c",
            1,
            "a text with ': ' in it ends there; quote it or use block style; if this is a field, indent it like its"
            " neighbours",
            id="colon",
        ),
        pytest.param(
            "\na: {b: x ? c : d}",
            2,
            "a ': ' or comma ended a text inside {}; quote it or use block style",
            id="colon in a flow map",
        ),
        pytest.param(
            "a: {b: f(x, y)}",
            1,
            "a.b: the text 'f(x' was ended by a comma or bracket; quote it or use block style",
            id="comma in a flow map",
        ),
        pytest.param(
            "a: [f(x, y)]",
            1,
            "a[0]: the text 'f(x' was ended by a comma or bracket; quote it or use block style",
            id="comma in a flow list",
        ),
        pytest.param(
            "a: !checks.ok",
            1,
            "a: begins with !, which YAML takes for a tag; quote it: '!checks.ok'",
            id="not",
        ),
        pytest.param(
            "a: !(x || y)",
            1,
            "a value that begins with ! is a tag in YAML; quote it",
            id="not of brackets",
        ),
        pytest.param(
            "a: !x && y",
            1,
            "a value that begins with ! is a tag in YAML; quote it",
            id="not, then and",
        ),
        pytest.param(
            "a: &x&", 1, "a value that begins with & is an anchor in YAML; quote it", id="and"
        ),
        pytest.param(
            "a: *x", 1, "a value that begins with * is a reference in YAML; quote it", id="star"
        ),
        pytest.param(
            "a: %x",
            1,
            "a value cannot begin with this character (%, @ or `); quote it",
            id="percent",
        ),
        pytest.param(
            "a: f('x #y')",
            1,
            'a: the text "f(\'x" ends before "#y\')", which YAML takes for a comment; quote it or use block style',
            id="hash within quotes",
        ),
        pytest.param(
            "a: order #5",
            1,
            "a: the text 'order' ends before '#5', which YAML takes for a comment; quote it or use block style",
            id="hash without a blank",
        ),
        pytest.param("a:\n\t- b", 2, "the line is indented with a tab; use blanks", id="tab"),
        pytest.param(
            'a: "x" y',
            1,
            "the indentation does not fit, or a text goes on after its closing quote",
            id="text after a quote",
        ),
        pytest.param('a: "x', 1, "a quote or bracket is never closed", id="open quote"),
        pytest.param(
            "a: 1\nb: 2\na: 3", 3, "a: is there twice (first in line 1); keep one", id="twice"
        ),
        pytest.param(
            "a: !!timestamp 2024-01-01",
            1,
            "a: !!timestamp does not fit here; leave it away",
            id="tag JSON does not have",
        ),
        pytest.param(
            "a: !!set {x}",
            1,
            "a: tag:yaml.org,2002:set is a tag; leave it away, or quote the value",
            id="tag of a map",
        ),
        pytest.param(
            "a: .inf",
            1,
            "a: .inf is no number that can be sent as JSON; quote it if it is text",
            id="infinity",
        ),
        pytest.param(
            "a: 12345678901234567890",
            1,
            "a: 12345678901234567890 has too many digits for a number; quote it to keep all of them",
            id="too many digits",
        ),
        pytest.param(
            "? [a]\n: 1", 1, "has a list or map as a key; quote the key", id="list as key"
        ),
        pytest.param("a: {~: 1}", 1, "a: has an entry without a key", id="no key"),
        pytest.param(
            "a: {<<: 5}",
            1,
            "a: << needs a map, or a list of maps, to merge",
            id="merge of a number",
        ),
        pytest.param("&a [*a]", 1, "[0]: contains itself through a reference (*)", id="recursion"),
        pytest.param("a: \x01", 1, "the file holds a control character", id="control character"),
    ],
)
def test_what_yaml_would_cut_is_told_with_its_line(text: str, line: int, said: str) -> None:
    assert told(text)[0] == (line, said)


def test_every_entry_has_its_line() -> None:
    (document,) = read_yaml("a:\n  b: 1\n  c:\n    - x\n    - d: 2\n")
    assert document.lines == {
        "": 1,
        "a": 1,
        "a.b": 2,
        "a.c": 3,
        "a.c[0]": 4,
        "a.c[1]": 5,
        "a.c[1].d": 5,
    }


def test_documents_without_a_value_are_left_out() -> None:
    assert [document.value for document in read_yaml("---\n---\na: 1\n---\n# nothing\n")] == [
        {"a": 1}
    ]


def test_references_that_multiply_are_bounded() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    ((_, said),) = told("\n".join(lines))
    assert said.endswith("holds more than 200000 values")


@pytest.mark.parametrize(
    "text",
    ["[" * 500, "a: " + "[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5)],
    ids=["open", "closed"],
)
def test_nesting_is_bounded(text: str) -> None:
    assert "nested" in told(text)[0][1] or "never closed" in told(text)[0][1]


def test_a_file_is_bounded() -> None:
    ((_, said),) = told("#" * (MAX_CHARS + 1))
    assert said == f"the file has {MAX_CHARS + 1} characters, more than {MAX_CHARS}"


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from("ab:-#{}[],!&*'\"|>%@ \n0.~?<"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        documents = read_yaml(text)
    except InvalidSpec:
        return
    assert all(isinstance(document, RawDocument) for document in documents)
