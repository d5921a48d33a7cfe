"""After the load: teardown, the numbers, the verdict, and what remains.

Teardown   runner 0, with the fleet's totals; then all counters are frozen
Judging    until Prometheus has what the runners counted, or the time for it is over
Finished   runners are released; children go after ttlSecondsAfterFinished
"""

from __future__ import annotations

import json

from kload_operator.cluster import CONFIG_MAPS, JOBS
from kload_operator.decision import (
    SOON_S,
    Action,
    Decision,
    Delete,
    KeepResult,
    Prune,
    Release,
    Situation,
    StopAll,
    SuspendJob,
    finish,
    move,
    stay,
)
from kload_operator.evaluation import Totals, compare, empty_result, judged, reason_of
from kload_operator.phases.running import has_hung, lost_runners, plan_of
from kload_operator.reporting import final_summary, final_thresholds
from kload_operator.seen import Blocker, MetricsSeen, PodPhase
from kload_operator.status import since_s, timestamp
from kload_spec.control import PhaseState, RunnerPhase, StopReason
from kload_spec.model import Phase, RunnersStatus
from kload_spec.result import Result
from kload_spec.verdicts import Reason, Verdict

TEARDOWN_S = 600.0  # s; then runner 0 is told to give up
TO_END_S = 20.0  # s after the end; pods that are still there are ended
EMPTY_HANDED_S = 15.0  # s to wait for documents when no runner lives any more
_FROZEN = frozenset({RunnerPhase.FINISHED, RunnerPhase.RELEASED})


def tear_down(situation: Situation) -> Decision:
    """Wait for teardown and for frozen counters."""
    fault = situation.progress
    reply = situation.seen.teardown
    if reply is not None and reply.state is PhaseState.FAILED and not fault.fault_reason:
        fault = fault.model_copy(
            update={
                "fault_reason": Reason.TEARDOWN_FAILED.value,
                "fault_message": reply.message or "teardown failed",
            }
        )
    living = [
        index
        for index, pod in situation.seen.pods.items()
        if pod.alive and not has_hung(situation, pod)
    ]
    phases = [getattr(situation.seen.runners.get(index), "phase", None) for index in living]
    if all(phase in _FROZEN for phase in phases):
        return move(situation, Phase.JUDGING, "collecting the numbers", progress=fault)
    passed_s = since_s(situation.progress.phase_time, situation.now)
    if passed_s > TEARDOWN_S + TO_END_S:
        return move(situation, Phase.JUDGING, "not every runner finished", progress=fault)
    actions: tuple[Action, ...] = ()
    if passed_s > TEARDOWN_S:
        actions = (StopAll(StopReason.DEADLINE, "teardown took too long", graceful=False),)
    return stay(situation, "tearing down", *actions, again_s=SOON_S)


def judge(situation: Situation) -> Decision:
    """Give the verdict when the numbers are there, or will not come."""
    plan = plan_of(situation)
    if situation.seen.kept is not None:
        return _conclude(situation, situation.seen.kept, None)
    if plan is None:
        message = "the run's ConfigMap was deleted; nothing can be judged"
        return finish(situation, Verdict.ERROR, Reason.RUNNER_LOST, message)
    metrics = situation.seen.metrics or MetricsSeen(problem="not asked yet")
    waited_s = since_s(situation.progress.phase_time, situation.now)
    lost = lost_runners(situation)
    merged = situation.seen.merged
    documents = situation.seen.merged_of
    all_gone = len(lost) == situation.runners
    within_s = EMPTY_HANDED_S if all_gone else situation.rules.times.scrapes_within_s
    if documents + len(lost) < situation.runners and waited_s < within_s:
        message = f"{documents} of {situation.runners} runners have handed in their numbers"
        return stay(situation, message, again_s=1.0)
    if blind := _blind_teardown(situation):
        return finish(situation, Verdict.INCONCLUSIVE, Reason.INCOMPLETE_DATA, blind)
    merged = merged or empty_result(plan)
    if situation.seen.left:
        merged = merged.model_copy(update={"notes": [*merged.notes, _left_alone(situation)]})
    totals = compare(merged, metrics)
    final = metrics.finished >= documents if not metrics.problem else False
    patient = waited_s < situation.rules.times.scrapes_within_s
    if patient and not totals.complete and not (lost and final):
        return stay(situation, f"waiting for Prometheus: {totals.message}", again_s=1.0)
    sentences = tuple(item.message for item in lost)
    if documents + len(lost) < situation.runners:
        sentences += ("some runners never handed in their numbers",)
    progress = situation.progress
    if sentences and not progress.fault_reason:
        first = lost[0] if lost else Blocker(Reason.RUNNER_UNREACHABLE, sentences[-1])
        progress = progress.model_copy(
            update={"fault_reason": first.reason.value, "fault_message": first.message}
        )
    result, totals = judged(plan, merged, metrics, progress, sentences)
    return _conclude(situation, result, totals, KeepResult(result))


