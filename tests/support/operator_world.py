"""A whole cluster around the operator's controller, in memory and in virtual time: Jobs, pods, runners, Prometheus.

The API server is `memory_cluster`, the runners are the simulated fleet's state machines, Prometheus shows what it
scraped last. A fuse cuts the operator off at any of its outward acts, before or after the act, as SIGKILL would; the
next operator begins with nothing but what is in the cluster.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet.manners import Manner
from fleet.runner import Clocks, SimulatedRunner
from memory_cluster import MemoryCluster

from kload_operator.cluster import CONFIG_MAPS, EVENTS, JOBS, LOADTESTS, PODS, Kind, Manifest
from kload_operator.controller import Controller, Key
from kload_operator.memory import Memory
from kload_operator.observing import Instruments
from kload_operator.prometheus import Unavailable, Vector
from kload_operator.runner_access import RunnerAddress, Unreachable, WrongPhase
from kload_operator.settings import LimitSettings, Settings, TimeSettings
from kload_operator.telemetry import Telemetry
from kload_operator.workqueue import WorkQueue
from kload_runner.fleet.runner import WrongPhase as RunnerWrongPhase
from kload_spec.control import (
    CancelRequest,
    RunDescription,
    RunnerPhase,
    StartRequest,
    StopRequest,
    TeardownRequest,
    token_matches,
)
from kload_spec.farewell import Farewell, packed
from kload_spec.plan import Plan
from kload_spec.planning import plan_of

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KEY = b"k" * 32
POD_READY_S = 1.0
SCRAPE_S = 2.0
_PLANS: dict[str, Plan] = {}  # plans are pure functions of their source, and dear


class Killed(BaseException):
    """The operator was killed; not an Exception, so that nothing in it can live on."""


@dataclass(slots=True)
class Fuse:
    """Kills the operator at its n-th outward act (0: never), before the act or right after it."""

    at: int = 0
    after: bool = True
    acts: int = 0
    blown: bool = False

    def act(self, *, done: bool) -> None:
        """Count an act when it is done; blow where it is time."""
        if done:
            self.acts += 1
        number = self.acts if done else self.acts + 1
        if not self.blown and number == self.at and done == self.after:
            self.blown = True
            raise Killed


@dataclass(slots=True)
class Prometheus:
    """Shows the numbers of runners as of its last scrape.

    Attributes:
        url, matchers: as of the real client.
        down: it does not answer.
        dropped: names of metrics that a rule drops.
    """

    world: World
    url: str = "http://prometheus.test"
    matchers: Mapping[str, str] = field(default_factory=dict)
    down: bool = False
    dropped: frozenset[str] = frozenset()
    pages: dict[str, dict[tuple[str, str, str], float]] = field(default_factory=dict)
    scraped_at: float = -1e9

    async def vector(self, query: str, label: str = "") -> Vector:
        """Answer the operator's queries from what was scraped."""
        if self.down:
            raise Unavailable(f"{self.url} does not answer")
        metric = re.findall(r"kload_\w+", query)[0]
        uid = re.findall(r'run_uid="([^"]+)"', query)[0]
        found = {
            (runner, name): value
            for (kind, runner, name), value in self.pages.get(uid, {}).items()
            if kind == metric and metric not in self.dropped
        }
        if "== 1" in query:
            found = {key: value for key, value in found.items() if value == 1}
        counting = query.startswith("count")
        answer: dict[str, float] = {}
        for (_, name), value in found.items():
            key = name if label else ""
            answer[key] = answer.get(key, 0.0) + (1 if counting else value)
        return answer

    def scrape(self) -> None:
        """Scrape all pods that are ready, if it is time."""
        if self.world.now() - self.scraped_at < SCRAPE_S:
            return
        self.scraped_at = self.world.now()
        for runner in self.world.runners.values():
            if runner.phase is RunnerPhase.RELEASED:
                continue
            uid, index = runner.description.run.uid, str(runner.index)
            page = self.pages.setdefault(uid, {})
            numbers = runner.numbers().shown(runner.manner.shown_share)
            page["kload_runner_info", index, ""] = 1
            page["kload_runner_finished", index, ""] = float(runner.exposition.finished)
            page["kload_http_reqs_total", index, ""] = numbers.requests
            for name, tally in numbers.tallies(runner.plan_held).items():
                page["kload_threshold_good_total", index, name] = tally.good
                page["kload_threshold_samples_total", index, name] = tally.samples
                page["kload_threshold_sum", index, name] = tally.sum


