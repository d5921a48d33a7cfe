"""What stops a run: its runners, a threshold, a person, time; and what is told to whom until all have stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from situations import (
    BEGAN,
    DONE,
    IN_PROGRESS,
    NOW,
    PLAN,
    RUNNING,
    UID,
    pods,
    runners,
    seen,
    subject,
)

from kload_operator.decision import (
    Rules,
    StopAll,
)
from kload_operator.reconcile import decide
from kload_operator.seen import MetricsSeen, PodSeen
from kload_spec.control import (
    RunnerPhase,
    StatusReply,
    StopReason,
)
from kload_spec.model import Phase
from kload_spec.thresholds import Tally
from kload_spec.verdicts import Verdict


@pytest.mark.parametrize(
    ("status", "why"),
    [
        pytest.param({"stop": StopReason.ABORT_STEP}, ("abort-step", "AbortStep"), id="abort step"),
        pytest.param(
            {"stop": StopReason.DEADLINE}, ("deadline", "DeadlineExceeded"), id="deadline"
        ),
        pytest.param(
            {"stop": StopReason.PERSON},
            ("runner-lost", "RunnerLost"),
            id="SIGTERM is no person's wish",
        ),
        pytest.param({"faults": ("a bug",)}, ("runner-lost", "EngineError"), id="fault"),
    ],
)
def test_what_one_runner_says_stops_all(status: dict[str, Any], why: tuple[str, str]) -> None:
    reply = StatusReply(phase=RUNNING, runner=1, **status)
    facts = runners(RUNNING, RUNNING, RUNNING)
    facts[1] = replace(facts[1], status=reply)
    found = decide(subject(Phase.RUNNING), seen(runners=facts), Rules())
    assert found.status.phase == Phase.STOPPING
    assert found.actions == (), "the intent is written before the first runner is told"
    progress = found.status.progress
    assert progress is not None
    assert (progress.stop_reason, progress.fault_reason) == why


def test_a_broken_abort_threshold_is_an_intent_first() -> None:
    reply = StatusReply(phase=RUNNING, runner=0, elapsed_s=5.0)
    facts = {
        index: replace(item, status=reply)
        for index, item in runners(RUNNING, RUNNING, RUNNING).items()
    }
    tallies = {PLAN.thresholds[0].id: Tally(50, 100, 50.0)}
    found = decide(
        subject(Phase.RUNNING), seen(runners=facts, metrics=MetricsSeen(tallies=tallies)), Rules()
    )
    assert (found.status.phase, found.actions) == (Phase.STOPPING, ())
    assert found.status.progress is not None
    assert found.status.progress.aborted_by == (PLAN.thresholds[0].id,)


@pytest.mark.parametrize("phase", IN_PROGRESS)
def test_a_persons_abort_is_heeded_before_judging_only(phase: Phase) -> None:
    found = decide(subject(phase, abort=UID), seen(), Rules())
    heeded = phase in (Phase.LAUNCHING, Phase.GATING, Phase.SETUP, Phase.STARTING, Phase.RUNNING)
    fault = found.status.progress.fault_reason if found.status.progress else None
    assert ((found.status.verdict, fault) != (None, None)) is heeded or phase is Phase.JUDGING
    another = decide(subject(phase, abort="another"), seen(), Rules())
    assert another.status.verdict != Verdict.CANCELLED


def test_a_load_that_never_ends_is_stopped() -> None:
    late = replace(seen(runners=runners(RUNNING, RUNNING, RUNNING)), now=NOW + timedelta(hours=1))
    found = decide(subject(Phase.RUNNING), late, Rules())
    assert found.status.progress is not None
    assert found.status.progress.fault_reason == "DeadlineExceeded"


def test_runners_that_do_not_stop_are_told_harder_and_then_left_behind() -> None:
    stopping = subject(Phase.STOPPING, progress={"stopReason": "person", "stopTime": BEGAN})
    facts = seen(runners=runners(RUNNING, None, RUNNING))
    [soft] = decide(stopping, facts, Rules()).actions
    [hard] = decide(stopping, replace(facts, now=NOW + timedelta(seconds=40)), Rules()).actions
    gone = decide(stopping, replace(facts, now=NOW + timedelta(seconds=90)), Rules())
    assert (soft, hard) == (
        StopAll(StopReason.PERSON, "", graceful=True),
        StopAll(StopReason.PERSON, "", graceful=False),
    )
    assert gone.status.phase == Phase.TEARDOWN


def hanging(unready_s: float, *, ready: bool = False) -> dict[int, PodSeen]:
    """Pods of which the second has been unready for a while."""
    since = NOW - timedelta(seconds=unready_s)
    return {**pods(), 1: replace(pods()[1], ready=ready, ready_since=since)}


@pytest.mark.parametrize(
    ("pod_set", "answers", "lost"),
    [
        pytest.param(hanging(31), None, True, id="hung"),
        pytest.param(hanging(29), None, False, id="not for long"),
        pytest.param(hanging(600, ready=True), None, False, id="cut off from the operator alone"),
        pytest.param(hanging(600), RUNNING, False, id="answers us"),
    ],
)
def test_a_runner_that_answers_nobody_is_lost_and_stops_the_others(
    pod_set: dict[int, PodSeen], answers: RunnerPhase | None, lost: bool
) -> None:
    facts = seen(pods=pod_set, runners=runners(RUNNING, answers, RUNNING))
    found = decide(subject(Phase.RUNNING), facts, Rules())
    assert found.status.phase == (Phase.STOPPING if lost else Phase.RUNNING)
    if lost:
        progress = found.status.progress
        assert progress is not None
        assert (progress.stop_reason, progress.fault_reason) == ("runner-lost", "RunnerLost")
        assert "the runner hangs, or its node is gone" in (progress.fault_message or "")


@pytest.mark.parametrize(
    ("phase", "then"), [(Phase.STOPPING, Phase.TEARDOWN), (Phase.TEARDOWN, Phase.JUDGING)]
)
def test_nobody_waits_for_a_runner_that_hangs(phase: Phase, then: Phase) -> None:
    progress = {"stopReason": "runner-lost", "stopTime": BEGAN, "faultReason": "RunnerLost"}
    facts = seen(pods=hanging(31), runners=runners(DONE, None, DONE))
    assert decide(subject(phase, progress=progress), facts, Rules()).status.phase == then
