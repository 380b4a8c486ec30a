"""From operations to the parts of a request, and back by the reader of the embedded server."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from objectstore_client import (
    Delete,
    Get,
    Head,
    IntegrityError,
    InvalidArgumentError,
    Put,
    TimeToLive,
    Usecase,
    zstd,
)
from objectstore_client.batch.encode import (
    Encoder,
    Entry,
    Preparer,
    check_operation,
    worst_case_size,
)
from objectstore_client.batch.framing import PartReader, new_boundary, read_boundary
from objectstore_client.batch.operations import Operation
from objectstore_client.devserver.batch import Asked, read_operation

PLAIN = Usecase("testing", compression="none")
KIB, MIB = 1024, 1024 * 1024

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda key: not {".", ".."} & set(key.split("/"))
)


def entries(usecase: Usecase, *operations: Operation) -> list[Entry]:
    """Operations that were checked."""
    preparer = Preparer(usecase)
    made = [Entry(number, operation) for number, operation in enumerate(operations)]
    for each in made:
        preparer.prepare(each)
    return made


def sent(encoder: Encoder, step: int = MIB) -> list[Asked]:
    """What a server understands of a request."""
    boundary = read_boundary(encoder.content_type)
    assert boundary is not None
    reader = PartReader(boundary)
    found = []
    while piece := encoder.encode(step):
        found += [read_operation(part) for part in reader.feed(piece)]
    reader.finish()
    return found


@given(
    st.lists(
        st.one_of(
            st.builds(Put, st.binary(max_size=200), keys),
            st.builds(Put, st.binary(max_size=200), st.none()),
            st.builds(Get, keys),
            st.builds(Head, keys),
            st.builds(Delete, keys),
        ),
        max_size=10,
    ),
    st.integers(1, 2000),
)
def test_servers_understand_what_is_sent(operations: list[Operation], step: int) -> None:
    """Each operation arrives with its kind, key and payload, in order, whatever is in them."""
    encoder = Encoder(entries(PLAIN, *operations), new_boundary())
    found = sent(encoder, step)
    assert len(found) == len(operations)
    assert encoder.ended
    assert not encoder.unsent
    for asked, operation, entry in zip(found, operations, encoder.sent, strict=True):
        assert entry.operation is operation
        assert entry.attempts == 1
        assert asked.kind == {"Put": "insert"}.get(type(operation).__name__, entry.name)
        assert operation.id in (None, asked.key)
        assert asked.payload == (operation.contents if isinstance(operation, Put) else b"")


def test_a_put_says_all_that_a_put_by_itself_says() -> None:
    """Metadata, policy, content type, compression, in the same headers."""
    put = Put(
        b"data" * 100,
        id="a/b ü",
        metadata={"key": "välue"},
        expiration_policy=TimeToLive(timedelta(days=1)),
        compression="zstd",
        content_type="text/plain",
        filename="a b.txt",
        origin="10.0.0.1",
    )
    precompressed = Put(zstd.compress(b"x"), id="b", precompressed="zstd", content_type="guess")
    first, second = sent(Encoder(entries(PLAIN, put, precompressed), b"B"))
    headers = dict(first.headers)
    assert headers == {
        b"content-disposition": b'form-data; name="part"',
        b"x-sn-batch-operation-kind": b"insert",
        b"x-sn-batch-operation-key": b"a/b%20%C3%BC",
        b"content-type": b"text/plain",
        b"content-encoding": b"zstd",
        b"x-sn-expiration": b"ttl:1d",
        b"x-sn-filename": b"a b.txt",
        b"x-sn-origin": b"10.0.0.1",
        b"x-snme-key": b"v%C3%A4lue",
    }
    assert zstandard.decompress(first.payload) == b"data" * 100
    assert second.payload == zstd.compress(b"x")
    assert (b"content-encoding", b"zstd") in second.headers


def test_the_options_of_one_put_are_not_those_of_the_next() -> None:
    """Headers are made once for puts that are alike, and only for those."""
    day = TimeToLive(timedelta(days=1))
    puts = [
        Put(b"1", expiration_policy=day),
        Put(b"2", expiration_policy=day),
        Put(b"3"),
        Put(b"4", metadata={"a": "b"}),
        Put(b"5"),
        Put(b"%PDF-1.7", content_type="guess"),
        Put(b"6"),
    ]
    found = [dict(asked.headers) for asked in sent(Encoder(entries(PLAIN, *puts), b"B"))]
    assert [b"x-sn-expiration" in headers for headers in found] == [True] * 2 + [False] * 5
    assert [b"x-snme-a" in headers for headers in found] == [False] * 3 + [True] + [False] * 3
    assert [headers.get(b"content-type") for headers in found][5:] == [b"application/pdf", None]


def test_small_parts_go_out_together_and_large_ones_by_and_by() -> None:
    """Pieces are of about the size that was asked for, and never of the whole batch."""
    small = Encoder(entries(PLAIN, *[Put(bytes(KIB))] * 1000), b"B")
    sizes = []
    while piece := small.encode(256 * KIB):
        sizes.append(len(piece))
    assert len(sizes) in (4, 5)
    assert all(256 * KIB <= size < 260 * KIB for size in sizes[:-1])
    large = Encoder(entries(PLAIN, *[Put(bytes(MIB))] * 3), b"B")
    assert MIB < len(large.encode(KIB)) < MIB + KIB
    assert not large.ended


def test_work_that_may_block_is_told() -> None:
    """Small contents in memory count as what they are, files as much as can be."""
    encoder = Encoder(entries(PLAIN, Put(b"x" * 100), Put(b"y")), b"B")
    assert 100 < encoder.work(MIB) < 1000
    with_file = Encoder(entries(PLAIN, Put(Path(__file__))), b"B")
    assert with_file.work(MIB) == MIB


def test_files_are_opened_one_at_a_time(tmp_path: Path) -> None:
    """When their turn comes, and closed before the next."""
    paths = [tmp_path / f"{number}" for number in range(3)]
    for path in paths:
        path.write_bytes(b"before")
    prepared = entries(PLAIN, *map(Put, paths))
    for path in paths:
        path.write_bytes(b"after!")  # nothing was read so far
    assert [asked.payload for asked in sent(Encoder(prepared, b"B"))] == [b"after!"] * 3


def test_a_file_that_fails_takes_no_other_with_it(tmp_path: Path) -> None:
    """Gone, longer or shorter: it has no part, and the parts after it have the right index."""
    paths = [tmp_path / f"{number}" for number in range(4)]
    for path in paths:
        path.write_bytes(b"contents")
    prepared = entries(PLAIN, *map(Put, paths))
    paths[0].unlink()
    paths[1].write_bytes(b"more than contents" * MIB)
    paths[2].write_bytes(b"less")
    encoder = Encoder(prepared, b"B")
    assert [asked.payload for asked in sent(encoder)] == [b"contents"]
    assert encoder.sent == prepared[3:]
    assert [entry for entry, _ in encoder.spoilt] == prepared[:3]
    kinds = [type(error) for _, error in encoder.spoilt]
    assert kinds == [FileNotFoundError, IntegrityError, IntegrityError]


@given(st.binary(max_size=3000), st.integers(0, 200_000))
def test_the_worst_case_of_compression(noise: bytes, zeros: int) -> None:
    """No frame is larger than was planned for."""
    data = noise + bytes(zeros)
    assert len(zstd.compress(data)) <= worst_case_size(len(data))


def test_the_limit_is_that_of_the_compressed_payload() -> None:
    """1 MiB as it is fits; compressed it might not, and goes alone."""
    plain, compressed = entries(
        PLAIN, Put(bytes(MIB), compression="none"), Put(bytes(MIB), compression="zstd")
    )
    assert not plain.alone
    assert compressed.alone
    (fits,) = entries(PLAIN, Put(bytes(1019 * KIB), compression="zstd"))
    assert not fits.alone


@pytest.mark.parametrize(
    ("operation", "match"),
    [
        (Get(""), "id"),
        (Get("a/../b"), "segment"),
        (Delete("\ud800"), "Unicode"),
        (Put(b"", id=""), "id"),
        (Put("text", id="a"), "contents"),  # type: ignore[arg-type]
        (Put(b"", metadata={"Key": "upper"}), "metadata"),
        (Put(b"", compression="gzip"), "compression"),  # type: ignore[arg-type]
        (Put(b"", content_type="a\r\nb"), "content_type"),
    ],
)
def test_bad_arguments_are_refused(operation: Operation, match: str) -> None:
    """By the rules of the operation by itself, before anything is sent."""
    with pytest.raises(ValueError, match=match):
        entries(PLAIN, operation)


@pytest.mark.parametrize("thing", [None, "key", ("put", "key"), Put])
def test_what_is_no_operation(thing: object) -> None:
    """It is refused with what there is."""
    with pytest.raises(InvalidArgumentError, match="operations: must be Put, Get, Head or Delete"):
        check_operation(thing)
