"""Quantities: what people write, to numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kload_spec.quantities import (
    QuantityError,
    format_duration,
    parse_duration,
    parse_share,
    parse_size,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("1m30s", 90.0, id="parts"),
        pytest.param("500ms", 0.5, id="milliseconds"),
        pytest.param("2s", 2.0, id="seconds"),
        pytest.param("0s", 0.0, id="zero"),
        pytest.param("1d2h3m4.5s", 93784.5, id="k6's longest form"),
        pytest.param(".5s", 0.5, id="no digit before the dot"),
        pytest.param("1.s", 1.0, id="no digit after the dot"),
        pytest.param("10us", 1e-5, id="microseconds"),
        pytest.param("10µs", 1e-5, id="micro sign"),
        pytest.param(" 1s ", 1.0, id="blanks around"),
        pytest.param("366d", 366 * 86_400.0, id="the longest year"),
    ],
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("30", "'30' has no unit; write 30s or 30ms", id="no unit"),
        pytest.param("-5s", "'-5s' is negative", id="negative"),
        pytest.param("", "'' is no duration; write a number and a unit (d h m s ms)", id="empty"),
        pytest.param(
            "1 s", "'1 s' is no duration; write a number and a unit (d h m s ms)", id="blank inside"
        ),
        pytest.param(
            "5x", "'5x' is no duration; write a number and a unit (d h m s ms)", id="unknown unit"
        ),
        pytest.param("400d", "'400d' is longer than a year", id="too long"),
        pytest.param(
            "1e3s", "'1e3s' is no duration; write a number and a unit (d h m s ms)", id="exponent"
        ),
    ],
)
def test_what_is_no_duration_is_told_why(text: str, said: str) -> None:
    with pytest.raises(QuantityError) as error:
        parse_duration(text)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (90.0, "1m30s"), (0.5, "500ms"), (0.0, "0s"), (3600.0, "1h"), (3661.5, "1h1m1.5s"), (2.0, "2s"),
        (0.0005, "0.5ms"), (0.999, "999ms"), (1.0, "1s"), (1.5, "1.5s"),
        (-2.0, "-2s"), (86_400.0, "24h"), (59.9999, "1m"),
    ],
)  # fmt: skip
def test_durations_are_shown_as_people_write_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@given(st.integers(min_value=0, max_value=30_000_000_000))
def test_a_shown_duration_reads_back_to_the_millisecond(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(
        milliseconds / 1000, abs=1e-9
    )


@given(st.text(max_size=80))
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except QuantityError:
        return
    assert seconds >= 0


@pytest.mark.parametrize(
    ("text", "share"), [("1%", 0.01), ("0.01", 0.01), ("100 %", 1.0), ("0", 0.0), ("99.9%", 0.999)]
)
def test_shares_are_between_0_and_1(text: str, share: float) -> None:
    assert parse_share(text) == pytest.approx(share, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("5", "'5' is more than the whole; write 5% if you mean percent"),
        ("101%", "'101%' is more than the whole"),
        ("much", "'much' is no share; write a percentage"),
    ],
)
def test_what_is_no_share_is_told_why(text: str, said: str) -> None:
    with pytest.raises(QuantityError, match="^" + said.replace("(", r"\(")):
        parse_share(text)


@pytest.mark.parametrize(
    ("text", "size"), [("64MiB", 67_108_864), ("1kB", 1000), ("0.5 GB", 500_000_000), ("7B", 7)]
)
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["64", "64 megs", "", "-1MB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(QuantityError, match="is no size; write a number and a unit"):
        parse_size(text)