def _blind_teardown(situation: Situation) -> str:
    """Return why teardown says nothing about the run: it read totals, and nobody had given it any."""
    leader, description = situation.seen.pods.get(0), situation.seen.description
    if 0 not in situation.seen.left or leader is None or leader.farewell is None:
        return ""
    if not leader.farewell.alone or description is None or description.description is None:
        return ""
    spec = description.description.source.document.get("spec", {})
    reads = spec.get("script") or "totals" in json.dumps([spec.get("teardown"), spec.get("blocks")])
    if not (spec.get("teardown") or spec.get("script")) or not reads:
        return ""
    return (
        "nobody led the run when its load had ended (was the operator away?): teardown ran without the totals of the"
        " fleet, so what it asserted about them says nothing"
    )


def _left_alone(situation: Situation) -> str:
    """Return what people should know about numbers that came from termination messages."""
    return (
        f"{len(situation.seen.left)} of {situation.runners} runners had ended by themselves before their numbers were"
        " fetched (was the operator away?): the totals they left are judged, which Prometheus has too; percentiles and"
        " series are missing"
    )


def _conclude(
    situation: Situation, result: Result, totals: Totals | None, *actions: Action
) -> Decision:
    judgement = result.verdict
    if judgement is None:
        return finish(situation, Verdict.ERROR, Reason.ENGINE_ERROR, "the result has no verdict")
    lost = len(lost_runners(situation))
    runners = situation.status.runners or RunnersStatus(desired=situation.runners)
    started = timestamp(result.started_at) if result.started_at else situation.status.start_time
    decision = finish(
        situation,
        judgement.verdict,
        judgement.reason,
        judgement.message,
        *actions,
        summary=final_summary(result),
        thresholds=final_thresholds(result),
        warnings=tuple(judgement.warnings[:64]) or None,
        result=situation.run.result_name,
        start_time=started,
        runners=runners.model_copy(
            update={"lost": lost, "start_skew": runners.start_skew or _skew(result)}
        ),
    )
    if totals is None:  # kept by an operator that was killed before it could write the status
        complete = judgement.reason is not Reason.INCOMPLETE_DATA
        told = (complete, "as the result document says")
    else:
        told = (totals.complete, totals.message)
    return Decision(decision.status, decision.actions, decision.again_s, told)


def _skew(result: Result) -> str | None:
    """Return the start skew as the runners themselves measured it."""
    late = [runner.start_skew_s for runner in result.runners]
    return f"{(max(late) - min(late)) * 1000:.1f}ms" if len(late) > 1 else None


def clean_up(situation: Situation) -> Decision:
    """Release the runners; delete children when their time has come."""
    seen, status = situation.seen, situation.status
    if status.verdict is None:
        return finish(situation, Verdict.ERROR, reason_of(""), "the status had lost its verdict")
    passed_s = since_s(status.completion_time, situation.now)
    ttl_s = situation.subject.ttl_s
    if ttl_s is None:
        ttl_s = situation.rules.times.ttl_s
    if passed_s >= ttl_s:
        return Decision(status, _leftovers(situation))
    if not is_winding_up(situation):
        return Decision(status, (Prune(situation.run.number),), max(ttl_s - passed_s, 1.0))
    living = any(pod.phase in (PodPhase.RUNNING, PodPhase.PENDING) for pod in seen.pods.values())
    if not living and passed_s > TO_END_S:
        return Decision(status, (SuspendJob(),), max(ttl_s - passed_s, 1.0))
    if passed_s > TO_END_S:
        return Decision(status, (SuspendJob(),), 5.0)
    return Decision(status, (Release(),), min(max(2.0, passed_s), TO_END_S))


def is_winding_up(situation: Situation) -> bool:
    """Tell whether runners of the finished run are still to be released; the next run waits for that.

    The Job need not have noticed: with hundreds of Jobs its controller may be minutes behind the pods.
    """
    job, pods = situation.seen.job, situation.seen.pods
    if job is None or not job.ours or job.over or job.suspended or job.deleting:
        return False
    ended = sum(pod.phase in (PodPhase.SUCCEEDED, PodPhase.FAILED) for pod in pods.values())
    return ended < situation.runners


def _leftovers(situation: Situation) -> tuple[Action, ...]:
    found: list[Action] = []
    seen, name = situation.seen, situation.run.name
    if seen.job is not None and seen.job.ours and not seen.job.deleting:
        found.append(Delete(JOBS, name, seen.job.uid))
    if seen.description is not None and seen.description.ours:
        found.append(Delete(CONFIG_MAPS, name, seen.description.uid))
    return tuple(found)
