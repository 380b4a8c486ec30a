"""Where uploaded bytes come from: one shape for everything that `put` accepts.

A `Source` hands out pieces of at most `PIECE` bytes, so that no later step has to think about size:
memory is cut into views (never copied), files are read piece by piece, and what iterables yield is
cut the same way.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias, cast

from objectstore_client.errors import InvalidArgumentError, shorten

__all__ = [
    "PIECE",
    "AsyncContents",
    "Contents",
    "Piece",
    "Source",
    "SourceError",
    "SourceLateError",
    "open_source",
    "open_source_async",
    "pieces_of",
    "pieces_of_all",
]

PIECE = 2 * 1024 * 1024
"""Most bytes that one piece holds: as much as is compressed into one frame, so that what is in
memory or in a file need not be put together for that."""

Piece: TypeAlias = bytes | memoryview

Contents: TypeAlias = (
    bytes
    | bytearray
    | memoryview
    | os.PathLike[str]
    | BinaryIO
    | Iterable[bytes]
    | Callable[[], Iterable[bytes]]
)
"""What `put` accepts: bytes in memory, a path, a binary file (read from where it stands, never
closed), an iterable of bytes, or a function that returns one, called for each attempt."""

AsyncContents: TypeAlias = Contents | AsyncIterable[bytes] | Callable[[], AsyncIterable[bytes]]
"""What the async `put` accepts: `Contents`, and async iterables or functions that return them."""


class SourceError(Exception):
    """Carries what reading a source raised past all that looks at errors of the transport."""

    def __init__(self, failure: Exception) -> None:
        super().__init__(failure)
        self.failure = failure


class SourceLateError(Exception):
    """The deadline passed while a source was waited for."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes to upload.

    Attributes:
        pieces: Starts an iterator over the pieces from the beginning; `None` if only
            `async_items` can.
        size: Total bytes, if known before reading.
        in_memory: The bytes are held in memory anyway: reading them can't block.
        replayable: It can be read more than once, so that a request can be repeated.
        async_items: Starts the caller's iterable, which may be async; its items are not cut yet.
        head: The first bytes, where they can be had without reading; to guess the content type.
        name: File name, if the source has one; to guess the content type.
        pieces_from: Like *pieces*, from an offset, where that takes no reading of what is before.
    """

    pieces: Callable[[], Generator[Piece]] | None
    size: int | None = None
    in_memory: bool = False
    replayable: bool = True
    async_items: Callable[[], AsyncIterable[bytes] | Iterable[bytes]] | None = None
    head: bytes = b""
    name: str | None = None
    pieces_from: Callable[[int], Generator[Piece]] | None = None

    def part(self, offset: int, size: int) -> Source:
        """*size* bytes from *offset*; of a source with `pieces_from`."""
        assert self.pieces_from is not None
        pieces_from = self.pieces_from
        return Source(lambda: _first(size, pieces_from(offset)), size, in_memory=self.in_memory)


def open_source(contents: Contents) -> Source:
    """Look at *contents* and make a `Source` of it; nothing is read yet.

    Raises:
        InvalidArgumentError: If *contents* is nothing that can be uploaded.
        OSError: If it is a path, and its size can't be asked for.
    """
    if isinstance(contents, (bytes, bytearray, memoryview)):
        return _from_memory(cast("bytes | bytearray | memoryview", contents))
    if isinstance(contents, str):
        raise _refused(contents, "encode a text to bytes, wrap a file name in pathlib.Path")
    if isinstance(contents, os.PathLike):
        return _from_path(Path(contents))
    if hasattr(contents, "read"):
        return _from_file(cast(BinaryIO, contents))
    if isinstance(contents, AsyncIterable):
        raise _refused(contents, "async iterables are for AsyncObjectstore")
    if isinstance(contents, Iterable):
        iterable = contents
        # What always gives the same iterator is used up by reading it.
        replayable = not isinstance(contents, Iterator) and iter(contents) is not iter(contents)
        return Source(lambda: pieces_of_all(iterable), replayable=replayable)
    if callable(contents):
        factory = contents
        return Source(lambda: pieces_of_all(factory()))
    raise _refused(contents, "pass bytes, a path, a binary file or an iterable of bytes")


def open_source_async(contents: AsyncContents) -> Source:
    """Like `open_source`, and takes async iterables too."""
    if isinstance(contents, AsyncIterable) and not hasattr(contents, "read"):
        iterable, replayable = contents, not isinstance(contents, AsyncIterator)
        return Source(None, async_items=lambda: iterable, replayable=replayable)
    if callable(contents) and not hasattr(contents, "read"):
        factory = cast("Callable[[], AsyncIterable[bytes] | Iterable[bytes]]", contents)
        return Source(None, async_items=factory)
    return open_source(cast(Contents, contents))


def pieces_of(data: object) -> Generator[Piece]:
    """Cut *data* into pieces without copying; refuse what is not bytes."""
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InvalidArgumentError(f"contents: the iterable must yield bytes, got {shorten(data)}")
    if isinstance(data, bytes) and len(data) <= PIECE:
        if data:
            yield data
        return
    view = memoryview(data)
    view = view.cast("B") if view.nbytes else memoryview(b"")  # a view with a zero can't be cast
    for start in range(0, len(view), PIECE):
        yield view[start : start + PIECE]


def pieces_of_all(iterable: object) -> Generator[Piece]:
    """Cut everything that an iterable of the caller yields; a generator is closed afterwards."""
    if not isinstance(iterable, Iterable):
        raise _refused(iterable, "the function must return an iterable of bytes")
    iterator = iter(iterable)
    try:
        for data in iterator:
            yield from pieces_of(data)
    finally:
        if isinstance(iterator, Generator):
            iterator.close()


def _first(size: int, pieces: Generator[Piece]) -> Generator[Piece]:
    """The first *size* bytes of *pieces*, which is closed after them."""
    with closing(pieces):
        while size and (piece := next(pieces, None)):
            piece = piece if len(piece) <= size else memoryview(piece)[:size]
            size -= len(piece)
            yield piece


def _from_memory(data: bytes | bytearray | memoryview) -> Source:
    if isinstance(data, memoryview) and not data.c_contiguous:
        raise _refused(data, "the memoryview must be contiguous")
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    head = next((bytes(piece[:64]) for piece in pieces_of(data)), b"")
    view = memoryview(data)
    view = view.cast("B") if size else memoryview(b"")  # a view with a zero can't be cast
    return Source(
        lambda: pieces_of(data),
        size,
        in_memory=True,
        head=head,
        pieces_from=lambda offset: pieces_of(view[offset:]),
    )


def _from_path(path: Path) -> Source:
    def pieces(offset: int = 0) -> Generator[Piece]:
        with path.open("rb") as file:
            if offset:
                file.seek(offset)
            yield from _read(file)

    status = path.stat()
    if not path.is_file():
        # A pipe or device has no size to go by; what it yields is uploaded until it ends.
        return Source(pieces, replayable=False, name=path.name)
    return Source(pieces, status.st_size, name=path.name, pieces_from=pieces)


def _from_file(file: BinaryIO) -> Source:
    if inspect.iscoroutinefunction(file.read):
        raise _refused(file, "its read() is async; pass an async iterable of bytes")
    name = getattr(file, "name", None)
    name = Path(name).name if isinstance(name, str) else None
    start = size = None
    with _alone(file):
        if isinstance(file.read(0), str):
            raise _refused(file, "open the file in binary mode ('rb')")
        if getattr(file, "seekable", lambda: False)():
            start = file.tell()
            size = max(file.seek(0, os.SEEK_END) - start, 0)
            file.seek(start)

    def pieces(offset: int = 0) -> Generator[Piece]:
        with _alone(file):
            if start is not None:
                file.seek(start + offset)
            yield from _read(file)

    seekable = start is not None
    return Source(
        pieces,
        size,
        replayable=seekable,
        name=name,
        pieces_from=pieces if seekable else None,
    )


_readers: dict[int, object] = {}  # of files, by their id: who reads it at this moment


@contextmanager
def _alone(file: BinaryIO) -> Iterator[None]:
    """Refuse a file that another put reads: each would get a part of it, and move the other."""
    reader = object()
    if _readers.setdefault(id(file), reader) is not reader:
        raise _refused(file, "another put is reading it; open the file twice")
    try:
        yield
    finally:
        del _readers[id(file)]


def _read(file: BinaryIO) -> Generator[Piece]:
    while piece := file.read(PIECE):
        yield piece
    if piece is None:  # what a file that does not block says while there is nothing yet
        raise InvalidArgumentError("contents: the file must be a blocking one")


def _refused(contents: object, rule: str) -> InvalidArgumentError:
    kind = type(contents).__name__
    return InvalidArgumentError(f"contents: a {kind} can't be uploaded: {rule}")
