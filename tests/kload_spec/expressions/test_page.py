"""Every example of docs/expressions.md, executed; every function, name and limit, described there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from expression_state import Facts, FakeState

from kload_spec.expressions import (
    ANY,
    EvaluationError,
    ExpressionError,
    Scope,
    compile_expression,
    compile_template,
    limits,
)
from kload_spec.expressions.calls import usage
from kload_spec.expressions.functions.library import FUNCTIONS, MACROS
from kload_spec.expressions.names import ROOTS

PAGE = Path(__file__, "../../../../docs/expressions.md").resolve().read_text(encoding="utf-8")
CELL = re.compile(r"(?<!\\)\|")


def rows() -> Iterator[list[str]]:
    """Yield the cells of every table row of the page."""
    for line in PAGE.splitlines():
        if line.startswith("| ") or line.startswith("| `"):
            yield [cell.strip().replace("\\|", "|") for cell in CELL.split(line)[1:-1]]


def examples(width: tuple[int, ...]) -> Iterator[tuple[str, str]]:
    """Yield expression and result of the rows that have them as their last two cells."""
    for cells in rows():
        example, result = cells[-2:]
        is_result = result.startswith(("`", "error: "))
        if len(cells) in width and example.startswith("`") and is_result:
            yield example.strip("`"), result.strip("`")


def sample() -> dict[str, Any]:
    found = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


@pytest.fixture
def state() -> FakeState:
    facts = sample()
    facts["parsed"] = facts.pop("json")
    del facts["params"]
    return FakeState(run=Facts(), **facts)


@pytest.fixture
def scope() -> Scope:
    return Scope(
        response=True,
        req=ANY,
        env=frozenset({"KEY", "LABELS"}),
        vars=frozenset({"session", "ids", "count"}),
        row=ANY,
        totals=frozenset({"http_reqs"}),
        constants=sample()["params"],
    )


EXPRESSIONS = list(examples((3, 4)))
TEXTS = list(examples((2,)))


@pytest.mark.parametrize(("text", "result"), EXPRESSIONS)
def test_an_example_gives_the_result_beside_it(
    text: str, result: str, state: FakeState, scope: Scope
) -> None:
    if result.startswith("error: "):
        with pytest.raises((EvaluationError, ExpressionError), match=re.escape(result[7:])):
            compile_expression(text, scope).evaluate(state)
        return
    value = compile_expression(text, scope).evaluate(state)
    assert (value, type(value)) == (json.loads(result), type(json.loads(result)))


@pytest.mark.parametrize(("text", "result"), TEXTS)
def test_a_text_field_gives_the_value_beside_it(
    text: str, result: str, state: FakeState, scope: Scope
) -> None:
    assert compile_template(text, scope).evaluate(state) == json.loads(result)


def test_yaml_reads_the_fields_of_the_page_as_they_are_meant(
    state: FakeState, scope: Scope
) -> None:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    step = yaml.safe_load(found[1])
    assert len(step["checks"]) == 5
    for text in step["checks"].values():
        assert compile_expression(text, scope).evaluate(state) is True
    saved = {name: compile_expression(text, scope) for name, text in step["save"].items()}
    assert saved["first"].evaluate(state) == "a"
    assert saved["ids"].evaluate(state) == ["a", "b"]


def test_the_page_has_examples_at_all() -> None:
    assert len(EXPRESSIONS) > 100
    assert len(TEXTS) == 7


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_has_a_row_with_its_usage_and_an_example(name: str) -> None:
    written = [cells for cells in rows() if cells[0] == f"`{usage(FUNCTIONS[name])}`"]
    assert len(written) == 1
    assert name in written[0][2]


@pytest.mark.parametrize("name", sorted(MACROS))
def test_every_macro_has_a_row_with_an_example(name: str) -> None:
    assert any(f".{name}(" in cells[0] and f".{name}(" in cells[-2] for cells in rows())


@pytest.mark.parametrize("name", sorted(ROOTS))
def test_every_name_has_a_row_with_an_example(name: str) -> None:
    described = [cells for cells in rows() if re.match(rf"`{name}[.`]", cells[0])]
    assert described
    assert all(name in cells[2] for cells in described)


@pytest.mark.parametrize(
    "name",
    [
        "MAX_EXPRESSION_CHARS",
        "MAX_TEMPLATE_CHARS",
        "MAX_TEMPLATE_PARTS",
        "MAX_NESTING",
        "MAX_DEPTH",
        "BUDGET",
        "MAX_RANGE",
        "MAX_ITEMS",
        "MAX_TEXT_CHARS",
        "MAX_NODES",
        "MAX_VALUE_DEPTH",
        "MAX_PATTERN_CHARS",
        "MAX_MATCH_STEPS",
    ],
)
def test_every_limit_is_stated_with_its_value(name: str) -> None:
    section = PAGE[PAGE.index("## Limits") : PAGE.index("## What is different")]
    assert re.search(rf"(?<![\d,]){getattr(limits, name):,}(?![\d,])", section)
