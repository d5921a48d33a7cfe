"""Warnings beside a verdict: what a busy generator and the spec's limits do to it."""

from __future__ import annotations

import pytest
from evidence import (
    MANY_FAILED,
    given_that,
    implicit,
)

from kload_spec.health import Health
from kload_spec.thresholds import (
    Tally,
)
from kload_spec.verdicts import (
    Limits,
    Verdict,
    decide,
)


@pytest.mark.parametrize(
    ("health", "warning"),
    [
        pytest.param(
            Health(cpu_share=0.97), "could have been pushed harder", id="saturated-closed-loop"
        ),
        pytest.param(Health(cpu_throttled_s=2.5), "throttled for 2.50 s", id="throttled"),
        pytest.param(
            Health(arrivals=100, dropped_by_target=40),
            "40 of 100 arrivals were dropped",
            id="drops-of-the-target",
        ),
        pytest.param(
            Health(arrivals=1000, late_starts=5),
            "0.5 % of arrivals were late",
            id="late-within-the-limit",
        ),
        pytest.param(Health(missed_paces=3), "3 iterations took longer", id="paces"),
        pytest.param(Health(loop_lag_p99_s=0.3), "loop lag p99 was 300 ms", id="lag-under-a-pass"),
    ],
)
def test_a_busy_generator_that_delivered_the_load_still_passes(
    health: Health, warning: str
) -> None:
    found = decide(given_that(health=health))
    assert found.verdict is Verdict.PASSED
    assert len(found.warnings) == 1
    assert warning in found.warnings[0]


def test_a_lag_that_is_small_beside_the_bound_is_no_warning() -> None:
    assert decide(given_that(health=Health(loop_lag_p99_s=0.05))).warnings == ()


def test_a_rule_of_higher_rank_does_not_hide_that_the_load_was_not_delivered() -> None:
    late = Health(arrivals=100, dropped_by_generator=8)
    found = decide(given_that(thresholds=(MANY_FAILED,), health=late))
    assert found.verdict is Verdict.FAILED
    assert found.warnings == ("8 % of arrivals were late or dropped by the generator",)


def test_a_load_too_short_for_an_iteration_is_told_so() -> None:
    found = decide(given_that(thresholds=(implicit(Tally()),)))
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "give the load, or gracefulStop, more time" in found.message


def test_neither_an_open_loop_nor_a_moment_is_told_to_push_harder() -> None:
    assert decide(given_that(health=Health(cpu_share=0.97), closed_loop=False)).warnings == ()
    assert decide(given_that(health=Health(cpu_share=0.97), duration_s=0.5)).warnings == ()


def test_notes_of_others_are_warnings() -> None:
    assert decide(given_that(notes=("3 checks could not be evaluated",))).warnings == (
        "3 checks could not be evaluated",
    )


def test_limits_are_the_spec_s_to_set() -> None:
    late = Health(arrivals=100, late_starts=4, local_errors=2, loop_lag_p99_s=0.2, cpu_share=0.95)
    evidence = given_that(
        health=late,
        limits=Limits(late_share=0.05, local_errors=2, loop_lag_share=0.5, cpu_share=0.99),
    )
    assert decide(evidence).verdict is Verdict.PASSED
