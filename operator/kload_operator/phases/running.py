"""While there is load: watch, and stop all where one must.

    Running    thresholds with `abort`, lost runners, a person, the test's own `abort`, deadlines
    Stopping   every runner is told until it has stopped; iterations in flight get their grace

Why it was stopped is persisted before the first runner is told, so an operator that is killed in between
goes on telling.
An operator that cannot reach a runner does not stop the others: load is bounded by the runners themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from kload_operator.decision import Decision, Situation, StopAll, move, stay, stop
from kload_operator.evaluation import broken_with_abort
from kload_operator.phases.accepting import longest_of
from kload_operator.reporting import live_summary, live_thresholds
from kload_operator.seen import Blocker, PodPhase, PodSeen, RunnerSeen
from kload_operator.status import since_s, timestamp
from kload_spec.control import RunnerPhase, StatusReply, StopReason, ThresholdTotals
from kload_spec.model import Phase, RunnersStatus, Status
from kload_spec.plan import Plan
from kload_spec.thresholds import Tally
from kload_spec.verdicts import Reason

OVERTIME_S = 60.0  # s behind the longest the plan can take
TO_STOP_S = 20.0  # s beyond the plan's graceful stops, before runners are told to end at once
TO_GIVE_UP_S = 40.0  # s beyond that
HUNG_S = 30.0  # s a runner may be unready, and silent, before it is given up
SUMMARY_S = 10.0  # s; live numbers are written no more often
OVER = frozenset({RunnerPhase.STOPPED, RunnerPhase.TEARDOWN, RunnerPhase.FINISHED, RunnerPhase.RELEASED})  # fmt: skip


def watch(situation: Situation) -> Decision:
    """Go on while the load goes well."""
    plan = plan_of(situation)
    if plan is None:
        fault = Blocker(Reason.RUNNER_LOST, "the run's ConfigMap was deleted")
        return stop(situation, StopReason.RUNNER_LOST, fault, fault.message)
    if lost := lost_runners(situation):
        return stop(situation, StopReason.RUNNER_LOST, lost[0], lost[0].message)
    runners = list(situation.seen.runners.values())
    if told := _told_by_runner(runners):
        return stop(situation, *told)
    if aborting := _aborted(situation, plan):
        return aborting
    if _all_over(situation):
        return move(situation, Phase.TEARDOWN, "the load has ended")
    elapsed_s = since_s(situation.status.start_time, situation.now)
    if elapsed_s > longest_of(plan) + OVERTIME_S:
        message = f"the load did not end within {longest_of(plan):g}s + {OVERTIME_S:g}s"
        fault = Blocker(Reason.DEADLINE_EXCEEDED, message)
        return stop(situation, StopReason.DEADLINE, fault, message)
    again_s = max(situation.rules.times.look_s, situation.runners / 50)
    decision = stay(situation, _message(situation, plan, elapsed_s), again_s=again_s)
    return Decision(_live(situation, plan, decision.status), (), again_s)


def wind_down(situation: Situation) -> Decision:
    """Tell every runner to stop until all have."""
    reason = StopReason(situation.progress.stop_reason or StopReason.PERSON)
    message = situation.progress.stop_message or ""
    plan = plan_of(situation)
    if plan is None or _all_over(situation):
        return move(situation, Phase.TEARDOWN, f"stopped: {message}")
    passed_s = since_s(situation.progress.stop_time, situation.now)
    grace_s = _grace_s(plan) + TO_STOP_S
    if passed_s > grace_s + TO_GIVE_UP_S:
        return move(situation, Phase.TEARDOWN, f"not every runner confirmed its stop: {message}")
    immediate = reason is StopReason.START_FAILED or passed_s > grace_s
    action = StopAll(reason, message, graceful=not immediate)
    return stay(situation, f"stopping: {message}", action, again_s=min(1.0, 0.2 + passed_s / 5))


def plan_of(situation: Situation) -> Plan | None:
    """Return the plan of the run, which is the one in its ConfigMap, not the LoadTest's present one."""
    description = situation.seen.description
    return description.plan if description else None


def lost_runners(situation: Situation) -> list[Blocker]:
    """Return what became of runners that ended, or are gone, before their time."""
    found = []
    for index in range(situation.runners):
        pod = situation.seen.pods.get(index)
        if pod is None:
            found.append(Blocker(Reason.RUNNER_LOST, f"runner {index}: its pod is gone"))
        elif pod.end is not None:
            found.append(pod.end)
        elif pod.phase is PodPhase.SUCCEEDED and index not in situation.seen.left:
            found.append(Blocker(Reason.RUNNER_LOST, _ended_alone(pod)))
        elif has_hung(situation, pod):
            found.append(Blocker(Reason.RUNNER_LOST, _hung(pod)))
    return found


def has_hung(situation: Situation, pod: PodSeen) -> bool:
    """Tell whether a runner answers neither its kubelet, for a while now, nor us.

    One that is cut off from us alone is not lost: its load goes on and its numbers are scraped.
    """
    runner = situation.seen.runners.get(pod.index)
    if pod.phase is not PodPhase.RUNNING or pod.ready or pod.ready_since is None:
        return False
    silent = runner is not None and runner.phase is None
    return silent and situation.now >= pod.ready_since + timedelta(seconds=HUNG_S)


