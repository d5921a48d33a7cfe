"""The cluster's authority: its certificates, the key of its service accounts, and kubeconfigs.

One authority per cluster, made afresh each time. Identities are those of a kubeadm cluster, so that RBAC's built-in
roles apply as they do elsewhere. Writes files and hands out their paths; starts nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, as files."""

    certificate: Path
    key: Path


class Authority:
    """Signs what the cluster's components prove themselves with."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._ca = trustme.CA(organization_name="kload e2e")
        self.certificate = folder / "ca.crt"
        self._ca.cert_pem.write_to_path(str(self.certificate))

    def server(self, name: str, *names: str) -> Pair:
        """Issue a certificate for a server known by `names` (DNS names and addresses)."""
        return self._write(f"{name}-serving", self._ca.issue_cert(*names, common_name=name))

    def client(self, name: str, user: str, group: str | None = None) -> Pair:
        """Issue a certificate that the API server takes for `user`, member of `group`."""
        # trustme wants a host name beside the identity; nothing reads it.
        issued = self._ca.issue_cert(
            "client.invalid", common_name=user, organization_name=group or "none"
        )
        return self._write(name, issued)

    def kubeconfig(self, path: Path, server: str, user: Pair) -> Path:
        """Write a kubeconfig (JSON is YAML) with everything inside, so that it can be copied."""
        cluster = {"server": server, "certificate-authority-data": _encode(self.certificate)}
        identity = {
            "client-certificate-data": _encode(user.certificate),
            "client-key-data": _encode(user.key),
        }
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "kload", "cluster": cluster}],
            "users": [{"name": "kload", "user": identity}],
            "contexts": [{"name": "kload", "context": {"cluster": "kload", "user": "kload"}}],
            "current-context": "kload",
        }
        path.write_text(json.dumps(config, indent=1))
        path.chmod(0o600)
        return path

    def _write(self, name: str, issued: trustme.LeafCert) -> Pair:
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        with pair.certificate.open("wb") as handle:
            for blob in issued.cert_chain_pems:
                handle.write(blob.bytes())
        issued.private_key_pem.write_to_path(str(pair.key))
        pair.key.chmod(0o600)
        return pair


def _encode(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
