"""Panels as Grafana's JSON: variables, places on the grid, options.

Source: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kload_spec.dashboard.panels import ROWS, Panel, Row

COLUMNS = 24
HEIGHTS = {"stat": 4, "timeseries": 8}
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_ON_TIME_RANGE = 2  # a variable's `refresh`: its values are what ran in the range that is shown
_OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {"legend": {"displayMode": "list", "placement": "bottom"}},
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"]},
        "textMode": "auto",
        "colorMode": "none",
        "graphMode": "none",
    },
}


def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    return {
        "uid": "kload-run",
        "title": "kload: a run",
        "tags": ["kload"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "5s",
        "time": {"from": "now-30m", "to": "now"},
        "templating": {"list": _variables()},
        "panels": list(_laid_out(ROWS)),
    }


def _variables() -> list[dict[str, Any]]:
    runs = _variable("run", 'label_values(kload_runner_info{loadtest="$loadtest"}, run_uid)')
    every = {"text": ["All"], "value": ["$__all"]}
    return [
        {"name": "datasource", "type": "datasource", "query": "prometheus"},
        _variable("loadtest", "label_values(kload_runner_info, loadtest)"),
        {**runs, "multi": True, "includeAll": True, "current": every},
    ]


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": name},
        "refresh": _ON_TIME_RANGE,
        "sort": 1,
    }


def _laid_out(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield headings and panels with their places: rows from top to bottom, panels from left to right."""
    number = top = 0
    for row in rows:
        number += 1
        yield _heading(row.title, number, top)
        top += 1
        left = height = 0
        for panel in row.panels:
            number += 1
            if left + panel.width > COLUMNS:
                left, top = 0, top + height
            height = HEIGHTS[panel.kind]
            yield _panel(panel, number, {"x": left, "y": top, "w": panel.width, "h": height})
            left += panel.width
        top += height


def _heading(title: str, number: int, top: int) -> dict[str, Any]:
    place = {"x": 0, "y": top, "w": COLUMNS, "h": 1}
    return {
        "id": number,
        "type": "row",
        "title": title,
        "collapsed": False,
        "panels": [],
        "gridPos": place,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    options = _OPTIONS[panel.kind]
    if panel.queries[0].legend == "{{verdict}}":
        options = {**options, "textMode": "name"}  # the value is always 1
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": _DATASOURCE,
                "expr": query.promql,
                "legendFormat": query.legend,
            }
            for index, query in enumerate(panel.queries)
        ],
    }
