"""Points in time: whole seconds out, any precision and offset in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.timestamps import format_timestamp, parse_timestamp


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2023-11-14T22:13:20.000000Z", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        ("2023-11-14T22:13:21Z", datetime(2023, 11, 14, 22, 13, 21, tzinfo=UTC)),
        ("2026-07-23T12:00:05.123456789Z", datetime(2026, 7, 23, 12, 0, 5, 123456, UTC)),
        ("2026-07-23T12:00:05.1Z", datetime(2026, 7, 23, 12, 0, 5, 100000, UTC)),
        ("2026-04-20T13:37:00+00:00", datetime(2026, 4, 20, 13, 37, tzinfo=UTC)),
        ("2026-04-20T13:37:00-02:30", datetime(2026, 4, 20, 16, 7, tzinfo=UTC)),
        ("2026-04-20t13:37:00z", datetime(2026, 4, 20, 13, 37, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_reads_rfc_3339(text: str, value: datetime) -> None:
    """Six, zero or nine fractional digits, any offset, also a leap second."""
    parsed = parse_timestamp(text)
    assert parsed == value
    assert parsed.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text",
    [
        "", "2023-11-14", "2023-11-14T22:13:20", "2023-11-14T22:13Z", "2023-13-14T22:13:20Z",
        "2023-11-14T24:13:20Z", "2023-11-14T22:13:61Z", "2023-11-14T22:13:20.Z",
        "2023-11-14T22:13:20+24:00", "2023-11-14T22:13:20+00:60", "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00", "٢٠٢٣-11-14T22:13:20Z", "2023-11-14T22:13:20Z ", "7d",
    ],
)  # fmt: skip
def test_refuses_what_is_no_timestamp(text: str) -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError, match="not an RFC 3339 timestamp"):
        parse_timestamp(text)


def test_writes_whole_seconds_rounded_up() -> None:
    """A deadline is never written earlier than it was meant."""
    assert format_timestamp(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
    assert format_timestamp(datetime(2026, 1, 1, 0, 0, 0, 1, UTC)) == "2026-01-01T00:00:01Z"
    east = timezone(timedelta(hours=2))
    assert format_timestamp(datetime(2026, 1, 1, 2, tzinfo=east)) == "2026-01-01T00:00:00Z"


def test_refuses_to_write_what_is_ambiguous_or_out_of_range() -> None:
    """A naive datetime names no point in time; the year 10000 has no RFC 3339 form."""
    with pytest.raises(ValueError, match="time zone"):
        format_timestamp(datetime(2026, 1, 1))
    with pytest.raises(ValueError, match="out of range"):
        format_timestamp(datetime(9999, 12, 31, 23, 59, 59, 1, UTC))


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_round_trip(value: datetime) -> None:
    """Any whole second survives writing and reading."""
    value = value.replace(microsecond=0, tzinfo=UTC)
    assert parse_timestamp(format_timestamp(value)) == value
