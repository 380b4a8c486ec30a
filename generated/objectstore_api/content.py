# Generated; do not edit. To regenerate: python -m generator
# openapi.yaml sha256 6cfabf850216d009…, openapi-python-client 0.29.1
"""Request bodies: what callers may give, and how it is handed to a transport.

A transport gets pieces of at most `PIECE_BYTES`: whole large buffers make HTTP libraries slow.
Nothing is collected in memory, and nothing is read before the transport asks for it.
"""

import os
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Protocol, cast, runtime_checkable

import httpx

from .errors import InvalidArgument

PIECE_BYTES = 1 << 20
"""Upper bound of the pieces a body is sent in, and of the blocks a file is read in."""


@runtime_checkable
class BinaryReader(Protocol):
    """A file opened in binary mode, or whatever else has its `read`."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes; none at the end."""
        ...


BytesLike = bytes | bytearray | memoryview
SyncContent = BytesLike | BinaryReader | Iterable[BytesLike]
"""What `Client` can send. A file is sent from its present position and is never closed."""
AsyncContent = BytesLike | AsyncIterable[BytesLike]
"""What `AsyncClient` can send."""
RequestContent = SyncContent | AsyncContent
"""What the builders take."""

SyncBody = tuple[httpx.SyncByteStream, int | None]
"""A body for a transport, and its length in bytes if that is known."""
AsyncBody = tuple[httpx.AsyncByteStream, int | None]


class _BufferStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body in memory. May be sent any number of times."""

    def __init__(self, buffer: BytesLike) -> None:
        self._buffer = buffer

    def __iter__(self) -> Iterator[bytes]:
        return _pieces(self._buffer)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in _pieces(self._buffer):
            yield piece


class _Meter:
    """Cuts chunks into pieces and holds the body to its declared length.

    The piece that completes the length is held back until the body has ended. So a body that is
    too long fails while the request is still incomplete, and the server stores nothing.
    """

    def __init__(self, length: int | None) -> None:
        self._length = length
        self._seen = 0
        self._last = b""

    def pieces(self, chunk: object) -> Iterator[bytes]:
        if not isinstance(chunk, BytesLike):
            raise TypeError(f"a body must yield bytes, got {type(chunk).__name__}")
        for piece in _pieces(chunk):
            self._seen += len(piece)
            if self._length is None or self._seen < self._length:
                yield piece
            elif self._seen == self._length:
                self._last = piece
            else:
                rule = f"is {self._length}, but the body is longer"
                raise InvalidArgument("content_length", rule)

    def finish(self) -> Iterator[bytes]:
        if self._length is not None and self._seen < self._length:
            rule = f"is {self._length}, but the body ended after {self._seen} bytes"
            raise InvalidArgument("content_length", rule)
        return _pieces(self._last)


class _Once:
    """A source that can be sent once: the second time an iterator would send an empty body."""

    _used = False

    def use(self) -> None:
        if self._used:
            raise httpx.StreamConsumed
        self._used = True


class _ChunkStream(_Once, httpx.SyncByteStream):
    def __init__(self, chunks: Iterable[object], length: int | None) -> None:
        self._chunks = chunks
        self._length = length

    def __iter__(self) -> Iterator[bytes]:
        self.use()
        meter = _Meter(self._length)
        for chunk in self._chunks:
            yield from meter.pieces(chunk)
        yield from meter.finish()


class _AsyncChunkStream(_Once, httpx.AsyncByteStream):
    def __init__(self, chunks: AsyncIterable[object], length: int | None) -> None:
        self._chunks = chunks
        self._length = length

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.use()
        meter = _Meter(self._length)
        async for chunk in self._chunks:
            for piece in meter.pieces(chunk):
                yield piece
        for piece in meter.finish():
            yield piece


EMPTY = _BufferStream(b"")


def check_content(content: object, content_length: int | None) -> None:
    """Refuse what no client can send, before anything else happens.

    Raises:
        TypeError: If *content* is text or no kind of `RequestContent`.
        InvalidArgument: If *content_length* is negative or contradicts the size of a buffer.
    """
    if content_length is not None and content_length < 0:
        raise InvalidArgument("content_length", "must not be negative")
    if content is None:
        if content_length:
            raise InvalidArgument("content_length", "given without a body")
    elif isinstance(content, BytesLike):
        if not memoryview(content).c_contiguous:
            raise TypeError("the body must be contiguous in memory")
        if content_length not in {None, memoryview(content).nbytes}:
            raise InvalidArgument("content_length", "is not the size of the body")
    elif isinstance(content, str | dict):
        raise TypeError(f"the body must be bytes or yield bytes, got {type(content).__name__}")
    elif not isinstance(content, BinaryReader | Iterable | AsyncIterable):
        raise TypeError(f"can't send a body of type {type(content).__name__}")


def sync_body(content: RequestContent, content_length: int | None) -> SyncBody:
    """Prepare a body for a sync transport.

    Of a file the next *content_length* bytes are sent; without one, everything up to its end.

    Raises:
        TypeError: If *content* can only be iterated asynchronously.
    """
    buffer = _as_buffer(content)
    if buffer is not None:
        return _BufferStream(buffer), memoryview(buffer).nbytes
    if isinstance(content, BinaryReader):
        length = _remaining_bytes(content) if content_length is None else content_length
        return _ChunkStream(_blocks(content, length), length), length
    if isinstance(content, Iterable):
        return _ChunkStream(content, content_length), content_length
    raise TypeError(f"Client can't send {type(content).__name__}, which needs AsyncClient")


def async_body(content: RequestContent, content_length: int | None) -> AsyncBody:
    """Prepare a body for an async transport.

    Raises:
        TypeError: If *content* is a file or a sync iterable: reading it could block the loop.
    """
    buffer = _as_buffer(content)
    if buffer is not None:
        return _BufferStream(buffer), memoryview(buffer).nbytes
    if isinstance(content, AsyncIterable):
        return _AsyncChunkStream(content, content_length), content_length
    raise TypeError(
        f"AsyncClient can't send {type(content).__name__}: give bytes or an async iterable"
    )


def _as_buffer(content: object) -> BytesLike | None:
    return content if isinstance(content, BytesLike) else None


def _pieces(chunk: BytesLike) -> Iterator[bytes]:
    if isinstance(chunk, bytes) and len(chunk) <= PIECE_BYTES:
        if chunk:  # an empty piece would end a chunked body
            yield chunk
        return
    view = memoryview(chunk).cast("B")
    for start in range(0, len(view), PIECE_BYTES):
        # Sockets take any buffer; only the annotations of httpx insist on `bytes`.
        yield cast(bytes, view[start : start + PIECE_BYTES])


def _blocks(file: BinaryReader, length: int | None) -> Iterator[bytes]:
    left = length
    while left is None or left > 0:
        block = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block


def _remaining_bytes(file: BinaryReader) -> int | None:
    """Bytes from the present position to the end, or `None` if the file doesn't know."""
    try:
        tell, seek = file.tell, file.seek  # type: ignore[attr-defined]
        here: int = tell()
        end: int = seek(0, os.SEEK_END)
        seek(here)
    except (AttributeError, OSError, ValueError):
        return None
    return max(0, end - here)
