"""What computed pauses, rounds and lists may be."""

from __future__ import annotations

from typing import Any

import pytest

from kload_runner.steps.runtime import items_of, milliseconds, truth, whole
from kload_spec.expressions import EvaluationError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(250, 250.0, id="number"),
        pytest.param("1.5s", 1500.0, id="text"),
        pytest.param(0, 0.0, id="none-at-all"),
    ],
)
def test_a_pause_is_a_time(value: Any, expected: float) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize("value", [-1, 90_000_000, True, None, "soon", []])
def test_anything_else_is_no_pause(value: Any) -> None:
    with pytest.raises(EvaluationError, match="pause"):
        milliseconds(value)


@pytest.mark.parametrize(("value", "expected"), [(3, 3), (3.0, 3), (" 4 ", 4), (-2, -2)])
def test_rounds_are_a_whole_number(value: Any, expected: int) -> None:
    assert whole(value) == expected


@pytest.mark.parametrize("value", [2.5, True, None, "many", []])
def test_anything_else_is_no_number_of_rounds(value: Any) -> None:
    with pytest.raises(EvaluationError, match="whole number"):
        whole(value)


def test_only_lists_are_gone_through() -> None:
    assert items_of([1, 2, 3], 2) == [1, 2]
    for value in ("text", {"a": 1}, None, 7):
        with pytest.raises(EvaluationError, match="list"):
            items_of(value, 9)


@pytest.mark.parametrize("value", [None, 0, 1, "true", []])
def test_a_condition_is_true_or_false_and_nothing_else(value: Any) -> None:
    assert (truth(True), truth(False)) == (True, False)
    with pytest.raises(EvaluationError, match="neither true nor false"):
        truth(value)
