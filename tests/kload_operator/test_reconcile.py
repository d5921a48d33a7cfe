"""Every phase against everything that may be seen: one decision, never an exception, never a false pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import (
    ARMED,
    BEGAN,
    DESCRIPTION,
    DOCUMENT,
    DONE,
    GONE,
    IDLE,
    IN_PROGRESS,
    NOW,
    READER,
    READY,
    RUNNING,
    STOPPED,
    N,
    pods,
    runners,
    scraped,
    seen,
    subject,
)

from kload_operator.decision import (
    Arm,
    Cancel,
    CreateDescription,
    CreateJob,
    KeepResult,
    Rules,
    StopAll,
)
from kload_operator.reconcile import decide, refuse
from kload_operator.seen import (
    Blocker,
    DescriptionSeen,
    JobSeen,
    MetricsSeen,
    PodPhase,
    PodSeen,
    Seen,
)
from kload_spec.control import (
    PhaseReply,
    PhaseState,
    RunnerPhase,
)
from kload_spec.model import Phase
from kload_spec.verdicts import Reason, Verdict


@pytest.mark.parametrize(
    ("phase", "facts", "next_phase", "actions"),
    [
        pytest.param(
            "Launching",
            {"description": None, "job": None, "pods": {}},
            "Launching",
            [CreateDescription],
            id="nothing made",
        ),
        pytest.param(
            "Launching", {"job": None, "pods": {}}, "Launching", [CreateJob], id="described"
        ),
        pytest.param("Launching", {"pods": pods(ready=False)}, "Launching", [], id="pods come up"),
        pytest.param("Launching", {}, "Gating", [], id="all ready"),
        pytest.param(
            "Launching", {"job": JobSeen("j", ours=False)}, "Finished", [], id="a stranger's Job"
        ),
        pytest.param("Launching", {"pods": GONE}, "Finished", [], id="a pod ended before the load"),
        pytest.param(
            "Gating",
            {"runners": runners(IDLE, IDLE, IDLE), "metrics": scraped()},
            "Setup",
            [],
            id="equal and scraped",
        ),
        pytest.param(
            "Gating",
            {"runners": runners(IDLE, IDLE, None), "metrics": scraped()},
            "Finished",
            [],
            id="unreachable for long",
        ),
        pytest.param(
            "Gating",
            {"runners": runners(IDLE, IDLE, IDLE), "metrics": scraped(runners=2)},
            "Gating",
            [],
            id="one not scraped",
        ),
        pytest.param(
            "Gating",
            {"runners": runners(IDLE, IDLE, IDLE), "metrics": scraped(coverage={})},
            "Gating",
            [],
            id="series dropped",
        ),
        pytest.param(
            "Setup", {"setup": PhaseReply(state=PhaseState.RUNNING)}, "Setup", [], id="setting up"
        ),
        pytest.param(
            "Setup", {"setup": PhaseReply(state=PhaseState.DONE)}, "Starting", [], id="set up"
        ),
        pytest.param(
            "Setup",
            {"setup": PhaseReply(state=PhaseState.FAILED, reason="TargetNotReady")},
            "Finished",
            [],
            id="target not ready",
        ),
        pytest.param(
            "Setup",
            {"setup": PhaseReply(state=PhaseState.FAILED, reason="SetupFailed")},
            "Stopping",
            [],
            id="setup failed",
        ),
        pytest.param(
            "Starting", {"runners": runners(READY, IDLE, IDLE)}, "Starting", [Arm], id="to be armed"
        ),
        pytest.param(
            "Starting", {"runners": runners(ARMED, ARMED, ARMED)}, "Starting", [], id="armed"
        ),
        pytest.param(
            "Starting",
            {"runners": runners(ARMED, IDLE, IDLE)},
            "Starting",
            [Cancel],
            id="armed in part",
        ),
        pytest.param(
            "Starting", {"runners": runners(ARMED, RUNNING, ARMED)}, "Starting", [], id="beginning"
        ),
        pytest.param(
            "Starting", {"runners": runners(RUNNING, RUNNING, RUNNING)}, "Running", [], id="begun"
        ),
        pytest.param(
            "Starting",
            {"runners": runners(RUNNING, IDLE, RUNNING)},
            "Stopping",
            [],
            id="begun in part",
        ),
        pytest.param(
            "Running",
            {"runners": runners(RUNNING, RUNNING, RUNNING)},
            "Running",
            [],
            id="under load",
        ),
        pytest.param(
            "Running",
            {"runners": runners(RUNNING, None, RUNNING)},
            "Running",
            [],
            id="one is silent",
        ),
        pytest.param(
            "Running", {"runners": runners(DONE, STOPPED, DONE)}, "Teardown", [], id="all over"
        ),
        pytest.param(
            "Running", {"runners": runners(DONE, RUNNING, DONE)}, "Running", [], id="one goes on"
        ),
        pytest.param("Running", {"pods": GONE}, "Stopping", [], id="one is lost"),
        pytest.param("Running", {"description": None}, "Stopping", [], id="description deleted"),
        pytest.param(
            "Stopping",
            {"runners": runners(RUNNING, RUNNING, DONE)},
            "Stopping",
            [StopAll],
            id="to be stopped",
        ),
        pytest.param(
            "Stopping", {"runners": runners(STOPPED, DONE, DONE)}, "Teardown", [], id="stopped"
        ),
        pytest.param(
            "Stopping",
            {"pods": GONE, "runners": runners(DONE, None, DONE)},
            "Teardown",
            [],
            id="the dead need not stop",
        ),
        pytest.param(
            "Teardown",
            {"runners": runners(RunnerPhase.TEARDOWN, DONE, DONE)},
            "Teardown",
            [],
            id="tearing down",
        ),
        pytest.param(
            "Teardown", {"runners": runners(DONE, DONE, DONE)}, "Judging", [], id="frozen"
        ),
        pytest.param("Judging", {}, "Judging", [], id="no numbers yet"),
        pytest.param("Judging", {"description": None}, "Finished", [], id="nothing to judge by"),
    ],
)
def test_each_phase_goes_on_when_it_may(
    phase: str, facts: dict[str, Any], next_phase: str, actions: list[type]
) -> None:
    progress = {"stopReason": "person", "stopTime": BEGAN} if phase == "Stopping" else {}
    found = decide(subject(Phase(phase), progress=progress), seen(**facts), Rules())
    assert found.status.phase == next_phase, found.status.message
    assert [type(action) for action in found.actions] == actions


@pytest.mark.parametrize("phase", [Phase.LAUNCHING, Phase.GATING, Phase.SETUP])
def test_every_wait_before_the_load_has_an_end_with_a_name(phase: Phase) -> None:
    late = replace(seen(pods={}), now=NOW + timedelta(hours=1))
    found = decide(subject(phase), late, Rules())
    assert (found.status.phase, found.status.verdict) == (Phase.FINISHED, Verdict.ERROR)
    assert "startTimeout" in (found.status.message or "")


def test_what_the_api_server_refuses_ends_the_run() -> None:
    blocker = Blocker(Reason.QUOTA_EXCEEDED, "403 exceeded quota: jobs")
    found = refuse(subject(Phase.LAUNCHING), seen(), Rules(), blocker)
    assert (found.status.verdict, found.status.reason) == ("Error", "QuotaExceeded")


def test_a_loadtest_that_is_being_deleted_is_left_alone() -> None:
    going = replace(subject(Phase.RUNNING), deleting=True)
    found = decide(going, seen(), Rules())
    assert (found.status, found.actions) == (going.status, ())


def test_a_status_that_strangers_wrote_begins_anew() -> None:
    for written in ({"phase": 7}, {"phase": "Dancing"}, {"run": "x"}):
        manifest_ = {
            **DOCUMENT,
            "metadata": {**DOCUMENT["metadata"], "uid": "lt-1", "generation": 1},
            "status": written,
        }
        found = decide(READER.read(manifest_), Seen(now=NOW), Rules())
        assert found.status.phase == Phase.LAUNCHING


POD_SETS = st.sampled_from(
    [{}, pods(), pods(ready=False), pods(PodPhase.PENDING), pods(PodPhase.SUCCEEDED), GONE]
)
RUNNER_PHASES = st.one_of(st.none(), st.sampled_from(RunnerPhase))
REPLIES = st.one_of(
    st.none(),
    st.builds(
        PhaseReply,
        state=st.sampled_from(PhaseState),
        reason=st.sampled_from(["", "SetupFailed", "Odd"]),
    ),
)
METRICS = st.sampled_from(
    [None, MetricsSeen(problem="down"), MetricsSeen(), scraped(), scraped(finished=N)]
)


@settings(max_examples=300, deadline=None)
@given(
    phase=st.sampled_from(IN_PROGRESS),
    pod_set=POD_SETS,
    phases=st.lists(RUNNER_PHASES, min_size=N, max_size=N),
    replies=st.tuples(REPLIES, REPLIES),
    metrics=METRICS,
    job=st.sampled_from([None, JobSeen("j"), JobSeen("j", over=True), JobSeen("j", ours=False)]),
    description=st.sampled_from(
        [None, DESCRIPTION, DescriptionSeen("x", ours=False), DescriptionSeen("", ours=False)]
    ),
    after_s=st.sampled_from([0, 20, 100, 2000]),
)
def test_nothing_that_may_be_seen_is_too_much_and_nothing_passes_without_numbers(
    phase: Phase,
    pod_set: dict[int, PodSeen],
    phases: list[RunnerPhase | None],
    replies: tuple[PhaseReply | None, PhaseReply | None],
    metrics: MetricsSeen | None,
    job: JobSeen | None,
    description: DescriptionSeen | None,
    after_s: int,
) -> None:
    facts = Seen(
        now=NOW + timedelta(seconds=after_s),
        description=description,
        job=job,
        pods=pod_set,
        runners=runners(*phases),
        setup=replies[0],
        teardown=replies[1],
        metrics=metrics,
    )
    progress = {"stopReason": "person", "stopTime": BEGAN} if phase is Phase.STOPPING else {}
    found = decide(subject(phase, progress=progress), facts, Rules())
    status = found.status
    assert status.verdict not in (Verdict.PASSED, Verdict.FAILED)
    assert (status.verdict is None) == (status.phase != Phase.FINISHED)
    assert status.verdict is None or (status.reason and status.message and status.completion_time)
    assert status.phase == Phase.FINISHED or found.again_s is not None, "nothing waits for ever"
    if any(isinstance(action, StopAll) for action in found.actions):
        assert phase in (Phase.STOPPING, Phase.TEARDOWN), (
            "no runner is told before it is written down"
        )
    if any(isinstance(action, KeepResult) for action in found.actions):
        assert status.phase == Phase.FINISHED
