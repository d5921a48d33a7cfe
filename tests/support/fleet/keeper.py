"""Keeps a simulated runner for every runner pod that kwok plays: the kubelet of the simulated fleet.

Looks at the API for pods of simulated nodes, reads the ConfigMap that a real runner would find mounted, serves the
runner at the pod's address, and ends the pod when the runner is released or dies. Runs in the cluster's own
namespaces, where the pods' addresses (of 127.0.0.0/8) are reached by Prometheus and by an operator that runs there
too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from cluster.api import Api, ApiError, Object
from cluster.simulated_nodes import TAINT, end_pod

from fleet.impatience import Impatience
from fleet.manners import Manners
from fleet.runner import Clocks, SimulatedRunner
from kload_runner.fleet.control_api import ControlServer
from kload_spec.control import CONTROL_PORT, RUN_FILE, RunDescription, RunnerPhase
from kload_spec.plan import Plan
from kload_spec.planning import plan_of

logger = logging.getLogger(__name__)

RUNNERS = "app.kubernetes.io/name=kload-runner"
INDEX = "batch.kubernetes.io/job-completion-index"
LOOK_S = 0.3


@dataclass(slots=True)
class _Kept:
    """A runner that is served, and the pod it is in."""

    runner: SimulatedRunner
    server: ControlServer
    pod: Object
    gone: bool = False


@dataclass(slots=True)
class Keeper:
    """The runners by the uid of their pods."""

    api: Api
    manners: Manners
    port: int = CONTROL_PORT
    _kept: dict[str, _Kept] = field(default_factory=dict)
    _plans: dict[str, tuple[RunDescription, Plan]] = field(default_factory=dict)

    async def keep(self) -> None:
        """Look for pods until cancelled; an API that is away for a while is asked again."""
        while True:
            try:
                await self._look()
            except (ApiError, OSError) as error:
                logger.warning("the API could not be asked: %s", error)
            await asyncio.sleep(LOOK_S)

    async def _look(self) -> None:
        pods = await asyncio.to_thread(self.api.list, "v1/Pod", None, RUNNERS)
        there = {
            pod["metadata"]["uid"]: pod
            for pod in pods
            if TAINT in (pod["spec"].get("nodeSelector") or {})
            and pod["status"].get("phase") == "Running"
            and "deletionTimestamp" not in pod["metadata"]
        }
        for uid in self._kept.keys() - there.keys():
            await self._kept.pop(uid).server.close()
        for uid, pod in there.items():
            if uid not in self._kept:
                self._kept[uid] = await self._begin(pod)
        for kept in self._kept.values():
            await self._follow(kept)

    async def _begin(self, pod: Object) -> _Kept:
        description, plan = await asyncio.to_thread(self._description, pod)
        index = int(pod["metadata"]["annotations"][INDEX])
        clocks = Clocks(time.monotonic, time.time)
        runner = SimulatedRunner(description, plan, index, lambda: self.manners.of(index), clocks)
        server = Impatience(runner, description.token_sha256)
        await server.start(pod["status"]["podIP"], self.port)
        logger.info("runner %d of %s serves", index, description.run.uid)
        return _Kept(runner, server, pod)

    async def _follow(self, kept: _Kept) -> None:
        """End the pod of a runner that was released or died; close one that vanished."""
        if kept.gone:
            return
        manner, elapsed = kept.runner.manner, kept.runner.elapsed_s()
        if kept.runner.phase is RunnerPhase.RELEASED:
            await self._end(kept, "Succeeded")
        elif manner.dies_after_s is not None and 0 < manner.dies_after_s <= elapsed:
            await self._end(kept, "Failed")
        elif manner.vanishes_after_s is not None and 0 < manner.vanishes_after_s <= elapsed:
            kept.gone = True
            await kept.server.close()

    async def _end(self, kept: _Kept, phase: str) -> None:
        kept.gone = True
        await kept.server.close()
        await asyncio.to_thread(end_pod, self.api, kept.pod, phase)

    def _description(self, pod: Object) -> tuple[RunDescription, Plan]:
        """Return what the pod's mounted ConfigMap describes, and its plan; both are the same for a whole fleet."""
        namespace = pod["metadata"]["namespace"]
        for name in _config_maps(pod):
            key = f"{namespace}/{name}/{pod['metadata']['labels'].get('job-name', '')}"
            if key in self._plans:
                return self._plans[key]
            data = self.api.get("v1/ConfigMap", name, namespace).get("data", {})
            if RUN_FILE in data:
                description = RunDescription.model_validate_json(data[RUN_FILE])
                self._plans[key] = (description, plan_of(description.source))
                return self._plans[key]
        raise ApiError(404, f"no volume of pod {pod['metadata']['name']} holds {RUN_FILE}")


def _config_maps(pod: Object) -> list[str]:
    found: list[str] = []
    for volume in pod["spec"].get("volumes", ()):
        sources: list[Any] = [volume, *volume.get("projected", {}).get("sources", ())]
        found += [one["configMap"]["name"] for one in sources if "name" in one.get("configMap", {})]
    return found
