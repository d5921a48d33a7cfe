"""Does what was decided: children, runners, results. Every action may be repeated, and 409 means "there already".

Whether a child that is there already is ours shows at the next look; nothing is assumed here. What the API server
will never do (quota on Jobs, a manifest it refuses) is `ActionRefused`, which ends the run with a named reason.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from kload_operator import tokens
from kload_operator.cluster import (
    CONFIG_MAPS,
    JOBS,
    AlreadyExists,
    Conflict,
    Kind,
    Manifest,
    NotFound,
    Refused,
)
from kload_operator.decision import (
    Action,
    Arm,
    Cancel,
    CreateDescription,
    CreateJob,
    Delete,
    KeepResult,
    Prune,
    Release,
    StopAll,
    SuspendJob,
)
from kload_operator.fleet import Fleet
from kload_operator.images import DEFAULT_IMAGE
from kload_operator.jobs import (
    PodDefaults,
    description_config_map,
    file_keys,
    runner_job,
)
from kload_operator.observing import Instruments
from kload_operator.phases.accepting import longest_of
from kload_operator.results import compact, family_selector, outdated, result_config_map
from kload_operator.runs import Run
from kload_operator.seen import Blocker, Seen
from kload_operator.settings import Settings
from kload_operator.subject import Compiled, Subject
from kload_spec.control import (
    PlanSource,
    RunDescription,
    RunIdentity,
    RunnerPhase,
    StartReply,
    StartRequest,
    StopReason,
    StopRequest,
    TargetLimits,
    token_hash,
)
from kload_spec.plan import Plan
from kload_spec.verdicts import Reason

logger = logging.getLogger(__name__)

ACKNOWLEDGE_BEFORE_S = (
    0.5  # s before the instant; without all acknowledgements the start is cancelled then
)
TEARDOWN_SLACK_S = 900.0  # s; teardown, judging and release, within a runner's own deadline
PER_RUNNER_S = (
    0.01  # s the start is armed further ahead for each runner: asking hundreds takes time
)


class ActionRefused(Exception):
    """The API server will never do it."""

    def __init__(self, blocker: Blocker) -> None:
        self.blocker = blocker
        super().__init__(blocker.message)


class Hands:
    """Carries out actions."""

    def __init__(
        self,
        tools: Instruments,
        settings: Settings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tools = tools
        self._settings = settings
        self._monotonic = monotonic

    async def carry_out(
        self, action: Action, subject: Subject, run: Run, seen: Seen, fleet: Fleet
    ) -> None:
        """Do one thing.

        Raises:
            ActionRefused: it can never be done.
            ClusterError: not now.
        """
        match action:
            case CreateDescription():
                await self._create_description(subject, run)
            case CreateJob():
                await self._create_job(subject, run, seen)
            case KeepResult(result):
                document = result_config_map(run, await asyncio.to_thread(compact, result))
                await self._create(CONFIG_MAPS, document)
            case Delete(kind, name, uid):
                await self._tools.cluster.delete(kind, run.namespace, name, uid)
            case SuspendJob():
                await self._suspend(run)
            case Prune(before):
                await self._prune(run, before)
            case Arm() | Cancel() | StopAll() | Release():
                await self._command(action, run, fleet)

    async def _command(
        self, action: Arm | Cancel | StopAll | Release, run: Run, fleet: Fleet
    ) -> None:
        """Tell the runners."""
        match action:
            case Arm(attempt):
                await self._arm(run, fleet, attempt)
            case Cancel(attempt):
                await fleet.cancel(attempt)
            case StopAll(reason, message, graceful):
                await fleet.stop(StopRequest(reason=reason, message=message, graceful=graceful))
            case Release():
                await self._release(fleet)

    # -- children ----------------------------------------------------------------------------------------------------

    async def _create_description(self, subject: Subject, run: Run) -> None:
        plan, spec = subject.compiled.plan, subject.compiled.spec
        if plan is None or spec is None:
            raise ActionRefused(Blocker(Reason.INVALID_SPEC, subject.compiled.problems))
        description = self._describe(subject, run, plan)
        await self._create(CONFIG_MAPS, description_config_map(run, description))

    def _describe(self, subject: Subject, run: Run, plan: Plan) -> RunDescription:
        """Return what every runner of the run is told."""
        spec = subject.compiled.spec
        assert spec is not None
        limits = self._settings.limits
        # From the end of a runner's own share to its release: others may load for as long as the plan takes.
        longest_s = longest_of(plan)
        linger_s = longest_s + TEARDOWN_SLACK_S + self._settings.times.scrapes_within_s
        token = tokens.run_token(self._tools.key, run.uid)
        return RunDescription(
            run=RunIdentity(
                uid=run.uid,
                run_id=run.run_id,
                number=run.number,
                loadtest=run.loadtest,
                namespace=run.namespace,
            ),
            source=PlanSource(document=dict(subject.document)),
            runners=plan.runners,
            seed=plan.seed if plan.seed is not None else int(run.uid[:8], 16),
            files=file_keys(spec),
            token_sha256=token_hash(token),
            limits=TargetLimits(allowed=limits.allowed_targets, denied=limits.denied_targets),
            start_within_s=subject.start_timeout_s + 60.0,
            linger_s=linger_s,
            deadline_s=subject.start_timeout_s + longest_s + linger_s,
        )

    async def _create_job(self, subject: Subject, run: Run, seen: Seen) -> None:
        description = seen.description.description if seen.description else None
        if description is None:
            raise ActionRefused(
                Blocker(Reason.START_FAILED, f"ConfigMap {run.name} cannot be read")
            )
        spec = subject.compiled.spec
        if spec is None or subject.compiled.spec_hash != run.spec_hash:
            # The LoadTest has been edited meanwhile: the run is of what its description holds.
            spec = Compiled(description.source.document).spec
        if spec is None:
            raise ActionRefused(Blocker(Reason.INVALID_SPEC, subject.compiled.problems))
        settings = self._settings
        defaults = PodDefaults(
            settings.runner_image or DEFAULT_IMAGE, settings.runner_image_pull_policy
        )
        await self._create(JOBS, runner_job(run, spec, description, defaults))

    async def _create(self, kind: Kind, manifest: Manifest) -> None:
        try:
            await self._tools.cluster.create(kind, manifest)
        except AlreadyExists:
            logger.info("%s %s is there already", kind.plural, manifest["metadata"]["name"])
        except Refused as error:
            text = str(error)
            quota = "exceeded quota" in text
            reason = Reason.QUOTA_EXCEEDED if quota else Reason.FORBIDDEN
            raise ActionRefused(Blocker(reason, text)) from error

    async def _suspend(self, run: Run) -> None:
        try:
            await self._tools.cluster.merge(
                JOBS, run.namespace, run.name, {"spec": {"suspend": True}}
            )
        except (NotFound, Conflict, Refused) as error:
            logger.info("Job %s cannot be suspended: %s", run.name, error)

    async def _prune(self, run: Run, before: int) -> None:
        memory = self._tools.memory.of(run.uid)
        if before <= 1 or memory.pruned:
            return
        labels = family_selector(run.loadtest_uid)
        for kind in (JOBS, CONFIG_MAPS):
            children = await self._tools.cluster.list(kind, run.namespace, labels=labels)
            for name, uid in outdated(children, before):
                await self._tools.cluster.delete(kind, run.namespace, name, uid)
        memory.pruned = True

    # -- runners -------------------------------------------------------------------------------------------------------

    async def _arm(self, run: Run, fleet: Fleet, attempt: int) -> None:
        """Arm all for one instant; without all acknowledgements in time, disarm all."""
        setup = await fleet.set_up()  # done before; its answer holds what setup saved
        if setup is None:
            return
        size = len(fleet.addresses)
        instant = self._monotonic() + self._settings.times.arm_ahead_s + size * PER_RUNNER_S

        def request() -> StartRequest:
            left_s = max(0.0, instant - self._monotonic())
            return StartRequest(attempt=attempt, start_in_s=left_s, vars=setup.vars)

        replies: dict[int, StartReply] = {}
        try:
            async with asyncio.timeout(instant - ACKNOWLEDGE_BEFORE_S - self._monotonic()):
                replies = await fleet.arm(request)
        except TimeoutError:
            logger.warning("run %s: not all runners acknowledged the start in time", run.uid)
        if len(replies) < size:
            await fleet.cancel(attempt)
            return
        instants = [reply.starts_at for reply in replies.values()]
        self._tools.memory.of(run.uid).skew_s = max(instants) - min(instants)

    async def _release(self, fleet: Fleet) -> None:
        """Stop whoever has not finished, then let all go."""
        request = StopRequest(reason=StopReason.PERSON, message="the run has ended", graceful=False)
        phases = {item.phase for item in (await fleet.plans()).values()}
        if phases - {None, RunnerPhase.FINISHED, RunnerPhase.RELEASED}:
            await fleet.stop(request)
        await fleet.release()