def _hung(pod: PodSeen) -> str:
    since = f" since {timestamp(pod.ready_since)}" if pod.ready_since else ""
    return f"{pod.name}: answers neither its kubelet{since} nor the operator: the runner hangs, or its node is gone"


def _ended_alone(pod: PodSeen) -> str:
    """Return what is known of a runner that ended before it was released, and left no numbers to judge by."""
    told = f"{pod.name}: ended by itself before its numbers were fetched"
    farewell = pod.farewell
    if farewell is None:
        return told
    if why := "; ".join(farewell.faults) or farewell.message:
        return f"{told}: {why}"
    if farewell.totals:
        return f"{told}, and what it left is of another run or plan"
    return f"{told}, and they did not fit into its termination message"


def _told_by_runner(
    runners: Sequence[RunnerSeen],
) -> tuple[StopReason, Blocker | None, str] | None:
    """Return why a runner stopped by itself: all others stop with it."""
    for runner in runners:
        status = runner.status
        if status is None:
            continue
        if status.faults:
            fault = Blocker(Reason.ENGINE_ERROR, f"runner {runner.index}: {status.faults[0]}")
            return StopReason.RUNNER_LOST, fault, fault.message
        message = status.stop_message
        match status.stop:
            case None:
                continue
            case StopReason.ABORT_STEP:
                text = f"the test aborted itself: {message or 'without a message'}"
                return StopReason.ABORT_STEP, Blocker(Reason.ABORT_STEP, text), text
            case StopReason.DEADLINE:
                text = message or "activeDeadlineSeconds was reached"
                return StopReason.DEADLINE, Blocker(Reason.DEADLINE_EXCEEDED, text), text
            case _:
                text = f"runner {runner.index} was stopped: {message or status.stop.value}"
                return StopReason.RUNNER_LOST, Blocker(Reason.RUNNER_LOST, text), text
    return None


def _aborted(situation: Situation, plan: Plan) -> Decision | None:
    """Stop the run where a threshold with `abort` is broken."""
    metrics = situation.seen.metrics
    if metrics is None or metrics.problem:
        return None
    elapsed_s = _elapsed_s(situation)
    broken = broken_with_abort(plan, metrics.tallies, elapsed_s, _own_tallies(situation, plan))
    if not broken:
        return None
    names = [f"{item.key} {item.text}" for item in plan.thresholds if item.id in broken]
    message = f"{'; '.join(names)} is broken (`abort`)"
    return stop(situation, StopReason.THRESHOLD, None, message, tuple(broken))


def _own_tallies(situation: Situation, plan: Plan) -> dict[str, Tally] | None:
    """Return the fleet's numbers as the runners have them now; None where not all of them say."""
    statuses = _statuses(situation)
    names = {item.id for item in plan.thresholds}
    if len(statuses) != situation.runners or any(
        names - item.thresholds.keys() for item in statuses
    ):
        return None
    return {
        name: sum(
            (Tally(part.good, part.samples, part.sum) for part in _parts(statuses, name)), Tally()
        )
        for name in names
    }


def _parts(statuses: Sequence[StatusReply], name: str) -> list[ThresholdTotals]:
    return [status.thresholds[name] for status in statuses]


def _all_over(situation: Situation) -> bool:
    """Whether every runner that can still be asked has stopped, and there is one."""
    for index, pod in situation.seen.pods.items():
        if not pod.alive or has_hung(situation, pod):
            continue
        runner = situation.seen.runners.get(index)
        if runner is None or runner.phase not in OVER:
            return False
    return bool(situation.seen.pods) or situation.seen.job is None


def _grace_s(plan: Plan) -> float:
    return max((item.load.graceful_stop_s for item in plan.scenarios), default=30.0)


def _elapsed_s(situation: Situation) -> float:
    statuses = _statuses(situation)
    return max((item.elapsed_s for item in statuses), default=0.0)


def _statuses(situation: Situation) -> list[StatusReply]:
    return [item.status for item in situation.seen.runners.values() if item.status is not None]


def _message(situation: Situation, plan: Plan, elapsed_s: float) -> str:
    """Return a message that changes seldom: it is part of conditions."""
    silent = [item for item in situation.seen.runners.values() if item.phase is None]
    parts = []
    if silent:
        parts.append(f"{len(silent)} runners do not answer the operator: {silent[0].error}")
    metrics = situation.seen.metrics
    if metrics is not None and metrics.problem:
        parts.append(f"thresholds are not watched: {metrics.problem}")
    return "; ".join(parts) or f"running, at most {longest_of(plan):g}s"


def _live(situation: Situation, plan: Plan, status: Status) -> Status:
    """Return the status with live numbers."""
    statuses = _statuses(situation)
    if not statuses:
        return status
    metrics = situation.seen.metrics
    tallies = metrics.tallies if metrics is not None else {}
    updates: dict[str, object] = {"summary": live_summary(statuses, None, 0.0)}
    if tallies:
        updates["thresholds"] = live_thresholds(plan, tallies, _elapsed_s(situation))
    before = status.runners or RunnersStatus(desired=situation.runners)
    ready = sum(pod.ready for pod in situation.seen.pods.values())
    updates["runners"] = before.model_copy(update={"ready": ready})
    return status.model_copy(update=updates)
