"""From the accepted run to runners that are all ready, equal, and seen by Prometheus at zero.

    Launching   ConfigMap, Job; pods come up
    Gating      N equal plans; Prometheus has scraped every threshold's series from all N

Whatever holds the run up is named in status within seconds and becomes its verdict when the time is over.
"""

from __future__ import annotations

from datetime import timedelta

from kload_operator.cluster import CONFIG_MAPS
from kload_operator.decision import (
    SOON_S,
    CreateDescription,
    CreateJob,
    Decision,
    Delete,
    Situation,
    fail,
    move,
    stay,
)
from kload_operator.phases.accepting import accept
from kload_operator.seen import Blocker, MetricsSeen, PodPhase
from kload_operator.status import moment, since_s
from kload_spec.model import Phase, RunnersStatus
from kload_spec.plan import Plan
from kload_spec.verdicts import Reason

UNREACHABLE_S = 10.0  # s after a pod is ready
# Faults that time does not heal; a moment of grace all the same, since kubelets are late sometimes.
HOPELESS_S = {
    Reason.CREATE_CONTAINER_CONFIG_ERROR: 20.0,
    Reason.FORBIDDEN: 20.0,
    Reason.RUNNER_UNREACHABLE: 20.0,
    Reason.METRICS_UNAVAILABLE: 20.0,  # only faults of configuration say since when
}
# What is no fault for so long: the first scrape takes an interval.
NORMAL_S = {Reason.METRICS_UNAVAILABLE: 8.0}
_CHECKLIST = (
    "is there a PodMonitor or scrape job for pods labelled app.kubernetes.io/name=kload-runner,"
    " does a NetworkPolicy let Prometheus reach port 9095, does a rule drop or rename labels?"
)


def launch(situation: Situation) -> Decision:
    """Make the children, then wait for the pods."""
    seen = situation.seen
    description = seen.description
    if description is None:
        if situation.subject.compiled.spec_hash != situation.run.spec_hash:
            # Edited before anything was made of it: the edited spec is this run.
            return accept(
                situation.subject, situation.rules, situation.now, number=situation.run.number
            )
        return stay(situation, "making the run", CreateDescription(), again_s=0.0)
    if not description.ours:
        return _foreign(situation)
    if seen.job is None:
        return stay(situation, "making the runners' Job", CreateJob(), again_s=0.0)
    if not seen.job.ours:
        message = f"Job {situation.run.name} exists and is not this run's; delete it"
        return fail(situation, Blocker(Reason.START_FAILED, message))
    if lost := lost_before_start(situation):
        return fail(situation, lost)
    ready = sum(pod.ready for pod in seen.pods.values())
    if ready == situation.runners:
        return move(
            situation, Phase.GATING, f"{ready} runners are ready", runners=_fleet(situation)
        )
    waiting = f"{ready} of {situation.runners} runners are ready"
    return held_up(situation, blocker_of(situation), waiting)


def gate(situation: Situation) -> Decision:
    """Let the run on when all runners are equal and scraped."""
    if lost := lost_before_start(situation):
        return fail(situation, lost)
    seen, description = situation.seen, situation.seen.description
    if seen.job is None or description is None or description.plan is None:
        return fail(situation, Blocker(Reason.RUNNER_LOST, "the run's Job was deleted"))
    plan = description.plan
    hashes = {item.plan_hash for item in seen.runners.values() if item.plan_hash}
    if hashes - {plan.plan_hash}:
        message = (
            "runners hold another plan than the operator; are image and operator of one version?"
        )
        return fail(situation, Blocker(Reason.START_FAILED, message))
    answering = sum(item.phase is not None for item in seen.runners.values())
    files = {item.files_hash for item in seen.runners.values() if item.phase is not None}
    if len(files) > 1:
        message = (
            "runners hold different files of the test (data, scripts, certificates);"
            " see that one image, or one version of the ConfigMaps, reaches all of them, and run again"
        )
        return fail(situation, Blocker(Reason.START_FAILED, message))
    if answering < situation.runners:
        waiting = f"{answering} of {situation.runners} runners answer"
        return held_up(situation, unreachable(situation) or blocker_of(situation), waiting)
    if unscraped := missing_series(situation, plan, seen.metrics or MetricsSeen(problem="?")):
        return held_up(situation, unscraped, f"{answering} runners are ready")
    message = f"{situation.runners} runners are ready and scraped"
    return move(situation, Phase.SETUP, message, runners=_fleet(situation))


