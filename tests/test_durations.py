"""Durations: the canonical form out, the full grammar in."""

from __future__ import annotations

import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.durations import format_duration, parse_duration

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("000", 0),
        ("0s", 0),
        ("7d", 7 * 86_400),
        ("7days", 7 * 86_400),
        ("7 days", 7 * 86_400),
        (" 7 days ", 7 * 86_400),
        ("1m 30s", 90),
        ("1m30s", 90),
        ("30s 1m 30s", 120),
        ("90 seconds", 90),
        ("31 days", 31 * 86_400),
        ("1month 13h 26m 24s", 31 * 86_400),
        ("2months 29days 2h 52m 48s", 90 * 86_400),
        ("1M", 2_630_016),
        ("1y", 31_557_600),
        ("2weeks 1wk 1w", 4 * 7 * 86_400),
        ("1hr 2hrs 1hour", 4 * 3_600),
        ("1500ms", 1.5),
        ("1500millis", 1.5),
        ("2us", 0.000002),
        ("2µs", 0.000002),
        ("1999ns", 0.000001),
    ],
)
def test_reads_every_form_of_the_grammar(text: str, seconds: float) -> None:
    """Whatever some server or client version emits is understood."""
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "5", "1 2s", "-1s", "+1s", "1.5h", "1x", "1D", "1H", "d", "s1", "7d;", "1d,2h",
        "1e3s", "٣s", "99999999999999999999y", "1" * 10_000 + "s", "1s\x00",
    ],
)  # fmt: skip
def test_refuses_what_is_no_duration(text: str) -> None:
    """Anything outside the grammar is a ValueError, never a wrong number or another exception."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(seconds=90), "1m 30s"),
        (7 * DAY, "7d"),
        (31 * DAY, "31d"),
        (90 * DAY, "90d"),
        (DAY + timedelta(hours=2, minutes=3, seconds=4), "1d 2h 3m 4s"),
        (timedelta(seconds=1, microseconds=999_999), "1s"),
        (timedelta(microseconds=1), "0s"),
    ],
)
def test_writes_the_canonical_form(value: timedelta, text: str) -> None:
    """Zero terms are dropped, days are the largest unit, fractions of a second are cut."""
    assert format_duration(value) == text


def test_negative_durations_are_refused() -> None:
    """There is no way to write a negative duration."""
    with pytest.raises(ValueError, match="negative"):
        format_duration(timedelta(seconds=-1))


@given(st.integers(min_value=0, max_value=10**13))
def test_round_trip(seconds: int) -> None:
    """Any whole number of seconds survives writing and reading."""
    value = timedelta(seconds=seconds)
    assert parse_duration(format_duration(value)) == value


@given(st.text(max_size=40))
def test_any_text_gives_a_duration_or_a_value_error(text: str) -> None:
    """Hostile text raises nothing but ValueError."""
    with contextlib.suppress(ValueError):
        assert parse_duration(text) >= timedelta(0)
