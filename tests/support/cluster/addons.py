"""What a usable cluster has besides Kubernetes itself: DNS and Prometheus.

Both run as processes beside the control plane and appear in the cluster as people expect them: DNS at the address
pods are given, Prometheus as the service ``prometheus`` in the namespace ``monitoring``. Prometheus discovers pods
from the file that users are given (``deploy/prometheus``), with a service account and a ClusterRole of its own.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import yaml

from cluster.control_plane import API_PORT, Kit
from cluster.failures import ClusterError
from cluster.places import REPOSITORY
from cluster.processes import Component

PROMETHEUS_PORT = 9090
MONITORING = "monitoring"
SCRAPE_SETTINGS = REPOSITORY / "deploy" / "prometheus" / "scrape-runners.yaml"
# What a pod finds at this path; the supervisor's own /run makes it the cluster's, not the machine's.
_ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"

_COREFILE = """\
.:53 {{
  bind {address}
  errors
  health 127.0.0.1:8053 {{
    lameduck 0s
  }}
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
    pods insecure
    ttl 2
  }}
  cache 2
}}
"""


def core_dns(kit: Kit) -> Component:
    """Return CoreDNS; it forwards nowhere, so names outside the cluster do not exist."""
    kubeconfig = kit.kubeconfig("coredns", "system:serviceaccount:kube-system:coredns")
    path = kit.places.config / "Corefile"
    path.write_text(_COREFILE.format(address=kit.addresses.node, kubeconfig=kubeconfig))
    return Component("coredns", [kit.tools["coredns"], "-conf", str(path)])


def prometheus(kit: Kit, interval_s: float, program: str | None = None) -> Component:
    """Return Prometheus with the scrape settings users are given.

    Args:
        kit: the cluster's parts.
        interval_s: how often it scrapes and evaluates.
        program: another build of Prometheus than the pinned one.
    """
    path = kit.places.config / "prometheus.yml"
    path.write_text(yaml.safe_dump(prometheus_settings(interval_s)))
    data = f"/run/prometheus-{Path(program or 'pinned').name}"
    argv = [program or kit.tools["prometheus"], f"--config.file={path}"]
    argv += [f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=6h"]
    argv += [f"--web.listen-address=0.0.0.0:{PROMETHEUS_PORT}", "--web.enable-lifecycle"]
    env = {
        "KUBERNETES_SERVICE_HOST": kit.addresses.control_plane,
        "KUBERNETES_SERVICE_PORT": str(API_PORT),
    }
    return Component("prometheus", argv, env)


def prometheus_settings(interval_s: float) -> dict[str, Any]:
    """Return Prometheus' settings: the jobs that users are given, at this interval."""
    jobs = yaml.safe_load(SCRAPE_SETTINGS.read_text(encoding="utf-8"))["scrape_configs"]
    every = f"{int(interval_s * 1000)}ms"
    times = {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}
    return {"global": times, "scrape_configs": jobs}


def scraped_through(settings: dict[str, Any], proxy_url: str) -> dict[str, Any]:
    """Return the settings with every scrape going through a proxy."""
    return settings | {
        "scrape_configs": [job | {"proxy_url": proxy_url} for job in settings["scrape_configs"]]
    }


def put_account_token(kit: Kit, kubectl: list[str]) -> None:
    """Lay Prometheus' service account where a pod would find it.

    Raises:
        ClusterError: the token was not issued.
    """
    create = [*kubectl, "-n", MONITORING, "create", "token", "prometheus", "--duration=24h"]
    done = subprocess.run(create, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"no token for Prometheus: {done.stderr.strip()}")
    staged = kit.places.config / "prometheus-account"
    staged.mkdir(exist_ok=True)
    (staged / "token").write_text(done.stdout.strip())
    (staged / "ca.crt").write_bytes(kit.authority.certificate.read_bytes())
    (staged / "namespace").write_text(MONITORING)


def account_commands(kit: Kit) -> list[list[str]]:
    """Return the commands that put the staged account in place, run inside the cluster's namespaces."""
    staged = kit.places.config / "prometheus-account"
    return [["mkdir", "-p", _ACCOUNT], ["cp", "-rT", str(staged), _ACCOUNT]]


def manifests(kit: Kit) -> list[dict[str, Any]]:
    """Return the objects DNS and Prometheus need: roles, a service account, and a service that leads to the process."""
    name = {"name": "prometheus", "namespace": MONITORING}
    port = {"name": "web", "port": PROMETHEUS_PORT}
    slice_labels = {"kubernetes.io/service-name": "prometheus"}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": MONITORING}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name},
        _role("prometheus", ["pods", "services", "endpoints", "nodes"]),
        _binding("prometheus", {"kind": "ServiceAccount", **name}),
        _role("kload-e2e-coredns", ["services", "pods", "namespaces"]),
        _binding(
            "kload-e2e-coredns",
            {"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"},
        ),
        {"apiVersion": "v1", "kind": "Service", "metadata": name, "spec": {"ports": [port]}},
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": name | {"labels": slice_labels},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [kit.addresses.control_plane]}],
            "ports": [port],
        },
    ]
    return objects


def write_manifests(kit: Kit) -> Path:
    """Write the objects to a file for ``kubectl apply``."""
    path = kit.places.config / "addons.json"
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests(kit)}))
    return path


def _role(name: str, resources: list[str]) -> dict[str, Any]:
    verbs = ["get", "list", "watch"]
    rules = [
        {"apiGroups": [""], "resources": resources, "verbs": verbs},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": verbs},
    ]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }


def _binding(name: str, subject: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": name,
        },
        "subjects": [subject],
    }
