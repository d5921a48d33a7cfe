"""More Prometheis beside the cluster's own, with other settings: double scrapes, dropped labels, lost series.

Each is a process in the cluster's network, reached at a port of its own, with its own store; the cluster's own one is
left as it is, so other tests go on.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml
from cluster import addons
from cluster.bring_up import Cluster
from cluster.control_plane import API_PORT
from cluster.processes import Component
from cluster.waiting import eventually

Settings = dict[str, Any]


@contextmanager
def another_prometheus(
    cluster: Cluster, name: str, port: int, settings: Mapping[str, Any]
) -> Iterator[str]:
    """Have another Prometheus for as long as the block runs; yields its address."""
    path = cluster.places.config / f"prometheus-{name}.yml"
    path.write_text(yaml.safe_dump(dict(settings)))
    store = f"/run/prometheus-{name}"
    argv = [cluster.tools["prometheus"], f"--config.file={path}", f"--storage.tsdb.path={store}"]
    argv += [f"--web.listen-address=0.0.0.0:{port}"]
    env = {
        "KUBERNETES_SERVICE_HOST": cluster.addresses.control_plane,
        "KUBERNETES_SERVICE_PORT": str(API_PORT),
    }
    component = f"prometheus-{name}"
    cluster.processes.start(Component(component, argv, env))
    url = f"http://{cluster.addresses.control_plane}:{port}"
    try:
        eventually(lambda: _ready(url), what=f"Prometheus {name}")
        yield url
    finally:
        cluster.processes.stop(component, at_once=True)
        cluster.processes.inside("rm", "-rf", store)
        path.unlink()
        shutil.rmtree(cluster.places.logs / component, ignore_errors=True)


def plain(interval_s: float = 2.0) -> Settings:
    """Return the settings that users are given."""
    return addons.prometheus_settings(interval_s)


def scraped_twice(settings: Settings) -> Settings:
    """Return settings by which every pod is scraped twice, as what an HA pair stores in one place looks like."""
    jobs = []
    for replica in ("a", "b"):
        for job in copy.deepcopy(settings["scrape_configs"]):
            job["job_name"] += f"-{replica}"
            job["relabel_configs"].append(
                {"target_label": "prometheus_replica", "replacement": replica}
            )
            jobs.append(job)
    return {**settings, "scrape_configs": jobs}


def limited(settings: Settings, samples: int) -> Settings:
    """Return settings by which a scrape of more samples than this is thrown away (sample_limit)."""
    jobs = [{**job, "sample_limit": samples} for job in settings["scrape_configs"]]
    return {**settings, "scrape_configs": jobs}


def relabeled(settings: Settings, *rules: Mapping[str, object]) -> Settings:
    """Return settings whose scrapes pass through these rules (metric_relabel_configs)."""
    jobs = [
        {**job, "metric_relabel_configs": [dict(rule) for rule in rules]}
        for job in settings["scrape_configs"]
    ]
    return {**settings, "scrape_configs": jobs}


@dataclass(frozen=True, slots=True)
class Pair:
    """An HA pair behind one address, which has every series of both, told apart by `prometheus_replica`.

    Attributes:
        url: where both are asked at once.
    """

    url: str
    second: str

    @contextmanager
    def without_one(self, cluster: Cluster) -> Iterator[None]:
        """Have one of the two away for as long as the block runs; it keeps what it stored."""
        cluster.processes.stop(self.second, at_once=True)
        try:
            yield
        finally:
            cluster.processes.start_again(self.second)


@contextmanager
def ha_pair(cluster: Cluster, ports: Sequence[int], interval_s: float = 2.0) -> Iterator[Pair]:
    """Have two Prometheis that scrape the same, and a third that stores nothing and reads from both.

    What it answers is what a querier without deduplication does: each series twice, each scraped at its own time.
    """
    first, second, asked = ports
    with ExitStack() as stack:
        reads = []
        for replica, port in (("a", first), ("b", second)):
            settings = plain(interval_s)
            settings["global"] |= {"external_labels": {"prometheus_replica": replica}}
            url = stack.enter_context(another_prometheus(cluster, f"t{port}", port, settings))
            reads.append({"url": f"{url}/api/v1/read", "read_recent": True})
        querier = {"global": plain(interval_s)["global"], "remote_read": reads}
        url = stack.enter_context(another_prometheus(cluster, f"t{asked}", asked, querier))
        yield Pair(url, f"prometheus-t{second}")


def _ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=2).status_code == 200
    except httpx.TransportError as error:
        raise AssertionError(str(error)) from error
