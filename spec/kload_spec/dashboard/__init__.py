"""The Grafana dashboard of a run, generated so that it cannot name a series that runners do not have.

`panels` says which questions it answers and with which PromQL, `grafana` writes that as Grafana's JSON. `make generate`
puts it into deploy/grafana and the chart. Its queries are asked about a real run in tests/e2e.
"""

from kload_spec.dashboard.grafana import dashboard
from kload_spec.dashboard.panels import ROWS, Panel, Query, Row

__all__ = ["ROWS", "Panel", "Query", "Row", "dashboard"]
