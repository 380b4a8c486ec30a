"""Sources: everything that can be uploaded, in bounded pieces, without copies of large buffers."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from objectstore_client.errors import InvalidArgumentError
from objectstore_client.sources import PIECE, AsyncContents, Source, open_source, open_source_async

DATA = os.urandom(2 * PIECE + 17)


def read(source: Source) -> bytes:
    """All bytes, checking the bound on the way."""
    assert source.pieces is not None
    pieces = [bytes(piece) for piece in source.pieces()]
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


@pytest.mark.parametrize(
    "contents",
    [DATA, bytearray(DATA), memoryview(DATA), memoryview(DATA).cast("B", (1, len(DATA)))],
)
def test_memory(contents: bytes) -> None:
    """Bytes-likes of any shape: size known, pieces that are views."""
    source = open_source(contents)
    assert (source.size, source.in_memory, source.head) == (len(DATA), True, DATA[:64])
    assert read(source) == DATA
    assert read(source) == DATA
    assert source.pieces is not None
    assert isinstance(next(source.pieces()), memoryview)


@pytest.mark.parametrize("contents", [b"", bytearray(), memoryview(b"")])
def test_empty_memory(contents: bytes) -> None:
    """Nothing gives no pieces."""
    source = open_source(contents)
    assert (source.size, source.head, read(source)) == (0, b"", b"")


def test_path(tmp_path: Path) -> None:
    """A path has a size and a name, is opened only when read, and closed at the end."""
    path = tmp_path / "report.pdf"
    path.write_bytes(DATA)
    source = open_source(path)
    assert (source.size, source.name, source.in_memory) == (len(DATA), "report.pdf", False)
    assert read(source) == read(source) == DATA


def test_a_missing_path_is_told_at_once(tmp_path: Path) -> None:
    """The caller's mistake surfaces before anything is sent, as the usual OSError."""
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "absent")


def test_file_from_where_it_stands(tmp_path: Path) -> None:
    """A file is read from its position, and stays open."""
    path = tmp_path / "data.bin"
    path.write_bytes(DATA)
    with path.open("rb") as file:
        file.seek(5)
        source = open_source(file)
        assert (source.size, source.name) == (len(DATA) - 5, "data.bin")
        assert file.tell() == 5
        assert read(source) == DATA[5:]
        assert not file.closed


def test_file_beyond_its_end() -> None:
    """A position past the end leaves nothing to upload."""
    file = io.BytesIO(b"abc")
    file.seek(10)
    source = open_source(file)
    assert (source.size, read(source)) == (0, b"")


def test_pipes_have_no_size() -> None:
    """What can't be sought is streamed to its end."""
    reader, writer = os.pipe()
    os.write(writer, b"through a pipe")
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        source = open_source(file)
        assert source.size is None
        assert read(source) == b"through a pipe"


def test_iterables_are_cut() -> None:
    """What an iterable yields may be of any size; empty pieces vanish."""

    def generate() -> Iterator[bytes]:
        yield b""
        yield DATA
        yield b"end"

    source = open_source(generate())
    assert source.size is None
    assert read(source) == DATA + b"end"


@pytest.mark.parametrize("item", ["text", 1, None, [b"x"]])
def test_iterables_of_something_else(item: object) -> None:
    """The error says what was yielded."""
    source = open_source([item])  # type: ignore[list-item]
    with pytest.raises(InvalidArgumentError, match="the iterable must yield bytes, got"):
        read(source)


def test_what_can_be_read_again() -> None:
    """Memory, paths, seekable files, collections and functions; not iterators and pipes."""
    for contents in (b"x", Path(__file__), io.BytesIO(b"x"), [b"x"], lambda: iter([b"x"])):
        source = open_source(contents)
        assert source.replayable
        assert read(source) == read(source) != b""
    reader, writer = os.pipe()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        for once in (iter([b"x"]), (b for b in [b"x"]), pipe):
            assert not open_source(once).replayable

    async def generate() -> AsyncIterator[bytes]:
        yield b"x"

    assert not open_source_async(generate()).replayable
    assert open_source_async(generate).replayable


def test_a_file_is_read_again_from_where_it_stood() -> None:
    """Not from its beginning."""
    file = io.BytesIO(b"skip, keep")
    file.seek(6)
    source = open_source(file)
    assert read(source) == read(source) == b"keep"


def test_a_function_must_return_an_iterable() -> None:
    """The error says so."""
    with pytest.raises(InvalidArgumentError, match="must return an iterable of bytes"):
        read(open_source(lambda: 7))  # type: ignore[arg-type, return-value]


def test_async_iterables_are_for_the_async_client() -> None:
    """The sync client says where they belong."""

    async def generate() -> AsyncIterator[bytes]:
        yield b"x"

    assert open_source_async(generate()).async_items is not None
    with pytest.raises(InvalidArgumentError, match="AsyncObjectstore"):
        open_source(generate())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("contents", "hint"),
    [
        ("text", "encode a text to bytes"),
        (io.StringIO("text"), "binary mode"),
        (7, "pass bytes, a path, a binary file or an iterable"),
        (None, "pass bytes"),
        (memoryview(b"abcdef")[::2], "contiguous"),
    ],
)
def test_refused(contents: object, hint: str) -> None:
    """The error names the type and what to do."""
    with pytest.raises(InvalidArgumentError, match=hint) as caught:
        open_source_async(contents)  # type: ignore[arg-type]
    assert type(contents).__name__ in str(caught.value)


def test_files_with_an_async_read_are_refused() -> None:
    """Their read() would give coroutines; the error says what to pass instead."""

    class AsyncFile:
        async def read(self, size: int = -1) -> bytes:
            return b""

    with pytest.raises(InvalidArgumentError, match="pass an async iterable"):
        open_source_async(AsyncFile())  # type: ignore[arg-type]


def test_the_type_of_contents_covers_the_async_one() -> None:
    """Every sync kind is an async kind too."""
    contents: AsyncContents = b"x"
    assert open_source_async(contents).size == 1


def test_files_that_do_not_block_are_refused() -> None:
    """They say None where there is nothing yet, which is not the end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.write(writer, b"first")
    with os.fdopen(reader, "rb", buffering=0) as file, os.fdopen(writer, "wb"):
        source = open_source(file)
        with pytest.raises(InvalidArgumentError, match="must be a blocking one"):
            read(source)
