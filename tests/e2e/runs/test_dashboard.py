"""The Grafana dashboard, asked about a real run: Prometheus understands every query and has an answer to it."""

from __future__ import annotations

from functools import partial

import httpx
import pytest
import yaml
from cluster.bed import Bed
from cluster.places import REPOSITORY
from cluster.waiting import eventually
from trials.installations import rendered
from trials.load_tests import get, load_test, paced
from trials.observing import reached

from kload_spec.dashboard import ROWS

GRAFANA = REPOSITORY / "deploy" / "grafana"
LIVE = [query.promql for row in ROWS[1:] for panel in row.panels for query in panel.queries]
OFFICIAL = [query.promql for panel in ROWS[0].panels for query in panel.queries]
NOWHERE = "http://127.0.0.1:9"  # the pod's own loopback; nothing listens


def series(bed: Bed, promql: str) -> int:
    """Return how many series Prometheus answers a query of the dashboard with."""
    chosen = {"$loadtest": "graphs", "$run": ".*", "$__rate_interval": "1m"}
    for name, value in chosen.items():
        promql = promql.replace(name, value)
    answer = httpx.get(f"{bed.prometheus_url}/api/v1/query", params={"query": promql}).json()
    assert answer["status"] == "success", answer
    return len(answer["data"]["result"])


@pytest.mark.usefixtures("operator", "target")
def test_every_panel_has_something_to_show_while_a_run_goes_on(bed: Bed, namespace: str) -> None:
    steps = [get(), {"name": "refused", "get": NOWHERE}]
    rules = {"http_req_duration{step:get}": ["p(95)<10s"]}
    manifest = load_test("graphs", load=paced(10, "60s"), steps=steps, thresholds=rules)
    bed.api.apply(manifest, namespace)
    reached(bed.api, namespace, "graphs", "Running")
    for promql in LIVE:
        eventually(
            partial(series, bed, promql),
            until=lambda number: number > 0,
            within_s=20,
            what=f"an answer to {promql}",
        )
    for promql in OFFICIAL:
        series(bed, promql)  # understood; this operator is no pod, so Prometheus does not scrape it


def test_chart_and_kustomization_carry_the_same_dashboard_for_the_sidecar(bed: Bed) -> None:
    base = yaml.safe_load(bed.kubectl("kustomize", str(GRAFANA)))
    (chart,) = (
        one
        for one in rendered(bed, "--set=dashboard.enabled=true")
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].endswith("-dashboard")
    )
    text = (GRAFANA / "kload-run.json").read_text()
    for config_map in (base, chart):
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["data"] == {"kload-run.json": text}
