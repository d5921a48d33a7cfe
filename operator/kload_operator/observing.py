"""Looks at a run: its children, its runners, its series. All reading of the world for one decision.

What is worth looking at depends on the phase (`reconcile` has the table): an idle run costs nothing, one under load a
few requests every few seconds. Asking for setup or teardown also begins them; the phase that was persisted before is
the intent, and asking twice is harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import ValidationError

from kload_operator import promql, tokens
from kload_operator.cluster import CONFIG_MAPS, EVENTS, JOBS, PODS, Cluster, Manifest, NotFound
from kload_operator.fleet import Fleet
from kload_operator.jobs import is_owned, owner_reference
from kload_operator.memory import EventsRead, Memory, RunMemory
from kload_operator.pods import fleet_seen, job_seen, unborn, unmounted
from kload_operator.prometheus import Misconfigured, PrometheusClient, PrometheusError, Vector
from kload_operator.results import result_in
from kload_operator.runner_access import RunnerAccess
from kload_operator.runs import Run
from kload_operator.seen import (
    Blocker,
    DescriptionSeen,
    JobSeen,
    MetricsSeen,
    PodPhase,
    PodSeen,
    RunnerSeen,
    Seen,
)
from kload_operator.status import since_s
from kload_operator.subject import Subject
from kload_spec.control import RUN_FILE, PhaseReply, RunDescription, RunnerPhase
from kload_spec.errors import InvalidSpec
from kload_spec.model import Phase
from kload_spec.planning import plan_of
from kload_spec.result import Result, merge, totals
from kload_spec.thresholds import Tally

EVENTS_AFTER_S = 2.0  # s a pod or Job may take before its events are read
EVENTS_EVERY_S = 2.0  # s between two readings for one run, however often it is looked at
_ASK_PLAN = frozenset({Phase.GATING, Phase.STARTING})
_ASK_STATUS = frozenset({Phase.RUNNING, Phase.STOPPING, Phase.TEARDOWN, Phase.JUDGING})
_WITH_METRICS = frozenset({Phase.GATING, Phase.RUNNING, Phase.JUDGING})
_AFTER_THE_START = _ASK_STATUS
_DONE = frozenset({RunnerPhase.FINISHED, RunnerPhase.RELEASED})


@dataclass(frozen=True, slots=True)
class Instruments:
    """What the operator looks and acts through.

    Attributes:
        prometheus_for: the Prometheus of a namespace; None: none is configured.
        now: wall clock, UTC.
        monotonic: seconds, for ages.
    """

    cluster: Cluster
    access: RunnerAccess
    prometheus_for: Callable[[str], PrometheusClient | None]
    key: bytes
    memory: Memory
    now: Callable[[], datetime]
    monotonic: Callable[[], float] = time.monotonic


class Observer:
    """Gathers facts about runs."""

    def __init__(self, instruments: Instruments) -> None:
        self._tools = instruments

    async def look(self, subject: Subject, run: Run, phase: Phase) -> Seen:
        """Return everything worth knowing about a run in a phase.

        Raises:
            ClusterError: the API server does not tell.
        """
        memory = self._tools.memory.of(run.uid)
        description = await self._description(run, memory, parsed=phase is not Phase.FINISHED)
        await self._read_children(run, memory, phase)
        job = job_seen(memory.job, ours=is_owned(memory.job, run)) if memory.job else None
        pods = fleet_seen(memory.pods.values())
        blocked = (
            await self._unborn(run, memory, job, pods, description)
            if phase is Phase.LAUNCHING
            else None
        )
        if phase is Phase.LAUNCHING and blocked is None:
            pods = await self._with_mounts(run, memory, pods)
        fleet = self.fleet(run, pods)
        runners = await self._runners(fleet, phase)
        setup = await fleet.set_up() if phase is Phase.SETUP else None
        left = left_behind(pods, run, description) if phase in _AFTER_THE_START else {}
        results = {**left, **await self._results(fleet, memory, runners, phase)}
        merged = merge([results[index] for index in sorted(results)]) if results else None
        teardown = await self._teardown(fleet, runners, merged) if phase is Phase.TEARDOWN else None
        metrics = None
        if phase in _WITH_METRICS and description is not None:
            metrics = await self._metrics(subject, run, phase)
        kept = await self.kept(run) if phase is Phase.JUDGING else None
        return Seen(
            now=self._tools.now(),
            description=description,
            job=job,
            pods=pods,
            unborn=blocked,
            runners=runners,
            setup=setup,
            teardown=teardown,
            metrics=metrics,
            merged=merged,
            merged_of=len(results),
            left=frozenset(left),
            kept=kept,
            skew_s=memory.skew_s,
        )

    def fleet(self, run: Run, pods: Mapping[int, PodSeen]) -> Fleet:
        """Return the runners of a run, ready to be asked."""
        token = tokens.run_token(self._tools.key, run.uid)
        return Fleet.of(self._tools.access, run.namespace, pods, token)

    # -- children ----------------------------------------------------------------------------------------------------

    async def _description(
        self, run: Run, memory: RunMemory, *, parsed: bool
    ) -> DescriptionSeen | None:
        if memory.description is not None:
            return memory.description
        try:
            found = await self._tools.cluster.get(CONFIG_MAPS, run.namespace, run.name)
        except NotFound:
            return None
        metadata = found["metadata"]
        if not is_owned(found, run):
            owners = {owner.get("uid") for owner in metadata.get("ownerReferences", ())}
            known = metadata["uid"] if owner_reference(run)["uid"] in owners else ""
            return DescriptionSeen(known, ours=False)
        if not parsed:
            return DescriptionSeen(metadata["uid"], ours=True)
        try:
            text = found.get("data", {}).get(RUN_FILE, "")
            description = RunDescription.model_validate_json(text)
            plan = await asyncio.to_thread(plan_of, description.source)
        except (ValidationError, InvalidSpec):
            return DescriptionSeen(metadata["uid"], ours=True)
        memory.description = DescriptionSeen(metadata["uid"], True, description, plan)
        return memory.description

    async def _read_children(self, run: Run, memory: RunMemory, phase: Phase) -> None:
        """Read Job and pods, unless what the watches told is recent enough."""
        now = self._tools.monotonic()
        if memory.is_fresh(phase, now):
            return
        job, pods = await asyncio.gather(
            self._job(run), self._tools.cluster.list(PODS, run.namespace, labels=run.selector)
        )
        memory.read(job, pods, phase, now)

    async def _job(self, run: Run) -> Manifest | None:
        try:
            return await self._tools.cluster.get(JOBS, run.namespace, run.name)
        except NotFound:
            return None

    async def kept(self, run: Run) -> Result | None:
        """Return the result document of a run, if it is kept."""
        try:
            found = await self._tools.cluster.get(CONFIG_MAPS, run.namespace, run.result_name)
        except NotFound:
            return None
        return result_in(found) if is_owned(found, run) else None

    # -- what holds pods up --------------------------------------------------------------------------------------------

    async def _unborn(
        self,
        run: Run,
        memory: RunMemory,
        job: JobSeen | None,
        pods: Mapping[int, PodSeen],
        description: DescriptionSeen | None,
    ) -> Blocker | None:
        """Read the Job's events where it has made too few pods."""
        size = description.description.runners if description and description.description else 1
        if job is None or len(pods) >= size or not self._older(job.created):
            return None
        about = f"involvedObject.uid={job.uid}"
        return unborn(await self._events(run, memory, about, "FailedCreate"))

    async def _with_mounts(
        self, run: Run, memory: RunMemory, pods: dict[int, PodSeen]
    ) -> dict[int, PodSeen]:
        """Read the events of the first pod that waits without saying why."""
        for index, pod in sorted(pods.items()):
            waits = pod.phase is PodPhase.PENDING and pod.blocker is None
            if not waits or not self._older(pod.created):
                continue
            about = f"involvedObject.name={pod.name}"
            events = await self._events(run, memory, about, "FailedMount")
            if blocker := unmounted(pod.name, events):
                return {**pods, index: _blocked(pod, blocker)}
            break
        return pods

    async def _events(self, run: Run, memory: RunMemory, about: str, reason: str) -> list[Manifest]:
        """Return events, read anew or as last read: with hundreds of pods there is much to look at, and little news."""
        now, last = self._tools.monotonic(), memory.events.get(reason)
        if last is None or now - last.at >= EVENTS_EVERY_S:
            fields = f"{about},reason={reason}"
            found = await self._tools.cluster.list(EVENTS, run.namespace, fields=fields)
            last = memory.events[reason] = EventsRead(about, now, found)
        return last.events if last.about == about else []

    def _older(self, created: datetime | None) -> bool:
        if created is None:
            return False
        return (self._tools.now() - created).total_seconds() > EVENTS_AFTER_S

    # -- runners -------------------------------------------------------------------------------------------------------

    async def _runners(self, fleet: Fleet, phase: Phase) -> dict[int, RunnerSeen]:
        if phase in _ASK_PLAN:
            return await fleet.plans()
        if phase in _ASK_STATUS:
            return await fleet.statuses()
        return {}

    async def _results(
        self, fleet: Fleet, memory: RunMemory, runners: Mapping[int, RunnerSeen], phase: Phase
    ) -> dict[int, Result]:
        """Return the documents there are: frozen ones are asked for once, preliminary ones for teardown."""
        if phase not in (Phase.TEARDOWN, Phase.JUDGING):
            return {}
        frozen = [index for index, item in runners.items() if item.phase in _DONE]
        wanted = [index for index in frozen if index not in memory.results]
        memory.results.update(await fleet.results(wanted))
        if phase is Phase.JUDGING:
            return dict(memory.results)
        stopped = [index for index, item in runners.items() if item.phase is RunnerPhase.STOPPED]
        return {**memory.results, **await fleet.results(stopped)}

    async def _teardown(
        self, fleet: Fleet, runners: Mapping[int, RunnerSeen], merged: Result | None
    ) -> PhaseReply | None:
        """Begin teardown when every runner that answers has stopped."""
        leader = runners.get(0)
        if leader is None or leader.phase is None:
            return None
        stopped = {RunnerPhase.STOPPED, RunnerPhase.TEARDOWN, *_DONE}
        if any(item.phase is not None and item.phase not in stopped for item in runners.values()):
            return None
        return await fleet.tear_down(totals(merged) if merged is not None else {})

    # -- metrics -------------------------------------------------------------------------------------------------------

    async def _metrics(self, subject: Subject, run: Run, phase: Phase) -> MetricsSeen:
        client = self._tools.prometheus_for(run.namespace)
        if client is None:
            problem = (
                f"no Prometheus is configured for namespace {run.namespace} (`prometheus` in the"
                " operator's configuration)"
            )
            return MetricsSeen(problem=problem, permanent=True)
        progress = subject.status.progress
        window_s = since_s(progress.accepted_time if progress else None, self._tools.now())
        queries = promql.RunQueries(run.uid, client.matchers, window_s)
        try:
            if phase is Phase.GATING:
                return await _gate_metrics(client, queries)
            return await _total_metrics(client, queries, final=phase is Phase.JUDGING)
        except PrometheusError as error:
            return MetricsSeen(problem=str(error), permanent=isinstance(error, Misconfigured))


