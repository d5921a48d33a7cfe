"""The chaos proxy stands between real parties: a client and the API server or Prometheus, Prometheus and a pod."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from chaos.faults import Answer, Rule, status_answer, watch_gone
from chaos.proxy import ChaosProxy
from cluster import proxies
from cluster.api import Api, ApiError
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.pods import pod
from cluster.waiting import eventually


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[ChaosProxy]:
    with proxies.before_api_server(cluster) as running:
        yield running


@pytest.fixture
def proxied(cluster: Cluster, bed: Bed, namespace: str, proxy: ChaosProxy) -> Iterator[Api]:
    """A client that reaches the API server through the proxy, as a service account that may read pods."""
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    bed.api.apply(
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "viewer"},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
        },
        namespace,
    )
    settings = proxies.kubeconfig_through(cluster, proxy, "default", namespace)
    api = Api(settings=settings)
    yield api
    api.close()


def test_a_token_reaches_the_api_server_through_the_proxy(
    proxy: ChaosProxy, proxied: Api, namespace: str
) -> None:
    assert proxied.list("v1/Pod", namespace) == []
    with pytest.raises(ApiError, match="is forbidden") as refusal:
        proxied.list("v1/Pod")
    assert refusal.value.status == 403
    assert proxy.count("list", "pods") == 2


def test_an_overloaded_api_server_is_asked_again(
    proxy: ChaosProxy, proxied: Api, namespace: str
) -> None:
    busy = status_answer(429, "TooManyRequests", "please try again later", retry_after_s=1)
    with proxy.failing(Rule(busy, verb="list", times=1)) as rule:
        assert proxied.list("v1/Pod", namespace) == []  # the client obeys Retry-After
    assert (rule.hits, proxy.count("list", "pods")) == (1, 2)


def test_a_real_watch_is_told_that_its_history_is_gone(
    proxy: ChaosProxy, proxied: Api, namespace: str
) -> None:
    query = {"watch": "true", "timeoutSeconds": "5"}
    with proxy.failing(Rule(watch_gone(), verb="watch")):
        event = proxied.request("GET", f"/api/v1/namespaces/{namespace}/pods", query)
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_prometheus_can_be_made_to_fail(cluster: Cluster) -> None:
    with proxies.before_prometheus(cluster) as proxy:
        url = f"{proxy.url}/api/v1/query"
        assert httpx.get(url, params={"query": "1"}).json()["status"] == "success"
        with proxy.failing(Rule(Answer(503, "Service Unavailable"))):
            assert httpx.get(url, params={"query": "1"}).status_code == 503


@pytest.mark.disruptive
def test_scrapes_pass_through_a_proxy_and_can_be_lost(
    cluster: Cluster, bed: Bed, namespace: str
) -> None:
    serve = "echo 'kload_runner_info 1' > /tmp/metrics && exec httpd -f -p 9095 -h /tmp"
    runner = pod(
        "runner",
        ["sh", "-c", serve],
        labels={"app.kubernetes.io/name": "kload-runner"},
        ports=[{"name": "metrics", "containerPort": 9095}],
        spec={"volumes": [{"name": "tmp", "emptyDir": {}}]},
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
    )
    bed.api.apply(runner, namespace)

    def up() -> str:
        query = {"query": f'up{{namespace="{namespace}"}}'}
        found = httpx.get(f"{bed.prometheus_url}/api/v1/query", params=query).json()
        return next((one["value"][1] for one in found["data"]["result"]), "none")

    with proxies.before_scrapes(cluster) as proxy:
        eventually(lambda: proxy.count("get", "/metrics") > 1, what="scrapes through the proxy")
        with proxy.failing(Rule(Answer(500))):
            eventually(up, until=lambda seen: seen == "0", what="a lost scrape")
