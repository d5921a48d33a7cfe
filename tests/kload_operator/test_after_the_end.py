"""After the verdict: runners are let go, and a run that is over costs nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from situations import (
    NOW,
    pods,
    seen,
    subject,
)

from kload_operator.decision import (
    Release,
    Rules,
    SuspendJob,
)
from kload_operator.reconcile import decide
from kload_operator.seen import (
    JobSeen,
    PodPhase,
    PodSeen,
)
from kload_spec.model import Phase


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
