"""How numbers are written for people."""

from __future__ import annotations

import pytest

from kload_runner.display import numbers


@pytest.mark.parametrize(
    ("value_ms", "text"),
    [
        (None, "-"),
        (0.4213, "0.42 ms"),
        (18.31, "18.3 ms"),
        (847.2, "847 ms"),
        (1240, "1.24 s"),
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
    ("value", "unit", "text"),
    [
        (None, "time", "no samples"),
        (12.0, "", "12"),
        (0.25, "share", "25.00 %"),
        (2_000_000, "data", "2.0 MB"),
        (1.5, "", "1.5"),
    ],
)
def test_a_value_is_written_by_its_unit(value: float | None, unit: str, text: str) -> None:
    assert numbers.observed(value, unit) == text


@pytest.mark.parametrize(("per_s", "text"), [(0.5, "0.5/s"), (98.0, "98/s"), (12345.6, "12,346/s")])
def test_rates(per_s: float, text: str) -> None:
    assert numbers.rate(per_s) == text
