"""The table at the end of a stream: what is written is found, and nothing else is believed."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.zstd import FramePlace, SeekTable

SIZES = st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), max_size=20)


def table_of(sizes: list[tuple[int, int]]) -> SeekTable:
    """A table of frames of these stored and decoded sizes."""
    table = SeekTable()
    for size, decoded_size in sizes:
        table.add(size, decoded_size)
    return table


def places(table: SeekTable) -> list[FramePlace]:
    """All frames of a table."""
    return [table[number] for number in range(len(table))]


@given(SIZES, st.binary(max_size=20))
def test_what_is_written_is_read(sizes: list[tuple[int, int]], before: bytes) -> None:
    """From the end of an object, however much of it is at hand."""
    table = table_of(sizes)
    encoded = table.encode()
    assert SeekTable.encoded_size(encoded[-SeekTable.FOOTER_SIZE :]) == len(encoded)
    parsed = SeekTable.parse(before + encoded, table.size + len(encoded))
    assert parsed is not None
    assert places(parsed) == places(table)
    assert (parsed.size, parsed.decoded_size) == (
        sum(size for size, _ in sizes),
        sum(size for _, size in sizes),
    )


def test_the_form_is_that_of_the_seekable_format() -> None:
    """Byte for byte, so that others find it too, with and without their checksums."""
    assert table_of([(10, 100), (20, 200)]).encode() == bytes.fromhex(
        "5e2a4d18 19000000 0a000000 64000000 14000000 c8000000 02000000 00 b1ea928f"
    )
    checked = bytes.fromhex("5e2a4d18 15000000 0a000000 64000000 ffffffff 01000000 80 b1ea928f")
    table = SeekTable.parse(checked, 10 + len(checked))
    assert table is not None
    assert places(table) == [FramePlace(0, 10, 0, 100)]


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=12),
    st.integers(-5, 120),
    st.integers(-5, 120),
)
def test_covering_frames_are_the_fewest(sizes: list[tuple[int, int]], start: int, end: int) -> None:
    """They hold all of the range, follow each other, and neither end could be left out."""
    table = table_of(sizes)
    found = table.covering(start, end)
    inside = range(max(start, 0), min(end, table.decoded_size))
    if not inside:
        assert found == []
        return
    first, last = found[0], found[-1]
    assert first.decoded_start <= inside[0] < first.decoded_start + first.decoded_size
    assert last.decoded_start <= inside[-1] < last.decoded_start + last.decoded_size
    begin = places(table).index(first)
    assert found == places(table)[begin : begin + len(found)]


@given(st.binary(max_size=60), st.integers(0, 100))
def test_arbitrary_bytes_are_no_table(data: bytes, size: int) -> None:
    """Whatever an object ends with, reading the table raises nothing."""
    SeekTable.parse(data, size)
    footer = data[:5].ljust(5, b"\0") + b"\xb1\xea\x92\x8f"
    table = SeekTable.parse(data + footer, size)
    assert table is None or table.size <= size


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        struct.pack("<IBI", 1, 0, 0x8F92EAB2),
        struct.pack("<IBI", 1, 0x40, 0x8F92EAB1),
        struct.pack("<IBI", SeekTable.MAX_FRAMES + 1, 0, 0x8F92EAB1),
        struct.pack("<IBI", 2**32 - 1, 0x80, 0x8F92EAB1),
    ],
    ids=["nothing", "magic", "reserved bits", "too many", "far too many"],
)
def test_hostile_footers_are_no_table(tail: bytes) -> None:
    """Nor do they make anybody fetch or hold more than a table may take."""
    assert SeekTable.encoded_size(tail) is None
    assert SeekTable.parse(tail, 1000) is None


def test_a_table_must_fit_the_object() -> None:
    """One that was copied, cut or made up is not believed."""
    encoded = table_of([(10, 100), (20, 200)]).encode()
    assert SeekTable.parse(encoded, 30 + len(encoded))
    assert SeekTable.parse(encoded, 31 + len(encoded)) is None
    assert SeekTable.parse(encoded[1:], 30 + len(encoded)) is None
    assert SeekTable.parse(b"\x5f" + encoded[1:], 30 + len(encoded)) is None
