"""Parts of an object: which bytes are asked for, and which came (protocol section 7)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from objectstore_client.errors import (
    InvalidArgumentError,
    InvalidResponseError,
    RangeNotSatisfiable,
    shorten,
)

__all__ = [
    "ByteRange",
    "ContentRange",
    "Span",
    "answers",
    "check_range",
    "parse_content_range",
    "span_of",
]

_LIMIT = 2**63
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Some of the bytes of an object: from *first* to *last*, both included, counted from 0.

    `ByteRange(0, 99)` are the first 100 bytes, `ByteRange(100)` is all but these, and
    `ByteRange.suffix(100)` the last 100. What lies behind the end of the object is left out.

    Raises:
        InvalidArgumentError: If a number is negative, or *first* above *last*.
    """

    first: int
    last: int | None = None

    def __post_init__(self) -> None:
        if type(self.first) is not int or not -_LIMIT < self.first < _LIMIT:
            raise InvalidArgumentError(
                f"byte_range: first must be a whole number from 0, got {shorten(self.first)}"
            )
        if self.first < 0:
            if self.last is not None:
                raise InvalidArgumentError(
                    f"byte_range: first must not be negative, got {shorten(self.first)}; "
                    "ByteRange.suffix(n) selects the last bytes"
                )
        elif self.last is not None and (
            type(self.last) is not int or not self.first <= self.last < _LIMIT
        ):
            raise InvalidArgumentError(
                f"byte_range: last must be a whole number from first ({self.first}), "
                f"got {shorten(self.last)}"
            )

    @classmethod
    def suffix(cls, length: int) -> Self:
        """The last *length* bytes, or all if there are fewer; at least one."""
        if type(length) is not int or not 0 < length < _LIMIT:
            raise InvalidArgumentError(
                f"byte_range: the length of a suffix must be from 1, got {shorten(length)}"
            )
        return cls(-length)

    @property
    def header(self) -> str:
        """The value of a `Range` header."""
        if self.first < 0:
            return f"bytes={self.first}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from *start* to before *end*; `None` for an end that is not known yet."""

    start: int
    end: int | None

    @property
    def size(self) -> int | None:
        """How many bytes these are."""
        return None if self.end is None else self.end - self.start

    @property
    def header(self) -> str | None:
        """The value of a `Range` header; `None` for everything."""
        if self.end is None:
            return f"bytes={self.start}-" if self.start else None
        return f"bytes={self.start}-{self.end - 1}"


def check_range(value: object) -> None:
    """Refuse what is no range.

    Raises:
        InvalidArgumentError: If *value* is neither a `ByteRange` nor `None`.
    """
    if value is not None and not isinstance(value, ByteRange):
        raise InvalidArgumentError(f"byte_range: must be a ByteRange, got {shorten(value)}")


def span_of(byte_range: ByteRange, size: int) -> Span:
    """What *byte_range* selects of *size* bytes.

    Raises:
        RangeNotSatisfiable: If that is nothing.
    """
    first = max(size + byte_range.first, 0) if byte_range.first < 0 else byte_range.first
    if first >= size:
        raise RangeNotSatisfiable.of(size)
    last = size - 1 if byte_range.last is None else min(byte_range.last, size - 1)
    return Span(first, last + 1)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """Which bytes came: those of *span*, which is `None` in a refusal, of *total*, if known."""

    span: Span | None
    total: int | None


def answers(byte_range: ByteRange, came: ContentRange) -> bool:
    """Whether what came is what was asked for, as far as that can be told."""
    if came.span is None:
        return False
    if came.total is None:
        return byte_range.first < 0 or came.span.start == byte_range.first
    try:
        return span_of(byte_range, came.total) == came.span
    except RangeNotSatisfiable:
        return False


def parse_content_range(text: str | None) -> ContentRange:
    """Read a `Content-Range` header.

    Raises:
        InvalidResponseError: If there is none, or it is malformed.
    """
    match = _CONTENT_RANGE.fullmatch(text or "")
    if match is not None:
        first, last, total = (None if x in (None, "*") else int(x) for x in match.groups())
        if first is None or last is None:
            return ContentRange(None, total)
        if first <= last and (total is None or last < total):
            return ContentRange(Span(first, last + 1), total)
    error = InvalidResponseError("the server sent a part of the object without saying which")
    error.add_note(f"Content-Range: {shorten(text)}")
    raise error
