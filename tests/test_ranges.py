"""Byte ranges: what is asked for, what came, what lies outside."""

from __future__ import annotations

import pickle

import pytest

from objectstore_client import ByteRange, InvalidArgumentError, InvalidResponseError
from objectstore_client.errors import RangeNotSatisfiable
from objectstore_client.ranges import (
    ContentRange,
    Span,
    answers,
    check_range,
    parse_content_range,
    span_of,
)


@pytest.mark.parametrize(
    ("byte_range", "header", "span"),
    [
        (ByteRange(0), "bytes=0-", Span(0, 10)),
        (ByteRange(0, 0), "bytes=0-0", Span(0, 1)),
        (ByteRange(3, 5), "bytes=3-5", Span(3, 6)),
        (ByteRange(3, 99), "bytes=3-99", Span(3, 10)),
        (ByteRange(9), "bytes=9-", Span(9, 10)),
        (ByteRange.suffix(1), "bytes=-1", Span(9, 10)),
        (ByteRange.suffix(99), "bytes=-99", Span(0, 10)),
    ],
)
def test_a_range_selects_bytes(byte_range: ByteRange, header: str, span: Span) -> None:
    """Of ten, what a server would select."""
    assert byte_range.header == header
    assert span_of(byte_range, 10) == span


@pytest.mark.parametrize("byte_range", [ByteRange(10), ByteRange(10, 11)])
def test_a_range_may_lie_outside(byte_range: ByteRange) -> None:
    """The error tells the size, also after a trip through pickle."""
    with pytest.raises(RangeNotSatisfiable) as caught:
        span_of(byte_range, 10)
    assert pickle.loads(pickle.dumps(caught.value)).size == 10
    with pytest.raises(RangeNotSatisfiable):
        span_of(ByteRange.suffix(1), 0)


@pytest.mark.parametrize(
    ("first", "last"),
    [("0", None), (True, None), (1.0, None), (5, 4), (0, "9"), (-1, 5), (2**63, None), (0, 2**63)],
)
def test_a_malformed_range_is_refused(first: int, last: int | None) -> None:
    """Before anything is sent."""
    with pytest.raises(InvalidArgumentError, match="byte_range"):
        ByteRange(first, last)


def test_what_is_no_range_is_refused() -> None:
    """A tuple, a slice, an empty suffix."""
    for value in ((0, 9), slice(0, 9), "bytes=0-9"):
        with pytest.raises(InvalidArgumentError, match="ByteRange"):
            check_range(value)
    for length in (0, -1, "1"):
        with pytest.raises(InvalidArgumentError, match="suffix"):
            ByteRange.suffix(length)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes 0-9/10", ContentRange(Span(0, 10), 10)),
        ("bytes 3-3/10", ContentRange(Span(3, 4), 10)),
        ("bytes 3-5/*", ContentRange(Span(3, 6), None)),
        ("bytes */10", ContentRange(None, 10)),
    ],
)
def test_content_ranges_are_read(text: str, expected: ContentRange) -> None:
    """Those of parts and those of refusals."""
    assert parse_content_range(text) == expected


@pytest.mark.parametrize(
    ("byte_range", "text", "right"),
    [
        (ByteRange(3, 5), "bytes 3-5/10", True),
        (ByteRange(3, 5), "bytes 3-4/10", False),
        (ByteRange(3, 5), "bytes 2-5/10", False),
        (ByteRange(3, 50), "bytes 3-9/10", True),
        (ByteRange(3), "bytes 3-8/10", False),
        (ByteRange(3), "bytes 3-8/*", True),
        (ByteRange(3), "bytes 4-8/*", False),
        (ByteRange.suffix(4), "bytes 6-9/10", True),
        (ByteRange.suffix(4), "bytes 5-9/10", False),
        (ByteRange(3), "bytes */10", False),
        (ByteRange(20), "bytes 3-9/10", False),
    ],
)
def test_another_part_is_noticed(byte_range: ByteRange, text: str, right: bool) -> None:
    """One byte less is another part."""
    assert answers(byte_range, parse_content_range(text)) is right


@pytest.mark.parametrize(
    "text", [None, "", "bytes 5-4/10", "bytes 0-10/10", "items 0-9/10", "bytes 0-/10", "0-9/10"]
)
def test_a_malformed_content_range_breaks_the_protocol(text: str | None) -> None:
    """It can't be known then what came."""
    with pytest.raises(InvalidResponseError):
        parse_content_range(text)
