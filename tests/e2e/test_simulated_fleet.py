"""A hundred simulated runners in a real cluster: real pod objects, real scrapes, the protocol at each address."""

from __future__ import annotations

import json
import sys

import httpx
import pytest
from cluster.api import Object
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.pods import indexed_job
from cluster.simulated_nodes import simulated_node
from cluster.waiting import eventually
from fleet.component import playing
from fleet.manners import Manner, write_manners

from kload_spec.control import (
    CONTROL_PORT,
    RUN_FILE,
    TOKEN_HEADER,
    PlanSource,
    RunDescription,
    RunIdentity,
    token_hash,
)

SIZE = 100
TOKEN = "of this run"

# Asks every runner the same, from within the cluster's network; prints the statuses and the answers that were JSON.
ASK_ALL = f"""
import asyncio, httpx, json, sys
method, path, body, addresses = sys.argv[1], sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:]
async def ask(client, address):
    url = f"http://{{address}}:{CONTROL_PORT}{{path}}"
    try:
        answer = await client.request(method, url, json=body, headers={{"{TOKEN_HEADER}": "{TOKEN}"}}, timeout=5)
        return answer.status_code
    except httpx.HTTPError as error:
        return type(error).__name__
async def main():
    async with httpx.AsyncClient(trust_env=False) as client:
        print(json.dumps(await asyncio.gather(*(ask(client, one) for one in addresses))))
asyncio.run(main())
"""


def ask_all(
    cluster: Cluster, addresses: list[str], method: str, path: str, **body: object
) -> list[object]:
    command = [sys.executable, "-c", ASK_ALL, method, path, json.dumps(body), *addresses]
    answers: list[object] = json.loads(cluster.processes.inside(*command))
    return answers


def description(run_uid: str) -> Object:
    """Return the ConfigMap that the operator would have made."""
    scenario = {
        "executor": "constant-vus",
        "vus": SIZE,
        "duration": "3s",
        "steps": [{"name": "home", "get": "/", "checks": {"ok": "status == 200"}}],
    }
    document = {
        "apiVersion": "kload.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "wide"},
        "spec": {
            "target": {"baseURL": "http://nowhere.test"},
            "scenarios": {"main": scenario},
            "thresholds": {"http_req_duration": ["p(95)<500ms"]},
        },
    }
    run = RunDescription(
        run=RunIdentity(uid=run_uid, loadtest="wide"),
        source=PlanSource(document=document),
        runners=SIZE,
        token_sha256=token_hash(TOKEN),
    )
    meta = {"name": "wide"}
    data = {RUN_FILE: run.to_json()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


@pytest.mark.disruptive
def test_a_hundred_runners_are_scraped_started_and_released(
    cluster: Cluster, bed: Bed, namespace: str
) -> None:
    def ask_prometheus(query: str) -> float:
        url = f"{bed.prometheus_url}/api/v1/query"
        found = httpx.get(url, params={"query": query}, timeout=10).json()["data"]["result"]
        return float(found[0]["value"][1]) if found else 0.0

    def addresses() -> list[str]:
        pods = bed.api.list("v1/Pod", namespace, "app=wide")
        return [one["status"]["podIP"] for one in pods if one["status"].get("podIP")]

    run_uid = f"run-of-{namespace}"
    own = f'{{run_uid="{run_uid}"}}'
    with (
        simulated_node(cluster, bed.api, "played-wide") as node,
        playing(cluster, Manner(load_s=3, rate_per_s=50)) as manners,
    ):
        bed.api.apply(description(run_uid), namespace)
        volumes = [{"name": "run", "projected": {"sources": [{"configMap": {"name": "wide"}}]}}]
        job = indexed_job(
            "wide",
            ["-"],
            size=SIZE,
            image="none",
            spec=node.placement() | {"volumes": volumes},
            ports=[{"name": "metrics", "containerPort": CONTROL_PORT}],
        )
        job["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] = "kload-runner"
        bed.api.apply(job, namespace)

        eventually(
            lambda: ask_prometheus(f"count(kload_runner_info{own})"),
            until=lambda seen: seen == SIZE,
            within_s=90,
            what="the first scrapes of all runners",
        )
        fleet = addresses()
        assert ask_prometheus(f"sum(kload_threshold_samples_total{own})") == 0
        assert ask_all(cluster, fleet[:1], "POST", "/v1/release") == [409]

        # One of them falls silent: it is asked and does not answer, and its load goes on.
        assert set(ask_all(cluster, fleet, "POST", "/v1/setup")) == {200}
        write_manners(manners, Manner(load_s=3, rate_per_s=50), r7=Manner(silent=True))
        answers = ask_all(cluster, fleet, "GET", "/v1/status")
        assert (answers.count(200), answers.count("ReadTimeout")) == (SIZE - 1, 1)
        write_manners(manners, Manner(load_s=3, rate_per_s=50))

        start = {"attempt": 1, "startInS": 1}
        assert set(ask_all(cluster, fleet, "POST", "/v1/start", **start)) == {200}
        eventually(
            lambda: ask_prometheus(f"count(kload_runner_finished{own} == 1)"),
            until=lambda seen: seen == SIZE,
            within_s=60,
            what="the scrapes of final numbers",
        )
        assert ask_prometheus(f"sum(kload_http_reqs_total{own})") == SIZE * 3 * 50
        assert set(ask_all(cluster, fleet, "POST", "/v1/release")) == {200}
        eventually(
            lambda: bed.api.get("batch/v1/Job", "wide", namespace)["status"].get("succeeded"),
            until=lambda seen: seen == SIZE,
            within_s=60,
            what="the Job's completion",
        )
