"""Byte ranges (protocol section 7)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from objectstore_client.devserver.ranges import parse_range
from tests.devserver.conftest import Ask

PAYLOAD = b"Multiple Range Requests!"  # 24 bytes
U64 = 2**64


def _range(value: str) -> list[tuple[str, str | bytes]]:
    return [("range", value)]


@pytest.mark.parametrize(
    ("value", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-7", 0, 7),
        ("bytes=9-", 9, 23),
        ("bytes=23-", 23, 23),
        ("bytes=-9", 15, 23),
        ("bytes=-24", 0, 23),
        ("bytes=-1000", 0, 23),
        ("bytes=9-1000", 9, 23),
        ("BYTES=0-7", 0, 7),
        (f"bytes=0-{U64 - 1}", 0, 23),
        ("bytes=0000000000000000000000000000-0", 0, 0),
    ],
)
def test_a_range_selects_bytes(call: Ask, value: str, first: int, last: int) -> None:
    """206, with the bytes, their place, their number, and all metadata."""
    call("PUT", headers=[("content-encoding", "zstd"), ("x-snme-k", "v")], body=PAYLOAD)
    part = call("GET", headers=_range(value))
    assert part.status == 206
    assert part.body == PAYLOAD[first : last + 1]
    assert part.headers["content-range"] == f"bytes {first}-{last}/24"
    assert part.headers["content-length"] == str(last + 1 - first)
    assert part.headers["accept-ranges"] == "bytes"
    assert part.headers["content-encoding"] == "zstd"
    assert part.headers["x-snme-k"] == "v"
    assert part.headers["x-sn-size"] == "24"


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (PAYLOAD, "bytes=24-"),
        (PAYLOAD, "bytes=24-30"),
        (PAYLOAD, f"bytes={U64 - 1}-"),
        (b"", "bytes=0-0"),
        (b"", "bytes=0-"),
        (b"", "bytes=-1"),
    ],
)
def test_a_range_outside_is_not_satisfiable(call: Ask, payload: bytes, value: str) -> None:
    """416 with the size and no body; an empty object satisfies no range."""
    call("PUT", body=payload)
    refused = call("GET", headers=_range(value))
    assert refused.shape == (416, "empty")
    assert refused.headers["content-range"] == f"bytes */{len(payload)}"
    assert refused.headers["accept-ranges"] == "bytes"


@pytest.mark.parametrize("value", ["bytes=0-1,3-4", "bytes=,", "bytes=0-1, nonsense"])
def test_several_ranges_are_ignored(call: Ask, value: str) -> None:
    """The answer is the whole object."""
    call("PUT", body=PAYLOAD)
    found = call("GET", headers=_range(value))
    assert (found.status, found.body) == (200, PAYLOAD)
    assert "content-range" not in found.headers


@pytest.mark.parametrize(
    "value",
    [
        "bytes=-0",
        "bytes=5-2",
        "bytes=abc-",
        "bytes=-",
        "bytes=5",
        "bytes=",
        "bytes",
        "",
        "items=0-1",
        "bytes= 0-1",
        "bytes=0 -1",
        "bytes=0x0-1",
        "bytes=+1-2",
        "bytes=--1",
        "bytes=1-2-3",
        f"bytes={U64}-",
        f"bytes=0-{U64}",
        f"bytes=-{U64}",
        "bytes=" + "9" * 20_000 + "-",
        "bytes=\xb2-",
    ],
)
def test_a_malformed_range_is_refused(call: Ask, value: str) -> None:
    """As 400 with JSON, and before anyone looks whether the object is there."""
    assert call("GET", headers=_range(value)).shape == (400, "json")


def test_an_absent_object_has_no_range(call: Ask) -> None:
    """404 comes before 416."""
    assert call("GET", headers=_range("bytes=99-")).shape == (404, "empty")


def test_a_range_of_a_large_object(call: Ask) -> None:
    """It may begin and end anywhere, over several pieces."""
    payload = bytes(range(251)) * 10_000
    call("PUT", body=payload)
    part = call("GET", headers=_range("bytes=123456-2345678"))
    assert part.body == payload[123456:2345679]


def test_a_number_may_have_any_number_of_zeros(call: Ask) -> None:
    """Python refuses to convert so many digits, which is none of the client's business."""
    call("PUT", body=b"hello")
    assert call("GET", headers=_range(f"bytes={'0' * 5000}1-{'0' * 5000}3")).body == b"ell"
    assert call("GET", headers=_range(f"bytes=-{'0' * 5000}")).status == 400


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(0, 60), st.integers(0, 60) | st.none())
def test_ranges_agree_with_slices(total: int, first: int, last: int | None) -> None:
    """A range is what Python's slice of the same bounds is."""
    value = f"bytes={first}-{'' if last is None else last}".encode()
    if first < total and (last is None or first <= last):
        chosen = parse_range(value)
        assert chosen is not None
        begin, end = chosen.resolve(total)
        data = bytes(range(total))
        assert data[begin : end + 1] == data[first : None if last is None else last + 1]
