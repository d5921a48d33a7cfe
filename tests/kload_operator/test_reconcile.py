"""Every phase against everything that may be seen: one decision, never an exception, never a false pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manifests import manifest

from kload_operator.decision import (
    Arm,
    Cancel,
    CreateDescription,
    CreateJob,
    KeepResult,
    Release,
    Rules,
    StopAll,
    SuspendJob,
)
from kload_operator.reconcile import decide, refuse
from kload_operator.runs import run_uid
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
from kload_operator.subject import Reader, Subject
from kload_spec.control import (
    PhaseReply,
    PhaseState,
    PlanSource,
    RunDescription,
    RunIdentity,
    RunnerPhase,
    StatusReply,
    StopReason,
)
from kload_spec.model import Phase
from kload_spec.planning import plan, spec_hash
from kload_spec.thresholds import Tally
from kload_spec.verdicts import Reason, Verdict

NOW = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
BEGAN = "2026-01-01T12:00:00.000Z"
N = 3
DOCUMENT = manifest(runners={"replicas": N}, thresholds={"http_req_failed": ["rate<10% abort"]})
PLAN = plan(DOCUMENT)
HASH = spec_hash(DOCUMENT)
UID = run_uid("lt-1", 1, 1, HASH)
DESCRIPTION = DescriptionSeen(
    "cm-1",
    True,
    RunDescription(run=RunIdentity(uid=UID), source=PlanSource(document=DOCUMENT), runners=N),
    PLAN,
)
READER = Reader()
IN_PROGRESS = [
    phase for phase in Phase if phase not in (Phase.PENDING, Phase.SUSPENDED, Phase.FINISHED)
]


def subject(phase: Phase, *, abort: str = "", **status: Any) -> Subject:
    progress = {"acceptedTime": BEGAN, "phaseTime": BEGAN, **status.pop("progress", {})}
    written = {
        "phase": phase.value,
        "run": {"number": 1, "uid": UID, "specHash": HASH, "generation": 1},
        "runners": {"desired": N},
        "progress": progress,
        "startTime": "2026-01-01T12:00:00Z",
        **status,
    }
    metadata = {
        **DOCUMENT["metadata"],
        "uid": "lt-1",
        "generation": 1,
        "resourceVersion": "7",
        "annotations": {"kload.dev/abort": abort} if abort else {},
    }
    return READER.read({**DOCUMENT, "metadata": metadata, "status": written})


def pods(
    phase: PodPhase = PodPhase.RUNNING, *, ready: bool = True, **more: Any
) -> dict[int, PodSeen]:
    return {
        index: PodSeen(
            f"p-{index}", index, phase, "10.0.0.1", ready, NOW - timedelta(seconds=20), **more
        )
        for index in range(N)
    }


def runners(*phases: RunnerPhase | None, **more: Any) -> dict[int, RunnerSeen]:
    return {
        index: RunnerSeen(
            index, phase, PLAN.plan_hash if phase else "", error="" if phase else "silent", **more
        )
        for index, phase in enumerate(phases)
    }


def scraped(**changes: Any) -> MetricsSeen:
    coverage = {item.id: N for item in PLAN.thresholds}
    return replace(MetricsSeen(runners=N, coverage=coverage), **changes)


def seen(**facts: Any) -> Seen:
    base: dict[str, Any] = {"description": DESCRIPTION, "job": JobSeen("j-1"), "pods": pods()}
    return Seen(now=NOW, **{**base, **facts})


IDLE, READY, ARMED, RUNNING, STOPPED, DONE = (
    RunnerPhase.IDLE,
    RunnerPhase.READY,
    RunnerPhase.ARMED,
    RunnerPhase.RUNNING,
    RunnerPhase.STOPPED,
    RunnerPhase.FINISHED,
)
GONE = {**pods(), 1: PodSeen("p-1", 1, PodPhase.GONE, end=Blocker(Reason.RUNNER_LOST, "evicted"))}


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


@pytest.mark.parametrize("phase", [Phase.LAUNCHING, Phase.GATING, Phase.SETUP])
def test_every_wait_before_the_load_has_an_end_with_a_name(phase: Phase) -> None:
    late = replace(seen(pods={}), now=NOW + timedelta(hours=1))
    found = decide(subject(phase), late, Rules())
    assert (found.status.phase, found.status.verdict) == (Phase.FINISHED, Verdict.ERROR)
    assert "startTimeout" in (found.status.message or "")


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


@pytest.mark.parametrize(
    ("job", "after_s", "actions"),
    [
        pytest.param(JobSeen("j"), 1, [Release], id="released"),
        pytest.param(JobSeen("j"), 30, [SuspendJob], id="ended"),
        pytest.param(JobSeen("j", over=True), 30, ["Prune"], id="over"),
        pytest.param(None, 30, ["Prune"], id="deleted"),
    ],
)
def test_after_the_end_runners_are_let_go(
    job: JobSeen | None, after_s: float, actions: list[Any]
) -> None:
    done = subject(Phase.FINISHED, verdict="Passed", completionTime="2026-01-01T12:00:30Z")
    found = decide(done, replace(seen(job=job), now=NOW + timedelta(seconds=after_s)), Rules())
    names = [getattr(action, "__name__", action) for action in actions]
    assert [type(action).__name__ for action in found.actions] == names
    assert (found.status.phase, found.status.verdict) == ("Finished", "Passed")


@pytest.mark.parametrize(
    ("found", "actions"),
    [
        pytest.param(pods(PodPhase.SUCCEEDED), ["Prune"], id="all ended"),
        pytest.param(pods(PodPhase.FAILED), ["Prune"], id="all failed"),
        pytest.param({**pods(PodPhase.SUCCEEDED), 1: pods()[1]}, ["Release"], id="one lives"),
        pytest.param({0: pods(PodPhase.SUCCEEDED)[0]}, ["Release"], id="two were never made"),
        pytest.param(pods(PodPhase.GONE), ["Release"], id="being deleted"),
    ],
)
def test_a_job_that_is_slow_to_notice_the_end_of_its_pods_costs_nothing(
    found: dict[int, PodSeen], actions: list[str]
) -> None:
    done = subject(Phase.FINISHED, verdict="Passed", completionTime="2026-01-01T12:00:30Z")
    decision = decide(done, seen(pods=found), Rules())
    assert [type(action).__name__ for action in decision.actions] == actions
    quiet = actions == ["Prune"]
    assert (decision.again_s or 0) >= 3600 if quiet else decision.again_s == 2


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
