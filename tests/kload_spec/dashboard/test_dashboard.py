"""The dashboard as Grafana reads it: places, variables, and queries that speak of one LoadTest."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from kload_spec.dashboard import ROWS, dashboard

PANELS = [panel for row in ROWS for panel in row.panels]


def places() -> list[dict[str, int]]:
    return [panel["gridPos"] for panel in dashboard()["panels"]]


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (apart_x or apart_y)


def test_no_panel_lies_over_another_or_beyond_the_grid() -> None:
    assert not [pair for pair in combinations(places(), 2) if overlap(*pair)]
    assert all(place["x"] + place["w"] <= 24 for place in places())


def test_every_panel_has_an_id_of_its_own() -> None:
    numbers = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_every_query_is_about_the_chosen_load_test(panel: Any) -> None:
    for query in panel.queries:
        assert 'loadtest="$loadtest"' in query.promql
        assert query.promql.count("(") == query.promql.count(")")


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel.title)
def test_a_highly_available_pair_counts_once(panel: Any) -> None:
    for query in panel.queries:
        assert query.promql.count("max by (") == query.promql.count("$loadtest")


def test_the_variables_are_those_the_queries_use() -> None:
    names = [variable["name"] for variable in dashboard()["templating"]["list"]]
    assert names == ["datasource", "loadtest", "run"]
