"""Switches: what they accept, and when they act."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from examples.targets.faults import Fault, Faults, Setting, UnknownFault, parse_switch

LOST = Fault.EVENTS_LOST


def acted(rate: float, occasions: int) -> list[int]:
    faults = Faults([LOST])
    faults.set(LOST, Setting(rate=rate))
    return [number for number in range(1, occasions + 1) if faults.acts(LOST)]


def test_a_switch_that_was_never_set_does_not_act() -> None:
    assert not Faults([LOST]).acts(LOST)


def test_a_rate_of_one_acts_always() -> None:
    assert acted(1.0, 3) == [1, 2, 3]


def test_a_rate_acts_evenly_and_first_half_way() -> None:
    assert acted(0.02, 200) == [25, 75, 125, 175]


@settings(max_examples=50)
@given(rate=st.floats(0, 1), occasions=st.integers(0, 500))
def test_a_rate_is_kept_to_within_one(rate: float, occasions: int) -> None:
    assert abs(len(acted(rate, occasions)) - rate * occasions) <= 1


def test_a_switch_with_a_path_leaves_others_alone() -> None:
    faults = Faults([Fault.SLOW_ANSWERS])
    faults.set(Fault.SLOW_ANSWERS, Setting(delay_s=0.3, path="/rest/v1/orders"))
    assert faults.delay_s("/rest/v1/orders") == 0.3
    assert faults.delay_s("/rest/v1/events") == 0.0


def test_an_unknown_switch_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownFault, match="no fault 'rows-lost' here; there are: events-lost"):
        Faults([LOST]).set("rows-lost", Setting())


def test_the_description_says_how_often_each_acted() -> None:
    faults = Faults([LOST, Fault.SERVER_ERRORS])
    faults.set(LOST, Setting(rate=0.5))
    for _ in range(4):
        faults.acts(LOST)
    described = faults.describe()
    assert described["server-errors"] is None
    assert described["events-lost"] == {"rate": 0.5, "delay_s": 0.8, "path": "/", "acted": 2}


@pytest.mark.parametrize(
    ("text", "name", "setting"),
    [
        pytest.param("events-lost", "events-lost", Setting(), id="always"),
        pytest.param("events-lost=0.002", "events-lost", Setting(rate=0.002), id="a rate"),
        pytest.param(
            "slow-answers=1,delay_s=0.2,path=/rest",
            "slow-answers",
            Setting(delay_s=0.2, path="/rest"),
            id="everything",
        ),
    ],
)
def test_a_switch_is_read_from_the_command_line(text: str, name: str, setting: Setting) -> None:
    assert parse_switch(text) == (name, setting)


@pytest.mark.parametrize("text", ["events-lost=often", "events-lost=2", "events-lost,size=3"])
def test_a_switch_that_makes_no_sense_says_what_to_write(text: str) -> None:
    with pytest.raises(UnknownFault, match=r"write e\.g\. events-lost=0\.002"):
        parse_switch(text)
