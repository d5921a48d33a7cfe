"""Conditions as kubectl wait, Flux and Argo CD read them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_operator.status import dressed, with_history, with_metrics_complete
from kload_spec.model import Phase, RunStatus, Status
from kload_spec.verdicts import Verdict

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)
RUN = RunStatus(number=1, uid="r-1", spec_hash="h", generation=1)


def read(status: Status) -> dict[str, str]:
    return {item.type: item.status for item in status.conditions or ()}


def row(
    reconciling: str, stalled: str, ready: str, succeeded: str, finished: str
) -> dict[str, str]:
    names = ("Reconciling", "Stalled", "Ready", "Succeeded", "Finished")
    return dict(zip(names, (reconciling, stalled, ready, succeeded, finished), strict=True))


BUSY = row("True", "False", "Unknown", "Unknown", "False")
BAD = row("False", "True", "False", "False", "True")


@pytest.mark.parametrize(
    ("phase", "verdict", "expected"),
    [
        *[(phase, None, BUSY) for phase in Phase if phase not in (Phase.SUSPENDED, Phase.FINISHED)],
        (Phase.SUSPENDED, None, row("True", "False", "False", "Unknown", "False")),
        (Phase.FINISHED, Verdict.PASSED, row("False", "False", "True", "True", "True")),
        *[(Phase.FINISHED, verdict, BAD) for verdict in Verdict if verdict is not Verdict.PASSED],
    ],
)
def test_conditions_of_every_phase_and_verdict(
    phase: Phase, verdict: Verdict | None, expected: dict[str, str]
) -> None:
    status = Status(phase=phase, verdict=verdict, run=RUN)
    found = dressed(status, generation=3, waiting=False, now=NOW)
    assert read(found) == expected
    assert found.observed_generation == 3
    assert {item.observed_generation for item in found.conditions or ()} == {3}


@settings(max_examples=60)
@given(
    phase=st.sampled_from(Phase), verdict=st.sampled_from([None, *Verdict]), waiting=st.booleans()
)
def test_reconciling_and_stalled_are_never_true_together(
    phase: Phase, verdict: Verdict | None, waiting: bool
) -> None:
    status = Status(phase=phase, verdict=verdict, run=RUN)
    found = read(dressed(status, generation=1, waiting=waiting, now=NOW))
    assert (found["Reconciling"], found["Stalled"]) != ("True", "True")
    if waiting:
        assert found == row("True", "Unknown", "Unknown", "Unknown", "Unknown")


def test_the_time_of_a_transition_moves_with_the_status_alone() -> None:
    first = dressed(Status(phase="Launching", message="a"), generation=1, waiting=False, now=NOW)
    again = first.model_copy(update={"phase": "Gating", "message": "b"})
    same = dressed(again, generation=1, waiting=False, now=LATER)
    assert {item.last_transition_time for item in same.conditions or ()} == {"2026-01-01T00:00:00Z"}
    done = same.model_copy(update={"phase": "Finished", "verdict": "Passed"})
    moved = {
        item.type: item.last_transition_time
        for item in dressed(done, generation=1, waiting=False, now=LATER).conditions or ()
    }
    assert moved["Finished"] == "2026-01-02T00:00:00Z"
    assert moved["Stalled"] == "2026-01-01T00:00:00Z"


def test_metrics_complete_is_unknown_again_for_the_next_run() -> None:
    done = dressed(Status(phase="Finished", verdict="Passed"), generation=1, waiting=False, now=NOW)
    told = with_metrics_complete(done, True, "all there", generation=1, now=NOW)
    assert read(told)["MetricsComplete"] == "True"
    anew = told.model_copy(update={"phase": "Launching", "verdict": None})
    assert read(dressed(anew, generation=2, waiting=False, now=NOW))["MetricsComplete"] == "Unknown"


def test_a_run_is_in_the_history_once_and_ten_are_kept() -> None:
    status = Status()
    for number in range(1, 14):
        run = RUN.model_copy(update={"number": number, "uid": f"r-{number}"})
        status = status.model_copy(update={"run": run, "verdict": "Passed"})
        status = with_history(with_history(status))
    assert [item.run and item.run.number for item in status.history or ()] == list(range(13, 3, -1))


def test_an_endless_message_is_cut() -> None:
    endless = Status(phase="Finished", verdict="Error").model_copy(
        update={"message": "x" * 100_000}
    )
    found = dressed(endless, generation=1, waiting=False, now=NOW)
    assert len(found.model_dump_json()) < 40_000
