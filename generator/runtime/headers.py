"""Headers in both directions: checked before they go out, read when they come in."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from .errors import InvalidArgument
from .timestamps import parse_timestamp

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+").fullmatch
_FORBIDDEN_IN_VALUE = re.compile(r"[^\t\x20-\x7e]").search

# They describe how the body is sent, which follows from the body and `content_length` alone.
_FRAMING = frozenset({"content-length", "transfer-encoding"})


class PreparedHeaders(dict[str, str]):
    """Headers that are checked and written once, for many requests. Not to be changed.

    Attributes:
        lines: How they are sent.

    Raises:
        InvalidArgument: See `request_headers`.
    """

    __slots__ = ("lines",)

    def __init__(self, headers: Mapping[str, str]) -> None:
        checked = checked_headers(headers)
        super().__init__(checked)
        self.lines = header_lines(checked)


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Write headers as they are sent."""
    if isinstance(headers, PreparedHeaders):
        return headers.lines
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()]).encode("ascii")


def request_headers(
    declared: Mapping[str, str | int | None], extra: Mapping[str, str] | None
) -> dict[str, str]:
    """Put together the headers of one request, by lowercase name.

    Args:
        declared: Headers of the contract by lowercase name; those that are `None` are left out.
        extra: Headers of the caller in any case, applied last: they replace declared ones.

    Raises:
        InvalidArgument: If a name is no token, a value has other characters than visible ASCII,
            space and tab, or a name occurs twice or describes the framing of the body.
    """
    headers = {
        name: _checked(name, str(value)) for name, value in declared.items() if value is not None
    }
    if not extra:
        return headers
    if isinstance(extra, PreparedHeaders):
        return headers | extra if headers else extra
    return headers | checked_headers(extra)


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Check the headers of a caller and return them by lowercase name.

    Raises:
        InvalidArgument: See `request_headers`.
    """
    result: dict[str, str] = {}
    for name, value in headers.items():
        if not _NAME(name):
            raise InvalidArgument.showing("header name", "is not an HTTP token", name)
        lowered = name.lower()
        if lowered in _FRAMING:
            raise InvalidArgument(f"header {name}", "follows from the body; use content_length")
        if lowered in result:
            raise InvalidArgument(f"header {name}", "given twice, in different case")
        result[lowered] = _checked(name, value)
    return result


def _checked(name: str, value: str) -> str:
    if value.isascii() and value.isprintable():
        return value  # a third of the time that the expression takes
    found = _FORBIDDEN_IN_VALUE(value)
    if found is None:
        return value
    # The value itself may be a token, so only the culprit is shown.
    rule = f"character {found.group()!a} at position {found.start()} is not allowed"
    raise InvalidArgument(f"header {name}", f"{rule}: only visible ASCII, space and tab are")


Pairs: TypeAlias = Sequence[tuple[bytes, bytes]]
"""Names and values of headers, as received."""


def read_headers(pairs: Pairs) -> dict[str, str]:
    """Return the headers of an answer by lowercase name. Of a repeated one the last counts."""
    return {name.lower().decode("latin-1"): value.decode("latin-1") for name, value in pairs}


def integer(headers: Mapping[str, str], name: str) -> int | None:
    """The value as a non-negative integer, or `None`.

    Raises:
        ValueError: If it is anything but up to 20 decimal digits.
    """
    value = headers.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()) or len(value) > 20:
        raise ValueError(f"header {name}: expected digits, got {value[:64]!r}")
    return int(value)


def timestamp(headers: Mapping[str, str], name: str) -> datetime | None:
    """The value as a point in time (UTC), or `None`.

    Raises:
        ValueError: If it is not an RFC 3339 timestamp.
    """
    value = headers.get(name)
    if value is None:
        return None
    try:
        return parse_timestamp(value)
    except ValueError as error:
        raise ValueError(f"header {name}: {error}") from None
