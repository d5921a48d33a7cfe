"""Image archives in the OCI layout, written directly: for images that are a few files, with no build to run.

Bytes depend on the content alone (no clock, no order of a directory), so an unchanged image keeps its digest.
Source: OCI image format specification, `image-layout.md`, `manifest.md`, `config.md`.
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of a layer; `link` makes it a symbolic link instead."""

    path: str
    content: bytes = b""
    mode: int = 0o755
    link: str = ""


def layer_of(files: Sequence[FileEntry]) -> bytes:
    """Return a tar of the files, folders above them included."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        folders: set[str] = set()
        for entry in sorted(files, key=lambda one: one.path):
            parts = entry.path.strip("/").split("/")
            for depth in range(1, len(parts)):
                folder = "/".join(parts[:depth])
                if folder not in folders:
                    folders.add(folder)
                    info = tarfile.TarInfo(folder)
                    info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
                    archive.addfile(info)
            info = tarfile.TarInfo("/".join(parts))
            info.mode, info.size = entry.mode, len(entry.content)
            if entry.link:
                info.type, info.linkname = tarfile.SYMTYPE, entry.link
            archive.addfile(info, io.BytesIO(entry.content))
    return buffer.getvalue()


def write_archive(path: Path, image: str, layer: bytes, config: Mapping[str, Any]) -> None:
    """Write an archive of one layer.

    Args:
        path: the file to write.
        image: full name of the image, e.g. ``localhost/pause:1``.
        layer: an uncompressed tar.
        config: the image's run settings (`Entrypoint`, `User` ...).
    """
    blobs: dict[str, bytes] = {}

    def put(content: bytes) -> tuple[str, int]:
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return f"sha256:{digest}", len(content)

    def describe(media: str, content: bytes) -> dict[str, Any]:
        digest, size = put(content)
        return {"mediaType": media, "digest": digest, "size": size}

    settings = {
        "architecture": architecture(),
        "os": "linux",
        "config": dict(config),
        "history": [{"created_by": "the tests of kload"}],
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": describe(_CONFIG, _json(settings)),
        "layers": [describe(_LAYER, layer)],
    }
    entry = describe(_MANIFEST, _json(manifest))
    entry["annotations"] = {
        "io.containerd.image.name": image,
        "org.opencontainers.image.ref.name": image,
    }
    index = {"schemaVersion": 2, "manifests": [entry]}
    _write_tar(
        path, {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": _json(index)} | blobs
    )


def folder_as_layer(folder: Path, leave_out: Sequence[str] = ()) -> bytes:
    """Return a tar of a whole tree, owners kept, without what lies under `leave_out`."""
    buffer = io.BytesIO()

    def keep(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if any(info.name == one or info.name.startswith(one + "/") for one in leave_out):
            return None
        info.mtime = 0
        return info

    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry in sorted(folder.iterdir()):
            archive.add(entry, arcname=entry.name, filter=keep)
    return buffer.getvalue()


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _write_tar(path: Path, files: Mapping[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    with tarfile.open(unfinished, mode="w") as archive:
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    unfinished.rename(path)


def architecture() -> str:
    """Return this machine's architecture as images name it."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
