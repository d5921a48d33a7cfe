"""From nothing to a node that is Ready: the order in which a cluster comes up, and a handle on one that is up.

The order and the waiting are here; what each part is run with is told by the modules of the parts. `teardown` is
the way back.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import addons, control_plane, network, node, prerequisites, small_images, tools
from cluster.certificates import Authority
from cluster.control_plane import Kit
from cluster.failures import ClusterError
from cluster.locks import exclusive, exclusive_and_removed
from cluster.network import Addresses
from cluster.output import say, step
from cluster.places import Places
from cluster.processes import Component, Processes, launch
from cluster.teardown import remove
from cluster.tools import Toolbox

_LIFETIME_S = 8 * 3600.0
SCRAPE_INTERVAL_S = 2.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster and the levers on it."""

    places: Places
    addresses: Addresses
    tools: Toolbox
    processes: Processes

    @property
    def kubeconfig(self) -> Path:
        return self.places.kubeconfig

    @property
    def prometheus_url(self) -> str:
        """Prometheus as this machine reaches it."""
        return f"http://{self.addresses.control_plane}:{addons.PROMETHEUS_PORT}"

    def components(self) -> list[str]:
        """Return the names of the components every cluster has; tests may have started more."""
        names: list[str] = json.loads(self.places.facts.read_text())["components"]
        return names

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout_s: float = 60) -> str:
        """Run kubectl against this cluster and return its output.

        Raises:
            ClusterError: kubectl failed; its message is the text.
        """
        command = [self.tools["kubectl"], f"--kubeconfig={self.kubeconfig}", *arguments]
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=timeout_s, check=False
        )
        if done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def import_image(self, archive: Path) -> None:
        """Put the images of an OCI archive where the kubelet looks for them."""
        socket = str(self.places.containerd_socket)
        command = ["ctr", "--address", socket, "--namespace", "k8s.io", "images", "import"]
        self.processes.inside(*command, str(archive), timeout_s=300)


def bring_up(
    places: Places,
    *,
    interval_s: float = SCRAPE_INTERVAL_S,
    lifetime_s: float = _LIFETIME_S,
    lifeline: int | None = None,
) -> Cluster:
    """Return the cluster of these places, brought up if it does not run whole and well already.

    Args:
        places: where it lives.
        interval_s: Prometheus' scrape interval.
        lifetime_s: it ends by itself after so long.
        lifeline: read end of a pipe; the cluster ends when its other end is closed.

    Raises:
        Unavailable: this machine cannot hold a cluster.
        ClusterError: a part did not come up; its last words are in the text.
    """
    prerequisites.require()
    prerequisites.install()
    box = tools.build(places.cache)
    with exclusive_and_removed(places.lock):
        running = running_cluster(places)
        if running is not None:
            return running
        remove(places)
        began = time.monotonic()
        try:
            cluster = _bring_up(places, box, interval_s, lifetime_s, lifeline)
        except BaseException:
            remove(places)
            raise
    say(f"cluster {places.name!r} is up: {time.monotonic() - began:.1f} s")
    return cluster


def running_cluster(places: Places) -> Cluster | None:
    """Return the cluster of these places if it runs, all of it; None otherwise."""
    try:
        facts = json.loads(places.facts.read_text())
        processes = Processes(places)
        states = processes.states()
        cluster = Cluster(
            places, Addresses(**facts["addresses"]), tools.find(places.cache), processes
        )
        if any(states.get(name, {"exit": 0})["exit"] is not None for name in facts["components"]):
            return None
        cluster.kubectl("get", "--raw=/readyz", "--request-timeout=5s")
    except (OSError, ValueError, KeyError, ClusterError):
        return None
    return cluster


def _bring_up(
    places: Places, box: Toolbox, interval_s: float, lifetime_s: float, lifeline: int | None
) -> Cluster:
    for folder in (places.logs, places.config, places.data, places.certificates):
        folder.mkdir(parents=True, exist_ok=True)
    archives = [small_images.pause_archive(places), small_images.box_archive(places)]
    with (
        step("namespaces, network and certificates"),
        exclusive(places.running.parent / ".addresses.lock"),
    ):
        launch(places, lifetime_s, lifeline)
        processes = Processes(places)
        addresses = network.choose(network.networks_of_machine())
        network.connect(processes, addresses)
        kit = Kit(places, addresses, box, Authority(places.certificates))
    cluster = Cluster(places, addresses, box, processes)
    admin = kit.authority.client("admin", "kubernetes-admin", "system:masters")
    kit.authority.kubeconfig(places.kubeconfig, kit.api_url, admin)
    with ThreadPoolExecutor(max_workers=2) as side:
        processes.start(node.containerd(kit))
        images = side.submit(_import_all, cluster, archives)
        with step("control plane"):
            processes.start(control_plane.etcd(kit))
            processes.start(control_plane.api_server(kit))
            _wait(cluster, "kube-apiserver", lambda: _ready(cluster), within_s=60)
        rest = _rest_of(kit)
        for component in rest:
            processes.start(component)
        with step("DNS and Prometheus"):
            _start_prometheus(cluster, kit, interval_s)
        images.result()
    with step("node"):
        _wait(cluster, "kubelet", lambda: node_is_ready(cluster), within_s=60)
    names = list(processes.states())
    places.facts.write_text(json.dumps({"addresses": asdict(addresses), "components": names}))
    return cluster


def _rest_of(kit: Kit) -> list[Component]:
    return [
        control_plane.controller_manager(kit),
        control_plane.scheduler(kit),
        node.kubelet(kit),
        node.kube_proxy(kit),
        addons.core_dns(kit),
    ]


def _start_prometheus(cluster: Cluster, kit: Kit, interval_s: float) -> None:
    cluster.kubectl("apply", "--server-side", "-f", str(addons.write_manifests(kit)))
    kubectl = [cluster.tools["kubectl"], f"--kubeconfig={cluster.kubeconfig}"]
    addons.put_account_token(kit, kubectl)
    for command in addons.account_commands(kit):
        cluster.processes.inside(*command)
    cluster.processes.start(addons.prometheus(kit, interval_s))


def _import_all(cluster: Cluster, archives: list[Path]) -> None:
    _wait(cluster, "containerd", cluster.places.containerd_socket.exists, within_s=30)
    for archive in archives:
        cluster.import_image(archive)


def _ready(cluster: Cluster) -> bool:
    cluster.kubectl("get", "--raw=/readyz", "--request-timeout=2s")
    return True


def node_is_ready(cluster: Cluster) -> bool:
    """Tell whether the node is Ready."""
    path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    return cluster.kubectl("get", "node", node.NODE_NAME, "-o", path) == "True"


def _wait(cluster: Cluster, component: str, ready: Callable[[], bool], within_s: float) -> None:
    """Wait until `ready`; fail at once when the component is dead, with its last words."""
    deadline = time.monotonic() + within_s
    why = "it is not ready"
    while True:
        try:
            if ready():
                return
        except ClusterError as error:
            why = str(error)
        if not cluster.processes.is_alive(component):
            why = "it has ended"
        elif time.monotonic() < deadline:
            time.sleep(0.1)
            continue
        words = cluster.processes.log_tail(component)
        raise ClusterError(f"{component} did not come up within {within_s:.0f} s: {why}\n{words}")
