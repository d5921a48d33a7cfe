"""Chaos proxies where they belong in a cluster: before its API server, before its Prometheus, before what Prometheus
scrapes.

They listen at this machine's end of the cluster's link, so processes here and pods both reach them. What goes wrong
in them is told by the rules of the package `chaos`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import yaml
from chaos.proxy import ChaosProxy

from cluster import addons
from cluster.bring_up import Cluster
from cluster.control_plane import API_PORT
from cluster.health import is_healthy
from cluster.waiting import eventually


def before_api_server(cluster: Cluster) -> ChaosProxy:
    """Return a proxy that is taken for the API server: it has its certificate.

    Clients prove themselves by tokens, as pods do; a client certificate ends at the proxy. In a pod set
    ``KUBERNETES_SERVICE_HOST`` and ``KUBERNETES_SERVICE_PORT`` to the proxy's; elsewhere :func:`kubeconfig_through`.
    """
    folder = cluster.places.certificates
    return ChaosProxy(
        f"https://{cluster.addresses.control_plane}:{API_PORT}",
        host=cluster.addresses.machine,
        certificate=(
            str(folder / "kube-apiserver-serving.crt"),
            str(folder / "kube-apiserver-serving.key"),
        ),
        authority=str(folder / "ca.crt"),
    )


def before_prometheus(cluster: Cluster) -> ChaosProxy:
    """Return a proxy before Prometheus' API."""
    return ChaosProxy(cluster.prometheus_url, host=cluster.addresses.machine)


@contextmanager
def before_scrapes(cluster: Cluster) -> Iterator[ChaosProxy]:
    """Have Prometheus scrape every pod through a proxy for as long as the block runs."""
    path = cluster.places.config / "prometheus.yml"
    before = path.read_text()
    settings = yaml.safe_load(before)
    with ChaosProxy(host=cluster.addresses.machine) as proxy:
        path.write_text(yaml.safe_dump(addons.scraped_through(settings, proxy.url)))
        try:
            reload_prometheus(cluster)
            yield proxy
        finally:
            path.write_text(before)
            reload_prometheus(cluster)


def reload_prometheus(cluster: Cluster) -> None:
    """Have Prometheus read its settings again; what it has stored stays."""
    httpx.post(f"{cluster.prometheus_url}/-/reload", timeout=10).raise_for_status()
    eventually(lambda: is_healthy(cluster), what="Prometheus with its new settings")


def kubeconfig_through(
    cluster: Cluster, proxy: ChaosProxy, account: str, namespace: str
) -> dict[str, Any]:
    """Return a kubeconfig's content that leads through the proxy, as a service account."""
    token = cluster.kubectl("-n", namespace, "create", "token", account, "--duration=2h").strip()
    server = {
        "server": proxy.url,
        "certificate-authority": str(cluster.places.certificates / "ca.crt"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxied", "cluster": server}],
        "users": [{"name": account, "user": {"token": token}}],
        "contexts": [{"name": "proxied", "context": {"cluster": "proxied", "user": account}}],
        "current-context": "proxied",
    }