def held_up(situation: Situation, blocker: Blocker | None, waiting: str) -> Decision:
    """Wait, saying for what; end the run when its time is over, or the fault is one that stays."""
    if situation.now >= situation.start_deadline:
        timeout = f"no load within startTimeout ({situation.subject.start_timeout_s:g}s): "
        if blocker is None:
            return fail(situation, Blocker(Reason.START_TIMEOUT, timeout + waiting))
        return fail(situation, Blocker(blocker.reason, timeout + blocker.message))
    if blocker is None:
        return stay(situation, waiting, again_s=SOON_S)
    grace_s = HOPELESS_S.get(blocker.reason)
    since = blocker.since or situation.now
    if grace_s is not None and situation.now >= since + timedelta(seconds=grace_s):
        return fail(situation, blocker)
    normal_s = NORMAL_S.get(blocker.reason, 0.0)
    named = since_s(situation.progress.phase_time, situation.now) >= normal_s
    reason = blocker.reason.value if named else None
    return stay(situation, f"{waiting}; {blocker.message}", reason=reason, again_s=SOON_S)


def blocker_of(situation: Situation) -> Blocker | None:
    """Return what keeps pods from coming up: the first pod that says so, else the Job's events."""
    pods = sorted(situation.seen.pods.items())
    return next((pod.blocker for _, pod in pods if pod.blocker), None) or situation.seen.unborn


def lost_before_start(situation: Situation) -> Blocker | None:
    """Return why a pod ended before the load; None while all may still come."""
    for _, pod in sorted(situation.seen.pods.items()):
        if pod.end is not None:
            return pod.end
        if pod.phase is PodPhase.SUCCEEDED:
            return Blocker(Reason.RUNNER_LOST, f"{pod.name}: ended before the load")
    return None


def unreachable(situation: Situation) -> Blocker | None:
    """Return that a runner is ready for its kubelet and does not answer us."""
    for index, pod in sorted(situation.seen.pods.items()):
        runner = situation.seen.runners.get(index)
        if runner is None or runner.phase is not None or pod.ready_since is None:
            continue
        if situation.now >= pod.ready_since + timedelta(seconds=UNREACHABLE_S):
            message = (
                f"runner {index} is ready but the operator cannot reach it: {runner.error};"
                " does a NetworkPolicy or a mesh stand between them (port 9095)?"
            )
            return Blocker(Reason.RUNNER_UNREACHABLE, message, pod.ready_since)
    return None


def missing_series(situation: Situation, plan: Plan, metrics: MetricsSeen) -> Blocker | None:
    """Return what Prometheus has not scraped yet of what the verdict will need."""
    size = situation.runners
    if metrics.problem:
        since = moment(situation.progress.phase_time) if metrics.permanent else None
        return Blocker(Reason.METRICS_UNAVAILABLE, metrics.problem, since)
    if metrics.runners < size:
        message = f"Prometheus has scraped {metrics.runners} of {size} runners; {_CHECKLIST}"
        return Blocker(Reason.METRICS_UNAVAILABLE, message)
    short = {
        item.id: metrics.coverage.get(item.id, 0)
        for item in plan.thresholds
        if metrics.coverage.get(item.id, 0) < size
    }
    if not short:
        return None
    first = next(item for item in plan.thresholds if item.id in short)
    message = (
        f"Prometheus has the series of {first.key} {first.text} from {short[first.id]} of {size}"
        f" runners ({len(short)} of {len(plan.thresholds)} thresholds are not complete); a"
        " metricRelabeling, a label rule or a sample limit drops series kload_threshold_*"
    )
    return Blocker(Reason.METRICS_UNAVAILABLE, message)


def _foreign(situation: Situation) -> Decision:
    """Deal with a ConfigMap of the run's name that is not the run's."""
    description = situation.seen.description
    assert description is not None
    if situation.seen.job is None and description.uid:
        # Ours by owner, of another hash: left by an operator that was killed as the spec changed.
        return stay(
            situation, "making the run", Delete(CONFIG_MAPS, situation.run.name, description.uid)
        )
    message = f"ConfigMap {situation.run.name} exists and is not this run's; delete it"
    return fail(situation, Blocker(Reason.START_FAILED, message))


def _fleet(situation: Situation) -> RunnersStatus:
    ready = sum(pod.ready for pod in situation.seen.pods.values())
    return RunnersStatus(desired=situation.runners, ready=ready, lost=0)
