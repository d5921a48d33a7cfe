"""A runner in a pod: `kload pod`, the container's command. Reads a mounted ConfigMap, serves until released.

Needs no Kubernetes API and no token of one. What it says about its end goes to the termination message, which the
kubelet puts into the pod's status: it is there even when nobody asked in time.

    KLOAD_CONFIG            folder of the mounted ConfigMap: run.json, files under their keys
    JOB_COMPLETION_INDEX    place in the fleet (set by the Job controller)
    KLOAD_NODE, KLOAD_POD   from the downward API
    KLOAD_PORT              port of control API and metrics
    everything the plan declares under `env`

Exit codes: 0 released · 104 invalid spec · 107 script error · 143 SIGTERM · 1 anything else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from kload_runner.api import environment_of
from kload_runner.fleet.hosting import Assignment, Host
from kload_runner.loop import choose_loop, run
from kload_runner.script.loading import ScriptError
from kload_spec.control import CONTROL_PORT, RUN_FILE, RunDescription
from kload_spec.errors import InvalidSpec, Problem
from kload_spec.farewell import Farewell, packed
from kload_spec.planning import plan_of

logger = logging.getLogger(__name__)

CONFIG_DIR = "/etc/kload"
TERMINATION_FILE = Path("/dev/termination-log")
EXIT_INVALID, EXIT_SCRIPT, EXIT_FAILED = 104, 107, 1


@dataclass(frozen=True, slots=True)
class PodSettings:
    """What the pod's environment says."""

    config: Path
    index: int
    port: int = CONTROL_PORT
    node: str | None = None
    pod: str | None = None
    termination_file: Path = TERMINATION_FILE

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> PodSettings:
        """Return the settings.

        Raises:
            ValueError: the index or the port is no number.
        """
        return cls(
            config=Path(environ.get("KLOAD_CONFIG", CONFIG_DIR)),
            index=int(environ.get("JOB_COMPLETION_INDEX", "0")),
            port=int(environ.get("KLOAD_PORT", str(CONTROL_PORT))),
            node=environ.get("KLOAD_NODE"),
            pod=environ.get("KLOAD_POD") or environ.get("HOSTNAME"),
            termination_file=Path(environ.get("KLOAD_TERMINATION_LOG", str(TERMINATION_FILE))),
        )


def run_pod(environ: Mapping[str, str]) -> int:
    """Run this pod's runner until it is released; return the exit code."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s"
    )
    settings = PodSettings.read(environ)
    choice = choose_loop()
    with tempfile.TemporaryDirectory(prefix="kload-") as folder:
        try:
            assignment = _assignment(settings, environ, Path(folder), choice.name)
            return run(_serve(settings, assignment), choice)
        except InvalidSpec as exc:
            return _refuse(settings, "InvalidSpec", str(exc), EXIT_INVALID)
        except ScriptError as exc:
            return _refuse(settings, "ScriptError", str(exc), EXIT_SCRIPT)
        except (OSError, ValidationError) as exc:
            return _refuse(settings, "EngineError", f"{RUN_FILE}: {exc}", EXIT_FAILED)


async def _serve(settings: PodSettings, assignment: Assignment) -> int:
    host = Host(assignment, logger.info)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, host.terminate)
    try:
        port = await host.serve("", settings.port)
        logger.info("runner %d serves on port %d", assignment.index, port)
        code = await host.live()
        _say_goodbye(settings, host, code)
        return code
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        await host.close()


def _assignment(
    settings: PodSettings, environ: Mapping[str, str], folder: Path, loop_name: str
) -> Assignment:
    text = (settings.config / RUN_FILE).read_text(encoding="utf-8")
    description = RunDescription.model_validate_json(text)
    for path, key in description.files.items():
        place = (folder / path).resolve()
        if not place.is_relative_to(folder.resolve()):
            message = f"{path} leads out of the test's folder; give a path inside it"
            raise InvalidSpec([Problem("spec.script.files", message)])
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((settings.config / key).read_bytes())
    plan = plan_of(description.source)
    return Assignment(
        description=description,
        index=settings.index,
        env=environment_of(plan, environ),
        base_dir=_base_dir(description, folder),
        node=settings.node,
        pod=settings.pod,
        loop_name=loop_name,
    )


def _base_dir(description: RunDescription, folder: Path) -> Path:
    """Return where the test's files are: those of ConfigMaps in a folder of ours, those of `script.image` where the
    image has them, from its working directory.

    Raises:
        InvalidSpec: there would be two places.
    """
    script = description.source.document.get("spec", {}).get("script") or {}
    if not script.get("image"):
        return folder
    if description.files:
        names = ", ".join(sorted(description.files))
        message = f"{names} come from ConfigMaps and the script from an image; put all of them into the image"
        raise InvalidSpec([Problem("spec.script.image", message)])
    return Path.cwd()


def _say_goodbye(settings: PodSettings, host: Host, code: int) -> None:
    """Leave the totals in the termination message."""
    engine = host.runner.engine
    result = host.runner.last_result()
    requests: Counter[str] = Counter()
    for step in result.steps:
        requests[step.scenario] += step.requests
    reason, message = engine.stopped_by or (None, "")
    farewell = Farewell(
        exit_code=code,
        phase=host.runner.phase,
        stop=reason,
        message=message,
        requests=dict(requests),
        iterations={item.name: item.iterations for item in result.scenarios},
        faults=tuple(fault.message for fault in engine.faults),
        alone=host.tore_down_alone,
    )
    if farewell.ended_well:
        farewell = farewell.model_copy(update={"totals": packed(result)})
    _write_termination(settings, farewell)


def _refuse(settings: PodSettings, reason: str, message: str, code: int) -> int:
    logger.error("%s: %s", reason, message)
    _write_termination(settings, Farewell(exit_code=code, reason=reason, message=message))
    return code


def _write_termination(settings: PodSettings, farewell: Farewell) -> None:
    with contextlib.suppress(OSError):  # a read-only root without the file: nothing to be done
        settings.termination_file.write_text(farewell.to_text(), encoding="utf-8")
