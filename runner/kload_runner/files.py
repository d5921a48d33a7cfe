"""The files of a test as one runner reads them: data, scripts, certificates, uploads.

The one door to them, so that what was read can be told apart by one hash: runners of a fleet with other files run
another test, and are refused at the gate (`PlanReply.files_hash`). Modules that a script imports only while it runs are
not seen here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from kload_spec.errors import InvalidSpec, Problem

ReadFile = Callable[[str], bytes]


class FilesRead:
    """Reads the files of one test and remembers what they held.

    Attributes:
        base_dir: folder that the manifest's paths are relative to.
    """

    def __init__(self, base_dir: Path) -> None:
        self.base_dir = base_dir
        self._digests: dict[str, str] = {}

    def read(self, path: str) -> bytes:
        """Return the content of a file by its path in the manifest.

        Raises:
            OSError: it cannot be read.
        """
        content = (self.base_dir / path).read_bytes()
        self._digests[path] = hashlib.sha256(content).hexdigest()
        return content

    @property
    def hash(self) -> str:
        """SHA-256 over paths and contents of all that was read, in lower-case hex; empty where there was nothing."""
        if not self._digests:
            return ""
        text = json.dumps(self._digests, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def content_of(path: str, where: str, read: ReadFile) -> bytes:
    """Return the content of a file of the test.

    Args:
        path: as written in the manifest.
        where: the place in the manifest that names it.

    Raises:
        InvalidSpec: it cannot be read.
    """
    try:
        return read(path)
    except OSError as exc:
        raise InvalidSpec([Problem(where, f"{path}: {exc.strerror or exc}")]) from exc
