"""Multipart framing: whatever is written is read, however it arrives, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client.batch.framing import (
    FramingError,
    Part,
    PartReader,
    new_boundary,
    read_boundary,
    read_headers,
)

BOUNDARY = b"os-boundary-0123456789abcdef"

boundaries = st.from_regex(r"[0-9A-Za-z'()+_,./:=?-]{1,70}", fullmatch=True).map(str.encode)
bodies = st.one_of(
    st.binary(max_size=300),
    # What looks like framing.
    st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--", b"\r\n\r\n", BOUNDARY[:-1], b"x"]
        ),
        max_size=30,
    ).map(b"".join),
)
heads = st.sampled_from([b"", b"a: b", b"a: b\r\nc: d", b"x-snme-a: \xff--\r\nb:"])
parts = st.lists(st.tuples(heads, bodies), max_size=8)


def write(boundary: bytes, parts: list[tuple[bytes, bytes]]) -> bytes:
    """Parts on the wire, as the protocol describes them."""
    opening = b"--%b\r\n" % boundary
    lines = [opening + head + b"\r\n\r\n" * bool(head) + b"\r\n" * (not head) for head, _ in parts]
    framed = [line + body + b"\r\n" for line, (_, body) in zip(lines, parts, strict=True)]
    return b"".join(framed) + b"--%b--" % boundary


def cut(data: bytes, cuts: list[int]) -> Iterator[bytes]:
    """*data* in pieces of the sizes in *cuts*, over and over."""
    at, turn = 0, 0
    while at < len(data):
        size = cuts[turn % len(cuts)]
        yield data[at : at + size]
        at, turn = at + size, turn + 1


def read(
    data: bytes, boundary: bytes = BOUNDARY, *cuts: int, max_body: int = 1 << 20
) -> list[Part]:
    """All parts of *data*, which has to be complete."""
    reader = PartReader(boundary, max_body=max_body)
    found = [part for piece in cut(data, list(cuts or (1 << 20,))) for part in reader.feed(piece)]
    reader.finish()
    return found


def expected(parts: list[tuple[bytes, bytes]]) -> list[Part]:
    """What a reader makes of *parts*."""
    return [Part(head, body, len(body)) for head, body in parts]


@given(boundaries, parts, st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_what_is_written_is_read(
    boundary: bytes, parts: list[tuple[bytes, bytes]], cuts: list[int]
) -> None:
    """Any payload, any boundary that it does not contain, any chunking."""
    if not any(b"--" + boundary in body for _, body in parts):
        assert read(write(boundary, parts), boundary, *cuts) == expected(parts)


@given(parts, st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 100))
def test_long_bodies_pass_by(
    parts: list[tuple[bytes, bytes]], cuts: list[int], max_body: int
) -> None:
    """A body that is longer than is kept is left out, and its size is told all the same."""
    found = read(write(BOUNDARY, parts), BOUNDARY, *cuts, max_body=max_body)
    kept = [(head, body if len(body) <= max_body else b"") for head, body in parts]
    assert [part[:2] for part in found] == kept
    assert [part.size for part in found] == [len(body) for _, body in parts]
    assert [part.whole for part in found] == [len(body) <= max_body for _, body in parts]


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), min_size=1, max_size=5))
def test_garbage_is_refused_or_read(data: bytes, cuts: list[int]) -> None:
    """Whatever comes, nothing but a FramingError does."""
    reader = PartReader(BOUNDARY)
    with suppress(FramingError):
        for piece in cut(b"--" + BOUNDARY + data, cuts):
            list(reader.feed(piece))
        reader.finish()


PARTS = [(b"a: 1\r\nb: 2", b"first\r\n--os-bound"), (b"", b""), (b"c: 3", b"third")]


def test_a_truncated_response_is_seen_at_every_byte() -> None:
    """Cut anywhere, it gives the parts that were complete, and is not taken for the whole."""
    whole = write(BOUNDARY, PARTS)
    for length in range(len(whole)):
        reader = PartReader(BOUNDARY)
        found = list(reader.feed(whole[:length]))
        assert found == expected(PARTS)[: len(found)]
        with pytest.raises(FramingError, match="closing boundary"):
            reader.finish()
        assert not reader.ended


def test_what_surrounds_the_parts_is_ignored() -> None:
    """A preamble and an epilogue are for readers that know no multipart."""
    data = b"preamble\r\n" + write(BOUNDARY, PARTS) + b"\r\n--" + BOUNDARY + b"\r\nepilogue"
    for size in (1, 7, 1000):
        assert read(data, BOUNDARY, size) == expected(PARTS)


@pytest.mark.parametrize("follows", [b"x", b"-x", b" \r\n", b"\n", b"\rx"])
def test_a_boundary_is_followed_by_a_part_or_the_end(follows: bytes) -> None:
    """A delimiter inside of a payload would mix up what belongs to whom."""
    data = b"--" + BOUNDARY + b"\r\n\r\nbody\r\n--" + BOUNDARY + follows + b"more"
    reader = PartReader(BOUNDARY)
    with pytest.raises(FramingError, match="something else"):
        list(reader.feed(data))


@pytest.mark.parametrize("size", [1000, 65_536])
def test_heads_are_bounded(size: int) -> None:
    """A head that does not end is refused before it fills the memory."""
    reader = PartReader(BOUNDARY)
    data = b"--" + BOUNDARY + b"\r\nname: "
    with pytest.raises(FramingError, match="does not end"):
        for piece in [data, *[bytes(size)] * 100]:
            list(reader.feed(piece))
    assert len(reader._buffer) < 200_000


def test_bodies_are_not_collected() -> None:
    """Of a body beyond the limit no more is held than may be the start of a boundary."""
    reader = PartReader(BOUNDARY, max_body=1000)
    list(reader.feed(b"--" + BOUNDARY + b"\r\n\r\n"))
    for _ in range(100):
        assert not list(reader.feed(bytes(10_000)))
        assert len(reader._buffer) < 1000
    assert [part.size for part in reader.feed(b"\r\n--" + BOUNDARY + b"--")] == [1_000_000]


def test_single_bytes_cost_no_more_than_their_number() -> None:
    """A body that comes byte by byte is not searched again from its start for each of them."""
    body = bytes(300_000)
    assert read(write(BOUNDARY, [(b"", body)]), BOUNDARY, 1) == expected([(b"", body)])


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/form-data; boundary=abc", b"abc"),
        ('multipart/form-data; boundary="os-boundary-0f"', b"os-boundary-0f"),
        ("Multipart/Form-Data ;charset=utf-8 ; BOUNDARY=a:b", b"a:b"),
        ('multipart/form-data; boundary="a b"', b"a b"),
        ('multipart/form-data; x="a;boundary=no"; boundary="a\\"b"', None),
        ("multipart/form-data; boundary=", None),
        ("multipart/form-data; boundary=ä", None),
        ('multipart/form-data; boundary="ends with a space "', None),
        (f"multipart/form-data; boundary={'x' * 71}", None),
        ("multipart/form-data; boundary", None),
        ("multipart/form-data", None),
        ("multipart/mixed; boundary=abc", None),
        ("multipart/form-database; boundary=abc", None),
        ("application/json", None),
        ("", None),
    ],
)
def test_boundaries_in_content_types(content_type: str, boundary: bytes | None) -> None:
    """Quoted or not, among other parameters; nothing that RFC 2046 does not allow."""
    assert read_boundary(content_type) == boundary


def test_boundaries_are_random_and_valid() -> None:
    """No two batches have the same, and each can be read out of a content type."""
    found = {new_boundary() for _ in range(100)}
    assert len(found) == 100
    for boundary in found:
        assert read_boundary(f"multipart/form-data; boundary={boundary.decode()}") == boundary


def test_headers() -> None:
    """Names in lowercase, values without the spaces around them, the last of several."""
    head = b"X-SN-Size: 5\r\na:b:c\r\nempty:\r\na: \t last\t \r\nlatin: \xe9"
    assert read_headers(head) == {"x-sn-size": "5", "a": "last", "empty": "", "latin": "é"}
    assert read_headers(b"") == {}


@pytest.mark.parametrize("head", [b"no colon", b"a: b\r\n", b"a: b\r\n\r\nc: d"])
def test_lines_that_are_no_headers(head: bytes) -> None:
    """They are refused."""
    with pytest.raises(FramingError, match="no header"):
        read_headers(head)


def test_headers_are_bounded() -> None:
    """Their number is, as their size is by the reader."""
    with pytest.raises(FramingError, match="too many"):
        read_headers(b"\r\n".join(b"a%d: b" % number for number in range(129)))
