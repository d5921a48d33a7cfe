"""Parameters: typed by their default, changed from the command line."""

from __future__ import annotations

import pytest

from kload_spec.errors import InvalidSpec
from kload_spec.parameters import parameters_of

DECLARED = {"peak": 100, "share": 0.5, "name": "x", "on": True, "ids": [1], "more": {"a": 1}}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        pytest.param("peak", "5", 5, id="whole number"),
        pytest.param("share", "1", 1.0, id="number"),
        pytest.param("name", "5", "5", id="text stays text"),
        pytest.param("on", "false", False, id="truth"),
        pytest.param("ids", "[2, 3]", [2, 3], id="list in JSON"),
        pytest.param("more", '{"b": 2}', {"b": 2}, id="map in JSON"),
    ],
)
def test_a_text_is_read_as_the_type_of_the_default(name: str, text: str, value: object) -> None:
    assert parameters_of(DECLARED, {name: text})[name] == value
    assert type(parameters_of(DECLARED, {name: text})[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("peek", "5", "spec.params.peek: there is no parameter 'peek'; did you mean 'peak'?"),
        (
            "zzz",
            "5",
            "spec.params.zzz: there is no parameter 'zzz'; there are ids, more, name, on, peak, share",
        ),
        ("peak", "5.5", "spec.params.peak: '5.5' is not a whole number, as the default 100 is"),
        ("share", "lots", "spec.params.share: 'lots' is not a number, as the default 0.5 is"),
        ("share", "inf", "spec.params.share: 'inf' is not a finite number"),
        ("on", "yes", "spec.params.on: 'yes' is neither true nor false"),
        ("ids", "{}", "spec.params.ids: '{}' is not a list in JSON, as the default is"),
        ("more", "{", "spec.params.more: '{' is not a map in JSON, as the default is"),
        ("peak", True, "spec.params.peak: True is not of the default's type; the default is 100"),
    ],
)
def test_what_does_not_fit_is_told_why(name: str, value: object, said: str) -> None:
    with pytest.raises(InvalidSpec) as error:
        parameters_of(DECLARED, {name: value})
    assert str(error.value) == said


def test_every_wrong_parameter_is_told_at_once() -> None:
    with pytest.raises(InvalidSpec) as error:
        parameters_of(DECLARED, {"peak": "x", "on": "x"})
    assert [problem.path for problem in error.value.problems] == [
        "spec.params.peak",
        "spec.params.on",
    ]


def test_a_value_of_the_same_type_needs_no_text() -> None:
    assert parameters_of(DECLARED, {"share": 2, "peak": 7}) == {**DECLARED, "share": 2, "peak": 7}
