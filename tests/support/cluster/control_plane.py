"""etcd, API server, controller manager and scheduler: what they are run with.

Pure builders of :class:`Component` values over a :class:`Kit`, apart from the key and kubeconfig files they need.
Flags follow kubeadm where it has an opinion; what differs says why.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cluster.certificates import Authority, Pair
from cluster.network import API_SERVICE_ADDRESS, SERVICES, Addresses
from cluster.places import Places
from cluster.processes import Component
from cluster.tools import Toolbox

API_PORT = 6443


@dataclass(frozen=True, slots=True)
class Kit:
    """What every component is made from."""

    places: Places
    addresses: Addresses
    tools: Toolbox
    authority: Authority

    @property
    def api_url(self) -> str:
        return f"https://{self.addresses.control_plane}:{API_PORT}"

    def kubeconfig(self, name: str, user: str, group: str | None = None) -> Path:
        """Return a kubeconfig of its own for a component."""
        pair = self.authority.client(name, user, group)
        path = self.places.config / f"{name}.kubeconfig"
        return self.authority.kubeconfig(path, self.api_url, pair)


def etcd(kit: Kit) -> Component:
    """Return etcd; its data is on a tmpfs and never synced, since it never has to survive the machine."""
    flags = {
        "data-dir": "/run/etcd",
        "listen-client-urls": "http://127.0.0.1:2379",
        "advertise-client-urls": "http://127.0.0.1:2379",
        "listen-peer-urls": "http://127.0.0.1:2380",
        "initial-advertise-peer-urls": "http://127.0.0.1:2380",
        "initial-cluster": "default=http://127.0.0.1:2380",
        "unsafe-no-fsync": "true",
        "log-level": "warn",
    }
    return Component("etcd", [kit.tools["etcd"], *_flags(flags)])


def api_server(kit: Kit) -> Component:
    """Return the API server, reachable from this machine, from pods and through its service."""
    serving = kit.authority.server(
        "kube-apiserver",
        kit.addresses.control_plane,
        API_SERVICE_ADDRESS,
        "127.0.0.1",
        # A proxy on this machine stands in for it in the tests, at the machine's end of the link.
        kit.addresses.machine,
        "localhost",
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    )
    to_kubelet = kit.authority.client("apiserver-kubelet-client", "apiserver", "system:masters")
    accounts = service_account_keys(kit)
    flags = {
        "etcd-servers": "http://127.0.0.1:2379",
        "bind-address": "0.0.0.0",
        "secure-port": str(API_PORT),
        "advertise-address": kit.addresses.control_plane,
        "service-cluster-ip-range": SERVICES,
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(accounts.certificate),
        "service-account-signing-key-file": str(accounts.key),
        "client-ca-file": str(kit.authority.certificate),
        "tls-cert-file": str(serving.certificate),
        "tls-private-key-file": str(serving.key),
        "kubelet-certificate-authority": str(kit.authority.certificate),
        "kubelet-client-certificate": str(to_kubelet.certificate),
        "kubelet-client-key": str(to_kubelet.key),
        # By address: nothing resolves the node's name, and logs and exec would ask for it first.
        "kubelet-preferred-address-types": "InternalIP",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
        "profiling": "false",
    }
    return Component("kube-apiserver", [kit.tools["kube-apiserver"], *_flags(flags)])


def controller_manager(kit: Kit) -> Component:
    """Return the controller manager; it notices a dead node sooner than by default, the tests wait for it."""
    accounts = service_account_keys(kit)
    name = "kube-controller-manager"
    config = str(kit.kubeconfig(name, f"system:{name}"))
    flags = {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "service-account-private-key-file": str(accounts.key),
        "root-ca-file": str(kit.authority.certificate),
        "use-service-account-credentials": "true",
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "node-monitor-grace-period": "20s",
        "node-monitor-period": "2s",
        "profiling": "false",
    }
    return Component(name, [kit.tools[name], *_flags(flags)])


def scheduler(kit: Kit) -> Component:
    """Return the scheduler."""
    name = "kube-scheduler"
    config = str(kit.kubeconfig(name, f"system:{name}"))
    flags = {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "leader-elect": "false",
        "bind-address": "127.0.0.1",
        "profiling": "false",
    }
    return Component(name, [kit.tools[name], *_flags(flags)])


def service_account_keys(kit: Kit) -> Pair:
    """Return the pair that signs and checks service account tokens (a certificate holds the public key)."""
    folder = kit.places.certificates
    pair = Pair(folder / "service-accounts.crt", folder / "service-accounts.key")
    return pair if pair.key.exists() else kit.authority.client("service-accounts", "none")


def _flags(values: dict[str, str]) -> list[str]:
    return [f"--{name}={value}" for name, value in values.items()]
