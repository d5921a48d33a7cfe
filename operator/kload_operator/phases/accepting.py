"""Before there is a run: is this spec a new one, may it run, and as which run?

Only status is written here. The run's number, uid and hash are there before any child is made.
"""

from __future__ import annotations

from datetime import datetime

from kload_operator.decision import AT_ONCE_S, Decision, Rules
from kload_operator.runs import Run, needs_new_run, run_uid
from kload_operator.seen import Blocker
from kload_operator.status import precise, timestamp, with_history
from kload_operator.subject import Subject
from kload_spec.model import Phase, Progress, RunnersStatus, RunStatus, Status, Summary
from kload_spec.plan import Plan
from kload_spec.shapes import Schedule
from kload_spec.verdicts import Reason, Verdict


def wants_new_run(subject: Subject) -> bool:
    """Tell whether the spec, as it is now, has not been run yet."""
    run = subject.status.run
    return needs_new_run(
        generation=subject.generation,
        spec_hash=subject.compiled.spec_hash,
        last_generation=run.generation if run else None,
        last_hash=run.spec_hash if run else None,
    )


def run_of(subject: Subject) -> Run | None:
    """Return the run that status speaks of."""
    run = subject.status.run
    if run is None or run.uid is None or run.number is None:
        return None
    return Run(
        loadtest=subject.name,
        namespace=subject.namespace,
        loadtest_uid=subject.uid,
        number=run.number,
        uid=run.uid,
        run_id=run.id or run.uid,
        spec_hash=run.spec_hash or "",
        generation=run.generation or 0,
    )


def accept(subject: Subject, rules: Rules, now: datetime, *, number: int | None = None) -> Decision:
    """Make the spec the next run, or say why it cannot be one.

    Args:
        number: of a run that was accepted but of which nothing was made before its spec changed again.
    """
    before = with_history(subject.status)
    if subject.suspended:
        message = "spec.suspend is true: no run is started until it is false"
        held = before.model_copy(
            update={
                **_CLEARED,
                "phase": Phase.SUSPENDED.value,
                "reason": "Suspended",
                "message": message,
            }
        )
        return Decision(held)
    last = (before.run.number if before.run else None) or 0
    status = _fresh(before, subject, number or last + 1, now)
    refusal = _refusal(subject, rules)
    if refusal is None:
        return Decision(status, (), AT_ONCE_S)
    refused = status.model_copy(
        update={
            "phase": Phase.FINISHED.value,
            "verdict": Verdict.ERROR.value,
            "reason": refusal.reason.value,
            "message": refusal.message,
            "completion_time": timestamp(now),
            "progress": None,
            "runners": None,
        }
    )
    return Decision(with_history(refused))


_CLEARED: dict[str, object] = {
    "verdict": None,
    "reason": None,
    "start_time": None,
    "completion_time": None,
    "runners": None,
    "thresholds": None,
    "summary": None,
    "warnings": None,
    "result": None,
    "progress": None,
}


def _fresh(before: Status, subject: Subject, number: int, now: datetime) -> Status:
    """Return the status of a run that has just been accepted."""
    compiled = subject.compiled
    uid = run_uid(subject.uid, number, subject.generation, compiled.spec_hash)
    plan = compiled.plan
    run = RunStatus(
        number=number,
        uid=uid,
        id=(compiled.spec.run_id if compiled.spec else None) or f"{subject.name}-{number}",
        spec_hash=compiled.spec_hash,
        generation=subject.generation,
    )
    return before.model_copy(
        update={
            **_CLEARED,
            "phase": Phase.LAUNCHING.value,
            "message": f"run {number} accepted",
            "run": run,
            "runners": RunnersStatus(desired=plan.runners if plan else 1, ready=0, lost=0),
            "summary": Summary(vus=0) if plan else None,
            "progress": Progress(accepted_time=precise(now), phase_time=precise(now)),
        }
    )


def _refusal(subject: Subject, rules: Rules) -> Blocker | None:
    """Return why a spec is not run: it cannot be compiled, or asks for more than the operator allows."""
    plan = subject.compiled.plan
    if plan is None:
        return Blocker(Reason.INVALID_SPEC, subject.compiled.problems)
    if contradiction := _two_images(subject):
        return Blocker(Reason.INVALID_SPEC, contradiction)
    excess = _excess(plan, rules)
    return Blocker(Reason.FORBIDDEN, excess) if excess else None


def _two_images(subject: Subject) -> str:
    """Return what is wrong with a spec that names two images for one container."""
    spec = subject.compiled.spec
    script = spec.script.image if spec and spec.script else None
    runner = spec.runners.image if spec and spec.runners else None
    if script is None or runner is None or script == runner:
        return ""
    return (
        f"spec.runners.image: {runner} and spec.script.image: {script} are for the same container; keep script.image,"
        " made from the runner's image"
    )


def _excess(plan: Plan, rules: Rules) -> str:
    limits = rules.limits
    if limits.max_runners is not None and plan.runners > limits.max_runners:
        return (
            f"spec.runners.replicas: {plan.runners} is above this operator's limit of"
            f" {limits.max_runners} runners (limits.maxRunners)"
        )
    vus = sum(item.load.shape.vu_limit for item in plan.scenarios)
    if limits.max_vus is not None and vus > limits.max_vus:
        return f"spec.scenarios: {vus} VUs are above this operator's limit of {limits.max_vus} (limits.maxVUs)"
    longest_s = longest_of(plan)
    if limits.max_duration_s is not None and longest_s > limits.max_duration_s:
        return (
            f"spec.scenarios: the load takes up to {longest_s:g}s, above this operator's limit of"
            f" {limits.max_duration_s:g}s (limits.maxDuration)"
        )
    return ""


def longest_of(plan: Plan) -> float:
    """Return the longest the load of a plan can take, in seconds."""
    longest_s = Schedule(tuple(item.load for item in plan.scenarios)).longest_s
    return min(longest_s, plan.active_deadline_s or longest_s)
