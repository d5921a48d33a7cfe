"""The harness' own cluster is a real one: Jobs complete, logs and exec work, names resolve, nothing leads out."""

from __future__ import annotations

import httpx
from cluster.bed import Bed
from cluster.bring_up import Cluster
from cluster.pods import indexed_job, pod, service
from cluster.waiting import eventually


def phase(bed: Bed, namespace: str, name: str) -> str:
    return str(bed.api.get("v1/Pod", name, namespace)["status"].get("phase"))


def run_to_end(bed: Bed, namespace: str, name: str, *command: str) -> tuple[str, str]:
    """Run a command in a pod; returns the pod's last phase and what it wrote."""
    bed.api.apply(pod(name, command), namespace)
    over = eventually(
        lambda: phase(bed, namespace, name),
        until=lambda seen: seen in ("Succeeded", "Failed"),
        what=f"the end of pod {name}",
    )
    return over, bed.api.logs(name, namespace)


def test_an_indexed_job_runs_to_complete(bed: Bed, namespace: str) -> None:
    bed.api.apply(
        indexed_job("fleet", ["sh", "-c", "echo index $JOB_COMPLETION_INDEX"], size=3), namespace
    )

    def conditions() -> set[str]:
        status = bed.api.get("batch/v1/Job", "fleet", namespace)["status"]
        return {one["type"] for one in status.get("conditions", ()) if one["status"] == "True"}

    eventually(conditions, until=lambda seen: "Complete" in seen, what="the Job's completion")
    pods = bed.api.list("v1/Pod", namespace, "app=fleet")
    wrote = sorted(bed.api.logs(one["metadata"]["name"], namespace).strip() for one in pods)
    assert wrote == ["index 0", "index 1", "index 2"]


def test_exec_reaches_a_running_container(bed: Bed, namespace: str) -> None:
    bed.api.apply(pod("sleeper", ["sleep", "60"]), namespace)
    eventually(lambda: phase(bed, namespace, "sleeper") == "Running", what="the pod")
    assert "uid=65532" in bed.kubectl("-n", namespace, "exec", "sleeper", "--", "id")


def test_a_service_is_reached_by_its_dns_name(bed: Bed, namespace: str) -> None:
    serve = (
        "mkdir -p /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    )
    volumes = [{"name": "tmp", "emptyDir": {}}]
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    server = pod("web", ["sh", "-c", serve], spec={"volumes": volumes}, volumeMounts=mounts)
    bed.api.apply_all([server, service("web")], namespace)
    fetch = (
        f"until fetch http://web.{namespace}.svc.cluster.local:80/index.html; do sleep 0.2; done"
    )
    assert run_to_end(bed, namespace, "client", "sh", "-c", fetch)[1].splitlines()[-1] == "hello"


def test_prometheus_is_a_service_of_the_cluster(cluster: Cluster, bed: Bed, namespace: str) -> None:
    url = "http://prometheus.monitoring.svc.cluster.local:9090/-/ready"
    over, wrote = run_to_end(bed, namespace, "client", "fetch", url)
    assert (over, wrote.strip()) == ("Succeeded", "Prometheus Server is Ready.")


def test_nothing_leads_out_of_the_cluster(cluster: Cluster, bed: Bed, namespace: str) -> None:
    # The kernel leaves some of the packets without an answer, to be no amplifier; hence more than one attempt.
    escape = "for i in 1 2 3 4; do nc -w 2 198.51.100.1 80 && echo reached; done"
    _, wrote = run_to_end(bed, namespace, "escape", "sh", "-c", escape)
    assert "reached" not in wrote
    assert "Network is unreachable" in wrote
    assert "default" not in cluster.processes.inside("ip", "route", "show")


def test_prometheus_finds_pods_that_look_like_runners(
    bed: Bed, namespace: str, prometheus_url: str
) -> None:
    page = "# TYPE kload_runner_info gauge\\nkload_runner_info 1\\n"
    serve = f"printf '{page}' > /tmp/metrics && exec httpd -f -p 9095 -h /tmp"
    runner = pod(
        "runner",
        ["sh", "-c", serve],
        labels={"app.kubernetes.io/name": "kload-runner"},
        ports=[{"name": "metrics", "containerPort": 9095}],
        spec={"volumes": [{"name": "tmp", "emptyDir": {}}]},
        volumeMounts=[{"name": "tmp", "mountPath": "/tmp"}],
    )
    bed.api.apply(runner, namespace)
    query = {"query": f'up{{namespace="{namespace}",pod="runner"}}'}

    def targets() -> list[dict[str, object]]:
        answer = httpx.get(f"{prometheus_url}/api/v1/query", params=query).json()
        found: list[dict[str, object]] = answer["data"]["result"]
        return found

    eventually(targets, what="the scrape of the pod")
