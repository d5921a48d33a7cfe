"""Runs have identities and names that follow from the LoadTest alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_operator.runs import Run, needs_new_run, run_uid
from kload_operator.tokens import run_token


def run(name: str = "shop", number: int = 1, loadtest_uid: str = "u-1") -> Run:
    uid = run_uid(loadtest_uid, number, 1, "h")
    return Run(name, "ns", loadtest_uid, number, uid, f"{name}-{number}", "h", 1)


def test_whoever_accepts_a_run_accepts_the_same() -> None:
    assert run_uid("u", 1, 2, "h") == run_uid("u", 1, 2, "h")


@pytest.mark.parametrize(
    "other", [("v", 1, 2, "h"), ("u", 2, 2, "h"), ("u", 1, 3, "h"), ("u", 1, 2, "i")]
)
def test_runs_that_differ_have_uids_that_differ(other: tuple[str, int, int, str]) -> None:
    assert run_uid("u", 1, 2, "h") != run_uid(*other)


def test_a_loadtest_made_anew_never_meets_the_children_of_the_old_one() -> None:
    assert run(loadtest_uid="old").name != run(loadtest_uid="new").name


@settings(max_examples=50)
@given(name=st.text("abcdefghij-", min_size=1, max_size=40), number=st.integers(1, 99_999))
def test_names_leave_room_for_what_the_job_controller_adds(name: str, number: int) -> None:
    pod = f"{run(name, number).name}-999"  # index; the random suffix is cut to fit by Kubernetes
    assert len(pod) <= 63


@pytest.mark.parametrize(
    ("generation", "spec_hash", "last", "new"),
    [
        pytest.param(1, "a", (None, None), True, id="never run"),
        pytest.param(1, "a", (1, "a"), False, id="seen again"),
        pytest.param(2, "a", (1, "a"), False, id="suspend, TTL or deadline edited"),
        pytest.param(2, "b", (1, "a"), True, id="edited"),
        pytest.param(3, "a", (2, "b"), True, id="edited back: A, B, A"),
        pytest.param(
            1, "b", (1, "a"), False, id="another hash of the same generation: our own upgrade"
        ),
    ],
)
def test_a_new_run_needs_a_new_generation_and_a_new_hash(
    generation: int, spec_hash: str, last: tuple[int | None, str | None], new: bool
) -> None:
    found = needs_new_run(
        generation=generation, spec_hash=spec_hash, last_generation=last[0], last_hash=last[1]
    )
    assert found is new


def test_tokens_follow_from_key_and_run_alone() -> None:
    assert run_token(b"k", "r") == run_token(b"k", "r")
    assert len({run_token(b"k", "r"), run_token(b"k", "s"), run_token(b"l", "r")}) == 3
