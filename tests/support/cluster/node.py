"""The node: containerd with its CNI, the kubelet, and kube-proxy.

Builders of :class:`Component` values, and the configuration files they read. The settings are those under which a
kubelet runs as root without CAP_SYS_RESOURCE, on cgroup v1 as well as v2; each line that is there for such a
machine says so.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from cluster.control_plane import Kit
from cluster.network import BRIDGE
from cluster.processes import Component

NODE_NAME = "node-1"
PAUSE_IMAGE = "localhost/pause:1"
_PLUGINS = "/usr/lib/cni"  # where Debian puts them; upstream says /opt/cni/bin

# Plugins that only warn on a machine that lacks what they are for.
_NOT_HERE = (
    ("snapshotter", "aufs"),
    ("snapshotter", "btrfs"),
    ("snapshotter", "devmapper"),
    ("snapshotter", "zfs"),
    ("internal", "opt"),
)

_CONTAINERD = """\
version = 2
root = "{data}/containerd"
state = "/run/kload-containerd"
disabled_plugins = [{disabled}]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Without CAP_SYS_RESOURCE no process may lower its oom_score_adj.
  restrict_oom_score_adj = true
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  disable_tcp_service = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{cni}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def containerd(kit: Kit) -> Component:
    """Return containerd with folders of its own, so that it never meets one the machine runs."""
    cni = kit.places.config / "cni"
    cni.mkdir(exist_ok=True)
    (cni / "10-kload.conflist").write_text(json.dumps(_pod_network(kit)))
    text = _CONTAINERD.format(
        data=kit.places.data,
        disabled=", ".join(f'"io.containerd.{name}.v1.{kind}"' for name, kind in _NOT_HERE),
        socket=kit.places.containerd_socket,
        pause=PAUSE_IMAGE,
        plugins=_PLUGINS,
        cni=cni,
    )
    path = _write(kit, "containerd.toml", text)
    return Component("containerd", [_program("containerd"), "--config", str(path)])


def _pod_network(kit: Kit) -> dict[str, Any]:
    ranges = [[{"subnet": kit.addresses.pods, "rangeStart": _nth_address(kit, 10)}]]
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni-ipam",
        "ranges": ranges,
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipam": ipam,
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "kload", "plugins": [bridge, portmap]}


def _nth_address(kit: Kit, number: int) -> str:
    return kit.addresses.node.rpartition(".")[0] + f".{number}"


def kubelet(kit: Kit) -> Component:
    """Return the kubelet; its node has the bridge's address, since loopback is refused."""
    serving = kit.authority.server("kubelet", kit.addresses.node, NODE_NAME)
    config = kit.kubeconfig("kubelet", f"system:node:{NODE_NAME}", "system:nodes")
    resolver = _write(kit, "resolv.conf", "# the cluster's DNS is all there is\n")
    root = kit.places.data / "kubelet"
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "0.0.0.0",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(kit.authority.certificate)},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "clusterDNS": [kit.addresses.node],
        "clusterDomain": "cluster.local",
        "resolvConf": str(resolver),
        "containerRuntimeEndpoint": f"unix://{kit.places.containerd_socket}",
        "volumePluginDir": str(root / "plugins"),
        "nodeStatusReportFrequency": "10s",
        "nodeStatusUpdateFrequency": "2s",
        "nodeLeaseDurationSeconds": 10,
        "syncFrequency": "10s",
        "shutdownGracePeriod": "0s",
        "serializeImagePulls": False,
        **_settings_of_small_machines(),
    }
    path = _write(kit, "kubelet.json", json.dumps(settings))
    argv = [kit.tools["kubelet"], f"--config={path}", f"--kubeconfig={config}"]
    argv += [f"--hostname-override={NODE_NAME}", f"--node-ip={kit.addresses.node}"]
    return Component("kubelet", [*argv, f"--root-dir={root}"])


def _settings_of_small_machines() -> dict[str, Any]:
    """Return what a kubelet needs to be content with cgroup v1, few capabilities and a full disk."""
    return {
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": ["none"],
        "failCgroupV1": False,
        "failSwapOn": False,
        "localStorageCapacityIsolation": False,
        "featureGates": {"KubeletInUserNamespace": True},
        "oomScoreAdj": 0,
        "maxOpenFiles": 20000,
        # Images are imported, not pulled: one that is collected never comes back.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "50Mi"},
    }


def kube_proxy(kit: Kit) -> Component:
    """Return kube-proxy in iptables mode; connection tracking limits are the machine's and left alone."""
    config = kit.kubeconfig("kube-proxy", "system:kube-proxy")
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(config)},
        "bindAddress": "0.0.0.0",
        "hostnameOverride": NODE_NAME,
        # Without br_netfilter an answer between two pods on the bridge would bypass the translation.
        "iptables": {"masqueradeAll": True, "syncPeriod": "5s", "minSyncPeriod": "0s"},
        "conntrack": {
            "maxPerCore": 0,
            "min": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }
    path = _write(kit, "kube-proxy.json", json.dumps(settings))
    return Component("kube-proxy", [kit.tools["kube-proxy"], f"--config={path}"])


def _write(kit: Kit, name: str, text: str) -> Path:
    path = kit.places.config / name
    path.write_text(text)
    return path


def _program(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin") or name
