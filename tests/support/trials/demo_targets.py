"""The demo servers of `examples/targets` as pods: the product's image, and beside it in one archive what it lacks.

The image carries no examples and no uvicorn, so both come as a zip file in a ConfigMap, put on Python's path. They are
pure Python. The faults of a server are switched by its environment, as it is started.
"""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

from cluster.api import Api, Object
from cluster.places import REPOSITORY
from cluster.pods import pod, service
from cluster.waiting import eventually

PORT = 8080
_BESIDES = ("uvicorn", "click", "h11")
_ARCHIVE = "demo-targets"
_FOLDER = "/etc/target"


def start_targets(
    api: Api, namespace: str, image: str, module: str, faults: Mapping[str, str]
) -> None:
    """Start one server for each entry of `faults`, under its name; return when all are ready.

    Args:
        module: of `examples.targets`, e.g. ``tickets``.
        faults: name of pod and service → what is broken there, as TARGET_FAULTS has it; empty for nothing.
    """
    api.apply(_archive(), namespace)
    for name, switches in faults.items():
        api.apply_all(
            [_server(name, image, module, switches), service(name, target_port=PORT)], namespace
        )
    for name in faults:
        eventually(
            lambda name=name: api.get("v1/Pod", name, namespace),  # type: ignore[misc] # bound at once
            until=_is_ready,
            within_s=90,
            what=f"the demo server {name}",
        )


def _server(name: str, image: str, module: str, switches: str) -> Object:
    volumes: list[Object] = [
        {"name": "program", "configMap": {"name": _ARCHIVE}},
        {"name": "tmp", "emptyDir": {}},  # its database
    ]
    return pod(
        name,
        ["python3", "-m", f"examples.targets.{module}", "--host", "0.0.0.0", "--port", str(PORT)],
        image=image,
        spec={"volumes": volumes},
        env=[
            {"name": "PYTHONPATH", "value": f"{_FOLDER}/{_ARCHIVE}.zip"},
            {"name": "TARGET_FAULTS", "value": switches},
        ],
        volumeMounts=[
            {"name": "program", "mountPath": _FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
        ports=[{"containerPort": PORT}],
        readinessProbe={"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1},
    )


def _archive() -> Object:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for folder, root in _sources():
            for path in sorted(folder.rglob("*.py")):
                archive.write(path, path.relative_to(root))
        archive.write(REPOSITORY / "examples" / "__init__.py", "examples/__init__.py")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": _ARCHIVE},
        "binaryData": {f"{_ARCHIVE}.zip": base64.b64encode(written.getvalue()).decode()},
    }


def _sources() -> Iterator[tuple[Path, Path]]:
    """Yield each package's folder, and the folder it is imported from."""
    yield REPOSITORY / "examples" / "targets", REPOSITORY
    for name in _BESIDES:
        found = find_spec(name)
        assert found is not None
        assert found.origin is not None, f"{name} is not installed: make setup"
        folder = Path(found.origin).parent
        yield folder, folder.parent


def _is_ready(seen: Object) -> bool:
    conditions = seen.get("status", {}).get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
