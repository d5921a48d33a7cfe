"""From ready runners to a load that has begun everywhere at once.

    Setup      target.ready and setup, once, on runner 0
    Starting   an attempt is persisted, then all N are armed for one instant at least 2 s ahead

An attempt that not everybody acknowledged is cancelled and made again. A fleet that began in part is stopped and never
judged. What an operator that was killed in between left behind shows in the runners' own phases.
"""

from __future__ import annotations

from kload_operator.decision import (
    AT_ONCE_S,
    SOON_S,
    Arm,
    Cancel,
    Decision,
    Situation,
    finish,
    move,
    stay,
    stop,
)
from kload_operator.phases.launching import held_up, lost_before_start, unreachable
from kload_operator.seen import Blocker
from kload_operator.status import precise, timestamp
from kload_spec.control import PhaseReply, PhaseState, RunnerPhase, StopReason
from kload_spec.model import Phase
from kload_spec.verdicts import Reason, Verdict

MOST_ATTEMPTS = 5
_BEFORE = frozenset({RunnerPhase.IDLE, RunnerPhase.READY, RunnerPhase.PROBING, RunnerPhase.SETUP})


def set_up(situation: Situation) -> Decision:
    """Wait for the target and for setup."""
    if lost := lost_before_start(situation):
        return stop(situation, StopReason.RUNNER_LOST, lost, lost.message)
    reply = situation.seen.setup
    if reply is None:
        return held_up(situation, unreachable(situation), "runner 0 does not answer")
    match reply.state:
        case PhaseState.RUNNING:
            return held_up(situation, None, "probing the target and setting up")
        case PhaseState.FAILED:
            return _setup_failed(situation, reply)
        case PhaseState.DONE:
            progress = situation.progress.model_copy(update={"attempt": 1})
            return move(situation, Phase.STARTING, "set up; arming the start", progress=progress)


def _setup_failed(situation: Situation, reply: PhaseReply) -> Decision:
    reason = Reason(reply.reason) if reply.reason in set(Reason) else Reason.SETUP_FAILED
    fault = Blocker(reason, reply.message or "setup failed")
    if reason is Reason.TARGET_NOT_READY:
        return finish(situation, Verdict.ERROR, fault.reason, fault.message)
    return stop(situation, StopReason.START_FAILED, fault, fault.message)


def start(situation: Situation) -> Decision:
    """Arm the fleet; go on when all have begun."""
    if lost := lost_before_start(situation):
        return stop(situation, StopReason.RUNNER_LOST, lost, lost.message)
    phases = [runner.phase for runner in situation.seen.runners.values()]
    attempt = situation.progress.attempt or 1
    known = [phase for phase in phases if phase is not None]
    complete = len(known) == situation.runners
    begun = sum(phase not in _BEFORE and phase is not RunnerPhase.ARMED for phase in known)
    armed = sum(phase is RunnerPhase.ARMED for phase in known)
    if begun == situation.runners:
        return _began(situation)
    if begun and begun + armed < len(known):
        return _began_in_part(situation, begun)
    if begun or (complete and armed == situation.runners):
        return stay(situation, f"armed (attempt {attempt})", again_s=0.2)
    if armed:
        return _again(situation, attempt)
    if not complete:
        return held_up(situation, unreachable(situation), "not all runners answer")
    if situation.now >= situation.start_deadline:
        message = "not every runner acknowledged the start half a second before its instant"
        return held_up(situation, Blocker(Reason.START_FAILED, message), message)
    return stay(situation, f"arming (attempt {attempt})", Arm(attempt), again_s=AT_ONCE_S)


def _began(situation: Situation) -> Decision:
    skew_s = situation.seen.skew_s
    runners = situation.status.runners
    if runners is not None and skew_s is not None:
        shown = f"{skew_s * 1000:.1f}ms"
        runners = runners.model_copy(
            update={"start_skew": shown, "ready": situation.runners, "lost": 0}
        )
    return move(
        situation,
        Phase.RUNNING,
        "the load has begun",
        runners=runners,
        start_time=timestamp(situation.now),
    )


def _began_in_part(situation: Situation, begun: int) -> Decision:
    message = f"only {begun} of {situation.runners} runners began; all were stopped"
    return stop(situation, StopReason.START_FAILED, Blocker(Reason.START_FAILED, message), message)


def _again(situation: Situation, attempt: int) -> Decision:
    """Disarm whoever is armed, then try once more under a new number."""
    if attempt >= MOST_ATTEMPTS:
        message = f"not all runners could be armed in {attempt} attempts"
        return stop(
            situation, StopReason.START_FAILED, Blocker(Reason.START_FAILED, message), message
        )
    progress = situation.progress.model_copy(
        update={"attempt": attempt + 1, "phase_time": precise(situation.now)}
    )
    decision = stay(situation, f"start attempt {attempt} was cancelled", Cancel(attempt))
    status = decision.status.model_copy(update={"progress": progress})
    return Decision(status, decision.actions, SOON_S)
