"""How numbers are written for people."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kload_spec import numbers


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [
        (None, "-"),
        (0.4213, "0.42 ms"),
        (18.31, "18.3 ms"),
        (847.2, "847 ms"),
        (9.996, "10.0 ms"),
        (99.96, "100 ms"),
        (999.7, "1.00 s"),
        (1240, "1.24 s"),
        (59_996, "1 m 00 s"),
        (125_000, "2 m 05 s"),
    ],
)
def test_times_keep_three_digits(value_ms: float | None, text: str) -> None:
    assert numbers.milliseconds(value_ms) == text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.0312, "3.12 %"),
        (0.00004, "0.004 %"),
        (0.99999, "99.999 %"),
        (1e-9, "< 0.000001 %"),
    ],
)
def test_a_few_failures_are_never_rounded_away(part: float, text: str) -> None:
    assert numbers.share(part) == text


@pytest.mark.parametrize(("seconds", "text"), [(8.2, "8 s"), (125, "2 m 05 s"), (3720, "1 h 02 m")])
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert numbers.clock(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.0, "12"),
        (1.5, "1.5"),
        (1234567.8, "1,234,568"),
        (12345.678, "12,345.7"),
        (0.00012, "0.00012"),
    ],
)
def test_numbers_without_a_unit(value: float, text: str) -> None:
    assert numbers.plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(512, "512 B"), (2_000_000, "2.0 MB"), (3e13, "30.0 TB")]
)
def test_amounts_of_data(value: float, text: str) -> None:
    assert numbers.size(value) == text


@pytest.mark.parametrize(("per_s", "text"), [(0.5, "0.5/s"), (98.0, "98/s"), (12345.6, "12,346/s")])
def test_rates(per_s: float, text: str) -> None:
    assert numbers.rate(per_s) == text


@settings(max_examples=200)
@given(
    st.sampled_from(
        [numbers.time_figure, numbers.share_figure, numbers.size_figure, numbers.plain_figure]
    ),
    st.floats(1e-6, 1.0),
    st.integers(0, 8),
)
def test_a_figure_knows_what_its_text_says(write: numbers.Writer, value: float, finer: int) -> None:
    """What a text says is never further off than half of its last digit."""
    for scaled in (value,) if write is numbers.share_figure else (value, value * 1e3, value * 1e9):
        figure = write(scaled, finer)
        assert float(figure.value) == pytest.approx(scaled, rel=0.5, abs=0.51)
        assert float(write(scaled, numbers.MOST_FINER).value) == pytest.approx(scaled, rel=1e-9)
