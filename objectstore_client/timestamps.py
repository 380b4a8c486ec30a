"""Points in time on the wire (protocol section 4.3): RFC 3339, seconds out, any precision in."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?(?:[Zz]|([+-])(\d\d):(\d\d))",
    re.ASCII,
)


def format_timestamp(value: datetime) -> str:
    """Write *value* as `2023-11-14T22:13:21Z`; fractions of a second are rounded up.

    Raises:
        ValueError: If *value* has no time zone, or lies outside the years 1 to 9999 in UTC.
    """
    if value.tzinfo is None:
        raise ValueError(f"a point in time must have a time zone, got {value!r}")
    try:
        value = value.astimezone(UTC)
        if value.microsecond:
            value = value.replace(microsecond=0) + timedelta(seconds=1)
    except OverflowError:
        raise ValueError(f"the point in time is out of range: {value!r}") from None
    return value.replace(tzinfo=None).isoformat() + "Z"


def parse_timestamp(text: str) -> datetime:
    """Read an RFC 3339 timestamp with any number of fractional digits; what lies below 1 µs is cut.

    Returns:
        An aware datetime in UTC.

    Raises:
        ValueError: If *text* is not such a timestamp.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 timestamp: {text[:100]!r}")
    fraction, sign, offset_hours, offset_minutes = match.group(7, 8, 9, 10)
    year, month, day, hour, minute, second = (int(part) for part in match.group(*range(1, 7)))
    microsecond = int((fraction or "0").ljust(6, "0")[:6])
    try:
        # RFC 3339 allows the leap second 60; datetime does not.
        value = datetime(year, month, day, hour, minute, min(second, 59), microsecond, tzinfo=UTC)
        if second == 60:
            value += timedelta(seconds=1)
        elif second > 60:
            raise ValueError("second must be in 0..60")
        if sign:
            offset = timedelta(hours=_below(offset_hours, 24), minutes=_below(offset_minutes, 60))
            value = value - offset if sign == "+" else value + offset
    except (ValueError, OverflowError) as error:
        raise ValueError(f"not an RFC 3339 timestamp: {text[:100]!r} ({error})") from None
    return value


def _below(digits: str, limit: int) -> int:
    if int(digits) >= limit:
        raise ValueError(f"offset part must be below {limit}")
    return int(digits)
