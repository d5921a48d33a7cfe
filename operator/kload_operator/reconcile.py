"""One LoadTest and what was seen of its run -> what to do and what to write. Pure; the operator's whole policy.

Level-triggered: every decision follows from the persisted status and from facts, never from an event. Intents are
persisted before they are acted upon, so the operator may be killed between any two lines, or run twice.

    phase       goes on when                                          else
    ---------   ---------------------------------------------------   -----------------------------------------------
    (none)      the spec is new                                       InvalidSpec / Forbidden: Finished at once
    Suspended   suspend is false
    Launching   ConfigMap and Job are there, all pods ready           Unschedulable, ImagePullBackOff, quota, ...: Error
    Gating      N equal plans, Prometheus has zeros of all series     MetricsUnavailable, RunnerUnreachable: Error
    Setup       target.ready and setup are done                       TargetNotReady: Error; SetupFailed: judged
    Starting    all have begun                                        in part: stopped, StartFailed
    Running     all have stopped                                      lost, aborted, deadline: Stopping
    Stopping    all have stopped
    Teardown    all counters are frozen
    Judging     Prometheus equals the runners, or time is over        -> verdict
    Finished    (released, cleaned up)                                a new generation and a new hash: the next run

A person's abort (annotation with the run's uid) is heeded in every phase before Judging.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from kload_operator.decision import Decision, Rules, Situation, fail, finish, stop
from kload_operator.phases.accepting import accept, run_of, wants_new_run
from kload_operator.phases.finishing import clean_up, is_winding_up, judge, tear_down
from kload_operator.phases.launching import gate, launch
from kload_operator.phases.running import watch, wind_down
from kload_operator.phases.starting import set_up, start
from kload_operator.seen import Blocker, Seen
from kload_operator.status import dressed, with_metrics_complete
from kload_operator.subject import Subject
from kload_spec.control import StopReason
from kload_spec.model import Phase
from kload_spec.verdicts import Reason, Verdict

_BY_PHASE: Mapping[Phase, Callable[[Situation], Decision]] = {
    Phase.LAUNCHING: launch,
    Phase.GATING: gate,
    Phase.SETUP: set_up,
    Phase.STARTING: start,
    Phase.RUNNING: watch,
    Phase.STOPPING: wind_down,
    Phase.TEARDOWN: tear_down,
    Phase.JUDGING: judge,
    Phase.FINISHED: clean_up,
}
_NOT_YET_ASKED = frozenset({Phase.LAUNCHING, Phase.GATING})
_STOPPABLE = frozenset({Phase.SETUP, Phase.STARTING, Phase.RUNNING})


def phase_of(subject: Subject) -> Phase | None:
    """Return the phase a LoadTest is in; None before it is seen, or where it is none we know."""
    try:
        return Phase(subject.status.phase or "")
    except ValueError:
        return None


def needs_follow_up(subject: Subject) -> bool:
    """Tell whether anything besides the LoadTest has to be looked at to decide."""
    return not subject.deleting and run_of(subject) is not None and phase_of(subject) in _BY_PHASE


def decide(subject: Subject, seen: Seen, rules: Rules) -> Decision:
    """Return what to do about a LoadTest and what its status should be."""
    if subject.deleting:
        return Decision(subject.status)
    run = run_of(subject)
    phase = phase_of(subject)
    if run is None or phase is None or phase not in _BY_PHASE:
        return _dressed(subject, accept(subject, rules, seen.now), seen.now)
    situation = Situation(subject, run, seen, rules)
    if phase is Phase.FINISHED and wants_new_run(subject) and not is_winding_up(situation):
        return _dressed(subject, accept(subject, rules, seen.now), seen.now)
    decision = _aborted_by_person(situation, phase) or _BY_PHASE[phase](situation)
    return _dressed(subject, decision, seen.now)


def refuse(subject: Subject, seen: Seen, rules: Rules, blocker: Blocker) -> Decision:
    """Return the end of a run of which something could not be made, now or ever."""
    run = run_of(subject)
    if run is None:
        return Decision(subject.status)
    decision = fail(Situation(subject, run, seen, rules), blocker)
    return _dressed(subject, decision, seen.now)


def _aborted_by_person(situation: Situation, phase: Phase) -> Decision | None:
    if situation.subject.abort != situation.run.uid:
        return None
    message = "stopped by a person (annotation kload.dev/abort)"
    if phase in _NOT_YET_ASKED:
        return finish(situation, Verdict.CANCELLED, Reason.ABORTED_BY_PERSON, message)
    if phase in _STOPPABLE:
        fault = Blocker(Reason.ABORTED_BY_PERSON, message)
        return stop(situation, StopReason.PERSON, fault, message)
    return None


def _dressed(subject: Subject, decision: Decision, now: datetime) -> Decision:
    """Add generation and conditions."""
    status = decision.status
    run = status.run
    held = status.phase == Phase.SUSPENDED
    waiting = not held and run is not None and subject.compiled.spec_hash != (run.spec_hash or "")
    status = dressed(status, generation=subject.generation, waiting=waiting, now=now)
    if decision.metrics_complete is not None:
        complete, message = decision.metrics_complete
        status = with_metrics_complete(
            status, complete, message, generation=subject.generation, now=now
        )
    return replace(decision, status=status)