class World:
    """Everything there is. Make it inside a virtual-time loop.

    Attributes:
        manners: of runners by index; `manner` of all others.
        pods_fail: message that the Job controller gives in place of pods.
    """

    def __init__(self, manner: Manner | None = None, **limits: Any) -> None:
        self.loop = asyncio.get_running_loop()
        self.cluster = MemoryCluster()
        self.cluster.before = self._before
        self.cluster.after = self._after
        self.fuse = Fuse()
        self.manner = manner or Manner()
        self.manners: dict[int, Manner] = {}
        self.runners: dict[str, SimulatedRunner] = {}
        self.prometheus = Prometheus(self)
        self.pods_fail = ""
        self.reads = 0
        self.settings = Settings(
            limits=LimitSettings(**limits), times=TimeSettings(scrapesWithin="20s")
        )
        self.memories: list[Memory] = []
        self.operators = [self.new_operator()]

    # -- operators -----------------------------------------------------------------------------------------------------

    def new_operator(self) -> Controller:
        """Return an operator that knows nothing."""
        memory = Memory()
        self.memories.append(memory)
        tools = Instruments(
            cluster=self.cluster,
            access=self,
            prometheus_for=lambda _: self.prometheus,  # type: ignore[arg-type, return-value]
            key=KEY,
            memory=memory,
            now=self.wall,
            monotonic=self.now,
        )
        return Controller(tools, self.settings, WorkQueue(), Telemetry(self.now), self.now)

    async def step(self, name: str = "shop") -> None:
        """Let every operator look once; one that is killed is replaced."""
        for position, operator in enumerate(self.operators):
            try:
                await operator.reconcile(Key("staging", name))
            except Killed:
                self.operators[position] = self.new_operator()
            except Exception as error:
                if type(error).__name__ not in ("Conflict", "Busy", "NotFound"):
                    raise

    async def run(
        self, name: str = "shop", *, until: str = "Finished", within_s: float = 200.0
    ) -> dict[str, Any]:
        """Let time pass until the LoadTest is in a phase; return its status."""
        deadline = self.now() + within_s
        while True:
            await self.step(name)
            self.controllers()
            status = self.status(name)
            if status.get("phase") == until and (until != "Finished" or self._has_finished(name)):
                return status
            assert self.now() < deadline, f"still {status.get('phase')}: {status.get('message')}"
            await asyncio.sleep(0.25)

    def _has_finished(self, name: str) -> bool:
        """Whether the condition says so of the present generation."""
        generation = self.loadtest(name)["metadata"]["generation"]
        return any(
            item["type"] == "Finished"
            and item["status"] == "True"
            and item["observedGeneration"] == generation
            for item in self.status(name).get("conditions", ())
        )

    async def settle(self, name: str = "shop", for_s: float = 5.0) -> None:
        """Let time pass."""
        until = self.now() + for_s
        while self.now() < until:
            await self.step(name)
            self.controllers()
            await asyncio.sleep(0.25)

    # -- the user ------------------------------------------------------------------------------------------------------

    def apply(self, document: Manifest) -> None:
        """Apply a LoadTest, as kubectl would."""
        self.cluster.put(LOADTESTS, document)

    def loadtest(self, name: str = "shop") -> Manifest:
        """Return a LoadTest."""
        return self.cluster.objects[LOADTESTS, "staging", name]

    def status(self, name: str = "shop") -> dict[str, Any]:
        """Return its status."""
        found: dict[str, Any] = self.loadtest(name).get("status", {})
        return found

    # -- the cluster's controllers ----------------------------------------------------------------

    def controllers(self) -> None:
        """Do what Job controller, kubelet and Prometheus do between two looks."""
        for job in self.cluster.of(JOBS):
            self._make_pods(job)
        for pod in self.cluster.of(PODS):
            self._bring_up(pod)
        ended = ("Succeeded", "Failed")
        alive = {
            pod["metadata"]["name"]
            for pod in self.cluster.of(PODS)
            if pod["status"]["phase"] not in ended
        }
        self.runners = {name: item for name, item in self.runners.items() if name in alive}
        self.prometheus.scrape()
        for memory in self.memories:
            for job in self.cluster.of(JOBS):
                memory.told_of_job(job, deleted=False)
            for pod in self.cluster.of(PODS):
                memory.told_of_pod(pod, deleted=False)

    def _make_pods(self, job: Manifest) -> None:
        metadata, spec = job["metadata"], job["spec"]
        metadata.setdefault("creationTimestamp", self._stamp())
        if self.pods_fail:
            event = {
                "metadata": {"name": f"{metadata['name']}-event", "namespace": "staging"},
                "involvedObject": {"uid": metadata["uid"]},
                "reason": "FailedCreate",
                "message": self.pods_fail,
                "lastTimestamp": self._stamp(),
            }
            self.cluster.put(EVENTS, event)
            return
        pods = [
            self.cluster.objects.get((PODS, "staging", f"{metadata['name']}-{index}"))
            for index in range(spec["completions"])
        ]
        if not job.get("made"):
            job["made"] = True
            for index in range(spec["completions"]):
                self._make_pod(job, index)
            return
        ended = [pod is None or pod["status"]["phase"] in ("Succeeded", "Failed") for pod in pods]
        if all(ended) and not job.get("status"):
            job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    def _make_pod(self, job: Manifest, index: int) -> None:
        metadata, template = job["metadata"], job["spec"]["template"]
        labels = {
            **template["metadata"]["labels"],
            "batch.kubernetes.io/job-completion-index": str(index),
        }
        self.cluster.put(
            PODS,
            {
                "metadata": {
                    "name": f"{metadata['name']}-{index}",
                    "namespace": metadata["namespace"],
                    "labels": labels,
                    "creationTimestamp": self._stamp(),
                    "ownerReferences": [{"uid": metadata["uid"]}],
                },
                "born": self.now(),
                "status": {"phase": "Pending"},
            },
        )

    def _bring_up(self, pod: Manifest) -> None:
        name, status = pod["metadata"]["name"], pod["status"]
        if status["phase"] == "Pending" and self.now() - pod["born"] >= POD_READY_S:
            index = int(pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"])
            self.runners[name] = self._new_runner(name.rsplit("-", 1)[0], index)
            ready = {"type": "Ready", "status": "True", "lastTransitionTime": self._stamp()}
            pod["status"] = {
                "phase": "Running",
                "podIP": f"10.0.0.{index + 1}",
                "conditions": [ready],
            }
            return
        runner = self.runners.get(name)
        if runner is None or status["phase"] != "Running":
            return
        if runner.phase is RunnerPhase.RELEASED:
            pod["status"] = {"phase": "Succeeded"}
        dies = runner.manner.dies_after_s
        if dies is not None and runner.phase is RunnerPhase.RUNNING and runner.elapsed_s() >= dies:
            terminated = {"exitCode": 137, "reason": "OOMKilled"}
            pod["status"] = {
                "phase": "Failed",
                "containerStatuses": [{"state": {"terminated": terminated}}],
            }

    def end_alone(self, **words: Any) -> None:
        """Have every runner end by itself, its last words in its pod; keywords: fields of the farewell that differ."""
        for name, runner in self.runners.items():
            farewell = Farewell(
                exit_code=0, phase=RunnerPhase.FINISHED, totals=packed(runner.result())
            ).model_copy(update=words)
            terminated = {"exitCode": 0, "message": farewell.to_text()}
            self.cluster.objects[PODS, "staging", name]["status"] = {
                "phase": "Succeeded",
                "containerStatuses": [{"state": {"terminated": terminated}}],
            }

    def _new_runner(self, run: str, index: int) -> SimulatedRunner:
        config = self.cluster.objects[CONFIG_MAPS, "staging", run]
        text = config["data"]["run.json"]
        description = RunDescription.model_validate_json(text)
        if text not in _PLANS:
            _PLANS[text] = plan_of(description.source)
        clocks = Clocks(self.now, lambda: self.wall().timestamp())
        return SimulatedRunner(
            description, _PLANS[text], index, lambda: self.manners.get(index, self.manner), clocks
        )

    # -- access to runners ------------------------------------------------------------------------

    async def send(
        self,
        address: RunnerAddress,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        timeout_s: float = 5.0,
    ) -> bytes:
        """Ask a runner, as `RunnerAccess` says."""
        writing = method == "POST"
        if writing:
            self.fuse.act(done=False)
        runner = self.runners.get(address.pod)
        if runner is None or runner.manner.silent:
            raise Unreachable(f"{address.pod} does not answer")
        assert token_matches(address.token, runner.description.token_sha256), "the wrong token"
        try:
            answer = _answered(runner, path, body)
        except RunnerWrongPhase as error:
            raise WrongPhase(str(error)) from error
        finally:
            if writing:
                self.fuse.act(done=True)
        return answer

    # -- clocks ------------------------------------------------------------------------

    def now(self) -> float:
        """Monotonic seconds."""
        return self.loop.time()

    def wall(self) -> datetime:
        """Wall clock."""
        return BEGIN + timedelta(seconds=self.loop.time())

    def _stamp(self) -> str:
        return self.wall().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _before(self, verb: str, kind: Kind) -> None:
        if verb in ("get", "list"):
            self.reads += 1
        else:
            self.fuse.act(done=False)

    def _after(self, verb: str, kind: Kind) -> None:
        self.fuse.act(done=True)


def _answered(runner: SimulatedRunner, path: str, body: bytes) -> bytes:
    match path:
        case "/v1/plan":
            return runner.plan().to_json().encode()
        case "/v1/status":
            return runner.status().to_json().encode()
        case "/v1/setup":
            return runner.setup().to_json().encode()
        case "/v1/start":
            return runner.start(StartRequest.model_validate_json(body)).to_json().encode()
        case "/v1/cancel":
            return runner.cancel(CancelRequest.model_validate_json(body)).to_json().encode()
        case "/v1/stop":
            return runner.stop(StopRequest.model_validate_json(body)).to_json().encode()
        case "/v1/teardown":
            return runner.teardown(TeardownRequest.model_validate_json(body)).to_json().encode()
        case "/v1/result":
            return runner.result().to_bytes()
        case "/v1/release":
            return runner.release().to_json().encode()
    raise AssertionError(path)
