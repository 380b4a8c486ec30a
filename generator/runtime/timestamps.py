"""RFC 3339 timestamps, as in headers and JSON bodies (protocol section 4.3)."""

import re
from datetime import UTC, datetime

from .errors import InvalidArgument

# `datetime.fromisoformat` alone would take week dates, missing separators and more.
_RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII
).fullmatch


def parse_timestamp(text: str) -> datetime:
    """Parse a timestamp with any offset and up to nine fractional digits.

    The result is in UTC. Digits beyond microseconds are cut off, so that the order of two
    timestamps never turns around.

    Raises:
        ValueError: If *text* is not such a timestamp or outside the years 1 to 9999.
    """
    if not _RFC_3339(text):
        raise ValueError(f"expected an RFC 3339 timestamp, got {text[:64]!r}")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"timestamp out of range: {text!r}") from None


def format_timestamp(argument: str, value: datetime) -> str:
    """Write a timestamp in UTC with the designator `Z`.

    Raises:
        InvalidArgument: If *value* has no time zone: which instant it means would be a guess.
    """
    if value.utcoffset() is None:
        raise InvalidArgument.showing(argument, "needs a time zone", value.isoformat())
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
