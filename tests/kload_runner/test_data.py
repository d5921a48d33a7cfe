"""Data feeds: who gets which row, and files that cannot be read."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_runner.data import RowSource, load_rows
from kload_runner.steps.outcomes import IterationFailed, RowsExhausted
from kload_spec.errors import InvalidSpec
from kload_spec.program import DataFeed, OnExhausted, RowOrder, RowsPer

ROWS = tuple({"n": n} for n in range(5))


def source(feed: DataFeed, offset: int = 0, stride: int = 1) -> RowSource:
    return RowSource(feed, ROWS, offset=offset, stride=stride)


def taken(rows: RowSource, iterations: range, vu: int = 0) -> list[object]:
    rng = random.Random(1)
    return [rows.row(index, vu, lambda: rng)["n"] for index in iterations]


def test_sequential_rows_follow_the_global_index_and_begin_again() -> None:
    assert taken(source(DataFeed("d")), range(3, 8)) == [3, 4, 0, 1, 2]


def test_a_vu_keeps_the_row_of_its_own_index() -> None:
    feed = DataFeed("d", per=RowsPer.VU)
    assert taken(source(feed), range(3), vu=2) == [2, 2, 2]
    assert taken(source(feed), range(1), vu=6) == [1]


def test_random_rows_are_drawn_from_all() -> None:
    assert set(taken(source(DataFeed("d", order=RowOrder.RANDOM)), range(200))) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize(
    ("policy", "error"),
    [
        pytest.param(OnExhausted.STOP, RowsExhausted, id="stop"),
        pytest.param(OnExhausted.FAIL, IterationFailed, id="fail"),
    ],
)
def test_rows_run_out(policy: OnExhausted, error: type[Exception]) -> None:
    rows = source(DataFeed("d", order=RowOrder.UNIQUE, on_exhausted=policy))
    assert taken(rows, range(5)) == [0, 1, 2, 3, 4]
    with pytest.raises(error):
        taken(rows, range(5, 6))


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=60)
def test_unique_rows_are_handed_out_once_over_scenarios_and_runners(
    count: int, runners: int, scenarios: int
) -> None:
    rows = tuple({"n": n} for n in range(count))
    feed = DataFeed("d", order=RowOrder.UNIQUE, on_exhausted=OnExhausted.STOP)
    handed: list[object] = []
    for scenario in range(scenarios):
        for runner in range(runners):
            own = RowSource(feed, rows, offset=scenario, stride=scenarios)
            for index in range(runner, count, runners):  # the striping rule: every n-th index
                try:
                    handed.append(own.row(index, 0, random.Random)["n"])
                except RowsExhausted:
                    break
    assert sorted(map(str, handed)) == sorted(map(str, range(count)))


# -- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        pytest.param(
            "d.csv", b'\xef\xbb\xbfa,b\r\n1,"x, y"\r\n', [{"a": "1", "b": "x, y"}], id="csv"
        ),
        pytest.param("d.json", b'[{"a": 1, "b": [2]}]', [{"a": 1, "b": [2]}], id="json"),
    ],
)
def test_rows_are_read(name: str, content: bytes, rows: list[object]) -> None:
    assert list(load_rows(DataFeed("d", file=name), lambda _: content)) == rows


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("d.csv", b"a,b\n1\n", "line 2: not as many fields", id="short-line"),
        pytest.param("d.csv", b"a,b\n1,2,3\n", "line 2: not as many fields", id="long-line"),
        pytest.param("d.csv", b'a,b\n1,"2\n', "line 2: unexpected end of data", id="open-quote"),
        pytest.param("d.csv", b"a,b\n", "holds no row", id="empty"),
        pytest.param("d.csv", b"\xff\xfe", "not UTF-8", id="encoding"),
        pytest.param("d.json", b"{", "not JSON", id="no-json"),
        pytest.param("d.json", b'{"a": 1}', "list of objects", id="no-list"),
        pytest.param("d.csv", b"a,c\n1,2\n", "no column 'b'; it has: a, c", id="missing-column"),
    ],
)
def test_a_bad_file_is_refused_with_its_place(name: str, content: bytes, message: str) -> None:
    feed = DataFeed("d", file=name, columns=frozenset({"a", "b"}))
    with pytest.raises(InvalidSpec, match=r"spec\.data\.d") as refused:
        load_rows(feed, lambda _: content)
    assert message in str(refused.value)