def left_behind(
    pods: Mapping[int, PodSeen], run: Run, description: DescriptionSeen | None
) -> dict[int, Result]:
    """Return the totals of runners that ended by themselves: of this run, this plan and this runner, and whole.

    What a runner left that did not end as planned (a fault, a signal, a stop) is no ground for a verdict.
    """
    plan = description.plan if description else None
    found: dict[int, Result] = {}
    for index, pod in pods.items():
        farewell = pod.farewell
        if plan is None or pod.phase is not PodPhase.SUCCEEDED or farewell is None:
            continue
        result = farewell.result() if farewell.ended_well else None
        if (
            result is not None
            and (result.run.uid, result.run.plan_hash) == (run.uid, plan.plan_hash)
            and [item.index for item in result.runners] == [index]
            and {item.definition.id for item in result.thresholds}
            == {item.id for item in plan.thresholds}
            and result.started_at is not None
        ):
            found[index] = result
    return found


async def _gate_metrics(client: PrometheusClient, queries: promql.RunQueries) -> MetricsSeen:
    runners, *coverage = await asyncio.gather(
        client.vector(queries.runners()),
        *(
            client.vector(queries.coverage(metric), "threshold")
            for metric in (promql.GOOD, promql.SAMPLES, promql.SUM)
        ),
    )
    names = set().union(*coverage)
    least = {name: int(min(item.get(name, 0.0) for item in coverage)) for name in names}
    return MetricsSeen(runners=int(runners.get("", 0.0)), coverage=least)


async def _total_metrics(
    client: PrometheusClient, queries: promql.RunQueries, *, final: bool
) -> MetricsSeen:
    asked = [
        client.vector(queries.totals(metric), "threshold")
        for metric in (promql.GOOD, promql.SAMPLES, promql.SUM)
    ]
    if not final:
        return MetricsSeen(tallies=_tallies(*await asyncio.gather(*asked)))
    good, samples, sums, finished, requests = await asyncio.gather(
        *asked, client.vector(queries.finished()), client.vector(queries.requests())
    )
    return MetricsSeen(
        finished=int(finished.get("", 0.0)),
        tallies=_tallies(good, samples, sums),
        requests=requests.get(""),
    )


def _tallies(good: Vector, samples: Vector, sums: Vector) -> dict[str, Tally]:
    """Return the numbers of the thresholds of which all three are there."""
    return {
        name: Tally(int(good[name]), int(samples[name]), sums[name])
        for name in samples
        if name in good and name in sums
    }


def _blocked(pod: PodSeen, blocker: Blocker) -> PodSeen:
    return PodSeen(
        pod.name, pod.index, pod.phase, pod.ip, pod.ready, pod.ready_since, pod.created, blocker
    )
