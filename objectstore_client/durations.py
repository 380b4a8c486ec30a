"""Durations on the wire (protocol section 5.2 and 5.3): the canonical form out, the full grammar
in.
"""

from __future__ import annotations

import re
from datetime import timedelta

_NANOSECONDS = {
    1: "ns nsec nanos",
    1_000: "us usec µs",
    1_000_000: "ms msec millis",
    1_000_000_000: "s sec secs second seconds",
    60_000_000_000: "m min mins minute minutes",
    3_600_000_000_000: "h hr hrs hour hours",
    86_400_000_000_000: "d day days",
    604_800_000_000_000: "w wk wks week weeks",
    2_630_016_000_000_000: "M month months",
    31_557_600_000_000_000: "y yr yrs year years",
}
_UNITS = {unit: size for size, spellings in _NANOSECONDS.items() for unit in spellings.split()}
# 20 digits hold every 64-bit number; the bound keeps hostile input from costing time.
_TERM = re.compile(r"\s*([0-9]{1,20})\s*([A-Za-zµ]{1,7})\s*")
_ZERO = re.compile(r"\s*0{1,20}\s*")


def format_duration(value: timedelta) -> str:
    """Write *value* in the canonical form, such as `1d 2h 3m 4s` or `0s`; fractions of a second are
    cut.

    Raises:
        ValueError: If *value* is negative.
    """
    if value < timedelta(0):
        raise ValueError(f"a duration must not be negative, got {value!r}")
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    terms = ((value.days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join(f"{number}{unit}" for number, unit in terms if number) or "0s"


def round_up(value: timedelta) -> timedelta:
    """Round up to whole seconds, so that writing *value* makes nothing shorter than was asked."""
    if not value.microseconds:
        return value
    return value + timedelta(microseconds=1_000_000 - value.microseconds)


def parse_duration(text: str) -> timedelta:
    """Read a duration in any form that a server accepts or emits, such as `7days` or `1month 13h`.

    Precision below a microsecond is cut.

    Raises:
        ValueError: If *text* is not a duration, or longer than a `timedelta` can hold.
    """
    if _ZERO.fullmatch(text):
        return timedelta(0)
    total, position = 0, 0
    while position < len(text) or position == 0:
        term = _TERM.match(text, position)
        size = _UNITS.get(term[2]) if term else None
        if term is None or size is None:
            raise ValueError(
                f"not a duration: {text[:100]!r} (expected terms such as '7d' or '1h 30m')"
            )
        total += int(term[1]) * size
        position = term.end()
    try:
        return timedelta(microseconds=total // 1_000)
    except OverflowError:
        raise ValueError(f"the duration is too long: {text[:100]!r}") from None
