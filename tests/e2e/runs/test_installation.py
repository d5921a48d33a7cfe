"""The chart, installed by the real helm as users install it: it runs tests, keeps limits, and leaves the resource."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml
from cluster.api import Object, documents
from cluster.bed import Bed
from cluster.failures import ClusterError
from cluster.places import REPOSITORY
from cluster.waiting import eventually
from trials.counting_target import CountingTarget
from trials.installations import CHART, DEFINITION, helm, rendered
from trials.load_tests import load_test
from trials.observing import finished, outcome

RELEASE = "kload"
IN_CLUSTER_PROMETHEUS = "http://prometheus.monitoring.svc:9090"
CRD = "apiextensions.k8s.io/v1/CustomResourceDefinition"


def of_kind(manifests: list[Object], kind: str, name: str = "") -> Object:
    """Return the only manifest of a kind (and name)."""
    (found,) = [
        one for one in manifests if one["kind"] == kind and one["metadata"]["name"].endswith(name)
    ]
    return found


def test_the_chart_is_without_faults(bed: Bed) -> None:
    assert "0 chart(s) failed" in helm(bed, "lint", "--strict", str(CHART))


REFUSED = {
    "--set=prometheus[0].address=http://p:9090": "address",
    "--set=prometheus[0].url=p:9090": "/prometheus/0/url",
    "--set=watchNamespaces[0]=Team": "/watchNamespaces/0",
    "--set=limits.maxRunners=0": "/limits/maxRunners",
    "--set=limits.maxDuration=soon": "/limits/maxDuration",
    "--set=runnerAccess=magic": "/runnerAccess",
    "--set=replicas=2": "replicas",
}


@pytest.mark.parametrize(("value", "word"), REFUSED.items(), ids=REFUSED.keys())
def test_values_that_mean_nothing_are_refused_by_name(bed: Bed, value: str, word: str) -> None:
    with pytest.raises(ClusterError, match=word):
        rendered(bed, value)


def test_chart_and_kustomize_base_grant_the_same_rights(bed: Bed) -> None:
    base = [
        one
        for one in yaml.safe_load_all(bed.kubectl("kustomize", str(REPOSITORY / "deploy")))
        if one
    ]
    chart = rendered(bed)

    def rights(manifests: list[Object], name: str) -> set[tuple[str, str, str]]:
        return {
            (group, resource, verb)
            for rule in of_kind(manifests, "ClusterRole", name)["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for verb in rule["verbs"]
        }

    for name in ("kload-operator", "-edit", "-view"):
        assert rights(chart, name) == rights(base, name)
    pods = [of_kind(one, "Deployment")["spec"]["template"]["spec"] for one in (base, chart)]
    for field in ("securityContext", "resources", "livenessProbe", "readinessProbe", "ports"):
        first, second = (pod["containers"][0][field] for pod in pods)
        assert first == second, field


def test_chosen_namespaces_take_no_rights_over_the_whole_cluster(bed: Bed) -> None:
    chosen = rendered(bed, "--set=watchNamespaces={shop,bar}")
    assert not [one for one in chosen if one["kind"] == "ClusterRoleBinding"]
    roles = [one for one in chosen if one["kind"] == "Role"]
    assert {one["metadata"].get("namespace", "") for one in roles} == {"shop", "bar", ""}
    pattern = rendered(bed, "--set=watchNamespaces={team-*}")
    assert of_kind(pattern, "ClusterRoleBinding")


def test_monitors_are_made_on_request(bed: Bed) -> None:
    assert not [one for one in rendered(bed) if one["kind"] == "PodMonitor"]
    monitored = rendered(bed, "--set=podMonitor.enabled=true,podMonitor.labels.release=mine")
    monitors = [one for one in monitored if one["kind"] == "PodMonitor"]
    assert [one["metadata"]["labels"]["release"] for one in monitors] == ["mine", "mine"]
    assert monitors[0]["spec"]["namespaceSelector"] == {"any": True}


@pytest.fixture
def home(bed: Bed) -> Iterator[str]:
    """A restricted namespace for the operator."""
    name = bed.make_namespace("helm-home")
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    bed.api.patch("v1/Namespace", name, {"metadata": {"labels": labels}})
    yield name
    bed.remove_namespace(name)


def test_the_chart_installs_an_operator_that_runs_tests_within_limits(
    bed: Bed,
    home: str,
    namespace: str,
    image: str,
    installed: Object,
    target: CountingTarget,
) -> None:
    repository, _, tag = image.rpartition(":")
    values = [
        f"--set=image.repository={repository},image.tag={tag}",
        f"--set=prometheus[0].url={IN_CLUSTER_PROMETHEUS}",
        f"--set=watchNamespaces={{{namespace}}}",
    ]
    own = ["--take-ownership", "--force-conflicts", "--wait", "--timeout=90s", "-n", home]
    helm(bed, "install", RELEASE, str(CHART), *own, *values)
    bed.api.apply(load_test("shop", runners=2, thresholds={"checks": ["rate==1"]}), namespace)
    status = finished(bed.api, namespace, "shop")
    assert outcome(status) == ("Passed", "ThresholdsHeld"), status["message"]
    assert target.counts().total == 30
    assert "kload_run_verdict" in own_metrics(bed, home)

    limits = ["--set=limits.maxRunners=1"]
    helm(bed, "upgrade", RELEASE, str(CHART), *own, *values, *limits)
    bed.api.apply(load_test("wide", runners=2), namespace)
    status = finished(bed.api, namespace, "wide")
    assert outcome(status) == ("Error", "Forbidden")
    assert "limits.maxRunners" in status["message"]

    helm(bed, "uninstall", RELEASE, "-n", home, "--wait")
    assert not bed.api.list("apps/v1/Deployment", home)
    (definition,) = documents(DEFINITION)
    kept = bed.api.get(CRD, definition["metadata"]["name"])
    assert "deletionTimestamp" not in kept["metadata"]
    assert bed.api.exists("kload.dev/v1alpha1/LoadTest", "shop", namespace)


def own_metrics(bed: Bed, home: str) -> str:
    """Return the operator's own page of metrics, once it has one."""

    def page() -> str:
        pods = bed.api.list("v1/Pod", home, "app.kubernetes.io/name=kload-operator")
        name = pods[0]["metadata"]["name"]
        path = f"/api/v1/namespaces/{home}/pods/{name}:8080/proxy/metrics"
        return bed.kubectl("get", "--raw", path)

    return eventually(page, what="the operator's metrics")
