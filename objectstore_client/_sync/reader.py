# Generated from objectstore_client/_async/reader.py; do not edit. To regenerate: python -m generator
"""An object as a file that can be read at any place."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from objectstore_client._runtime import ReaderBase
from objectstore_client.errors import ClosedError, InvalidArgumentError, shorten
from objectstore_client.ranges import Span

if TYPE_CHECKING:
    from objectstore_client._sync.parts import Parts
    from objectstore_client._sync.payload import Payload
    from objectstore_client.metadata import Metadata
    from objectstore_client.settings import Call

__all__ = ["Reader"]

_LEAST_AHEAD: Final = 64 * 1024
_MOST_AHEAD: Final = 8 * 1024 * 1024


class Reader(ReaderBase):
    """The payload of one version of an object, to be read in any order; made by `open`.

    What is read is fetched by range requests, from 64 KiB on and, as long as one read follows the
    other, twice as much each time, up to 8 MiB; that much is held. A compressed object without a
    seek table is read as a stream instead: to go back in it means to begin anew, and to go to its
    end means to read it all.

    A context manager. For one thread or task at a time. Reading raises what the payload of `get`
    raises; `ObjectChanged` if the object is not the one that was opened.

    Attributes:
        metadata: What the server knew of the object when it was opened.
    """

    def __init__(self, parts: Parts, call: Callable[[], Call]) -> None:
        self.metadata: Metadata = parts.metadata
        self._parts = parts
        self._call = call
        self._position = 0
        self._buffer, self._start = b"", 0
        self._ahead = _LEAST_AHEAD
        self._stream: Payload | None = None
        self._stream_position = 0

    @property
    def name(self) -> str:
        """Key of the object, as files have the name of their path."""
        return self._parts.place.key or ""

    def readable(self) -> bool:
        """Always true."""
        return True

    def seekable(self) -> bool:
        """Always true."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        self._check_open()
        return self._position

    def size(self) -> int:
        """Bytes of the payload; without a seek table a compressed one is read for that."""
        self._check_open()
        return self._parts.measure(self._call())

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Go to *offset* from the start, the present place (1) or the end (2); fetches nothing."""
        self._check_open()
        if whence == os.SEEK_END:
            offset += self._parts.measure(self._call())
        elif whence == os.SEEK_CUR:
            offset += self._position
        elif whence != os.SEEK_SET:
            raise InvalidArgumentError(f"whence: must be 0, 1 or 2, got {shorten(whence)}")
        if offset < 0:
            raise InvalidArgumentError(f"offset: leads before the start, got {shorten(offset)}")
        self._position = offset
        return offset

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to *size* bytes, all that is left if it is negative or `None`.

        Fewer than *size* bytes are returned at the end only.
        """
        self._check_open()
        left = None if size is None or size < 0 else size
        pieces = []
        while left != 0:
            piece = self._buffered(left) or self._fetch(left)
            if not piece:
                break
            self._position += len(piece)
            left = left and left - len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def read1(self, size: int = -1, /) -> bytes:
        """Read what is at hand, and at most *size* bytes; `b""` at the end only."""
        self._check_open()
        limit = None if size < 0 else size
        if limit == 0:
            return b""
        piece = self._buffered(limit) or self._fetch(limit or _LEAST_AHEAD)
        self._position += len(piece)
        return piece

    def close(self) -> None:
        """Let go of what is held. Closing twice does no harm."""
        if not self.closed:
            self._mark_closed()
            self._buffer = b""
            self._drop_stream()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {'closed' if self.closed else 'open'}>"

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError("the reader is closed")

    def _buffered(self, limit: int | None) -> bytes:
        """What is at hand from the present place on."""
        at = self._position - self._start
        if not 0 <= at < len(self._buffer):
            return b""
        return self._buffer[at : None if limit is None else at + limit]

    def _fetch(self, size: int | None) -> bytes:
        """Up to *size* bytes, and more for later, from the present place on; none at the end."""
        try:
            if self._parts.direct:
                return self._fetch_range(size)
            return self._fetch_on(size)
        except BaseException as error:
            self._drop_stream()
            located = self._parts.place.located(error)
            if located is error:
                raise
            raise located from error

    def _fetch_range(self, size: int | None) -> bytes:
        end = self._parts.size
        assert end is not None
        if self._position >= end:
            return b""
        follows = self._position == self._start + len(self._buffer)
        self._ahead = min(2 * self._ahead, _MOST_AHEAD) if follows else _LEAST_AHEAD
        if size is None or size > _MOST_AHEAD:
            size = _MOST_AHEAD
        stop = min(self._position + max(size, self._ahead), end)
        payload = self._parts.open(self._call(), Span(self._position, stop))
        try:
            self._buffer, self._start = payload.read(), self._position
        finally:
            payload.close()
        return self._buffered(size)

    def _fetch_on(self, size: int | None) -> bytes:
        """Read on in the stream, or begin another."""
        if self._stream is None or self._position != self._stream_position:
            self._drop_stream()
            span = Span(self._position, None)
            self._stream = self._parts.open(self._call(), span)
            self._stream_position = self._position
        piece = self._stream.read1(-1)
        self._buffer, self._start = piece, self._position
        self._stream_position += len(piece)
        return self._buffered(size)

    def _drop_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
